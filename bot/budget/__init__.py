"""Money: what a call costs, whether it may be made, and what became of it.

`metering.Meter` is the one door. SQL (`bot.store.ledger`) is the truth, Redis the gate; the amounts
are integer nano-US-dollars everywhere.
"""
