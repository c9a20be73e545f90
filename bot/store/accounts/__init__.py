"""The local directory: its accounts, and how often each was changed."""
