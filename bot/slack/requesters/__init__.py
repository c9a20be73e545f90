"""Messages to requesters.

replies     answers and notices; refusals: why a person is not helped
choices     the question which agent a direct message is for
thumbs      the questions after a thumb down
sealed      messages with secrets, which are sent but not kept
"""
