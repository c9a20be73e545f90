"""How much a test plays: as much as its fact needs, or with `make check-long` as much as a day of the product has."""

import os


def volume(usual: int, *, long: int) -> int:
    """Return how much to play: the usual number, or the long one where `DESKHAND_TEST_LONG` is set."""
    return long if os.environ.get("DESKHAND_TEST_LONG") else usual
