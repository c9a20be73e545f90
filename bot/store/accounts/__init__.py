"""The local directory: its accounts, how often each was changed, and the delegation tokens that were used."""
