"""Those who take handoffs, as a card names them. Nothing here decides what an agent does: no release is made of it.

- `people`: where handoffs go, who takes them, and what is done for one that nobody takes.
- `working_hours`: when they are there, by the wall clock of a place.
"""
