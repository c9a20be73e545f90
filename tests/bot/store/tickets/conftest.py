"""Another thread, for what happens to one ticket at once."""

from tests.support.beside import beside

__all__ = ["beside"]
