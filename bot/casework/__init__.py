"""The use cases between hearing and saying: a move, and what everybody is told of it, in one transaction."""
