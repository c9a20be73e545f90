"""A bound on time that holds however busy a machine is."""

SOON = 30.0
"""Seconds in which is over what does not hang.

What a test tells it from takes far longer, or for ever: how busy a machine is can be seen neither at once nor from
within a container, so no bound of a test depends on it.
"""
