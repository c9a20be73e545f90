"""Handoffs: the moves of each, what came of it, and what is due.

handoffs           the moves; moves: how each is made; handoff_history: what they come to
responses          what responders write; shown: what people have been shown of a handoff
closings           was a request done with before its requester wrote again
handoffs_due       what the clock looks at
handoff_metrics    how it all goes; solved: what needed no person
"""
