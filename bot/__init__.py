"""Deskhand gets people back into their accounts, and calls in a person before it is out of its depth."""
