"""What is written down is said once, in order.

outbox        who is sent what, and when; duplicates: messages that stand twice are found and taken back
posting       the one call; plainer: forms that Slack may take when it refuses the fullest
enclosures    what is too long for messages, as a file
offers        what one person alone is asked
"""
