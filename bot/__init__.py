"""Deskhand: gets people back into their account, and fetches a human before it is out of its depth."""
