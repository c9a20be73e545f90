"""SQL itself: how it is run quickly, and what more than one family of the store needs of it."""
