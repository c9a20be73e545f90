"""Deskhand gets people back into their accounts, and calls in a person before it is out of its depth."""

import gc

gc.set_threshold(10_000)
"New objects after which garbage is collected: with Python's own 700, a start looks 400 times through what it loads."
