"""What is said in Slack: written down first, then sent by whoever has taken it.

messages      what is to be said; deliveries: who sends it
duplicates    what may stand twice; removals: what others have deleted
homes         App Homes
"""
