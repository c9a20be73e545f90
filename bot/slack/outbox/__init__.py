"""Sends each stored message once, in order.

outbox        sends what is due; duplicates: finds messages that were posted twice, and deletes them
posting       the one call that sends a message; plainer: simpler forms for when Slack refuses the fullest
enclosures    texts that are too long for messages, as a file
offers        questions and hints that only one person sees
"""
