"""The people who take handoffs, as a card names them. None of it is part of a release: no agent behaves by it.

- `people`: where handoffs go, who takes them, and when an unclaimed one is escalated.
- `working_hours`: when they work, by the wall clock of a time zone.
"""
