"""Requests: from a message to its turn, and from a turn's lease to its outcome.

tickets           a message becomes a ticket and a turn
turns             who works on a turn, and how it ended; steps: its journal of model and tool calls
waiting_messages  what waits for a turn; ticket_messages: what was said on both sides
threads           which ticket a message belongs to; overheard: what asks nothing of the agent
rewriting         edits and deletions; quotes: what came with a message and others wrote
first_words       what the requester wrote first
outcomes          what the outcome of a turn makes of its ticket
shares            how much one person may ask for
inbox             commands, shortcuts and the stop button; feedback: thumbs
ticket_history    everything about one ticket
"""
