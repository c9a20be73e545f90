"""Handoffs: the moves of each, what responders write, what is due, and the metrics.

handoffs           the moves; moves: how each is made; handoff_history: replays them
responses          what responders write; shown: what people have been shown of a handoff
closings           whether a request was done before its requester wrote again
handoffs_due       what the clock has to do
handoff_metrics    how handoffs go; claims: how long people had tickets claimed
"""
