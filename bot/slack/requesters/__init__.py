"""What requesters read.

replies     answers and notices; refusals: why somebody is not helped
thumbs      what a thumb down asks
sealed      words that are sent and may not be kept
"""
