"""Requests: from a message to its turn, and from a turn's lease to its outcome.

tickets           a message becomes a ticket and a turn
turns             who works on a turn, and how it ended; steps: its journal of model and tool calls
threads           which ticket a message belongs to; overheard: what asks nothing of the agent
rewriting         edits and deletions; quotes: what came with a message and others wrote
    first_words       what the requester wrote first
closings          what ends a ticket, and what does not reopen it
shares            how much one person may ask for
hints             what somebody was told in private, once
inbox             commands, shortcuts and the stop button; feedback: thumbs
ticket_history    everything about one ticket
"""
