"""Tickets: from a message to its turn, and from the turn to its outcome.

tickets           a message becomes a ticket and a turn
turns             who plays a turn, and how it ended; steps: its journal of model and tool calls
suspended_turns   turns that wait for a person to allow a call
waiting_messages  messages that wait for a turn; ticket_messages: what was said on both sides
threads           which ticket a message belongs to; overheard: messages that are no request to the agent
rewriting         edits and deletions; quotes: what a message passes on of others
first_words       how a request began
outcomes          what the outcome of a turn changes in its ticket
shares            how much one person may ask for; unassigned: direct messages without an agent yet
inbox_commands    commands, shortcuts and the stop button
feedback          thumbs; recounts: days that the dashboard counts anew
ticket_history    everything about one ticket
"""
