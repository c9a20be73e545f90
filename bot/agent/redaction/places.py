"""Home addresses: a street with its number (`places.yaml`), only where the text says that it is an address."""

import re
from collections.abc import Iterator
from typing import Any

from bot.agent.redaction.found import Secret
from bot.agent.redaction.names import NamedPlaces
from bot.agent.redaction.tables import rows

_ROWS: dict[str, Any] = rows(__file__)
_STREETS = tuple(re.compile(street + _ROWS["city"]) for street in _ROWS["streets"].values())
NEAR = 60
"Most characters between the word that says so and the street."


def find(reading: NamedPlaces) -> Iterator[Secret]:
    """Find people's addresses."""
    view = reading.view
    for name in reading.names.found:
        if name.kind != "address":
            continue
        for street in _STREETS:
            match = street.search(view.low, max(0, name.start - NEAR), name.end + NEAR + NEAR)
            if (
                match is not None
                and match.start() <= name.end + NEAR
                and "\n\n" not in view.low[name.end : match.start()]
            ):
                yield Secret("address", *match.span())
                break
