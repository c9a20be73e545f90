"""Messages to Slack: written down first, then sent by one sender at a time.

messages      what is to be said; deliveries: who sends it; hints: short words to one person
duplicates    what Slack may show twice; removals: what others have deleted
homes         App Homes
"""
