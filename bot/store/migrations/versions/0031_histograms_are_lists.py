"""durations that are added up by day are lists of counts, cell after cell, instead of counts by their milliseconds."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BY_REASON = ("to_claim", "to_first_response", "to_resolve")
OF_SUCCESS = ("to_answer", "to_resolution")
EXACT, A_POWER = 100, 90
"Cells below 100 ms, and cells of each further power of ten."

COUNTS = sa.table(
    "figure_counts", *map(sa.column, ("day", "agent", "events")), sa.column("counts", sa.JSON(none_as_null=True))
)
DAYS = sa.table("success_days", sa.column("day"), sa.column("counts", sa.JSON(none_as_null=True)))


def upgrade() -> None:
    _change(COUNTS, _figures_as_lists)
    _change(DAYS, lambda agents: {agent: _success_as_lists(of) for agent, of in agents.items()})


def downgrade() -> None:
    _change(COUNTS, _figures_as_numbers)
    _change(DAYS, lambda agents: {agent: _success_as_numbers(of) for agent, of in agents.items()})


def _change(table: sa.TableClause, changed: Callable[[Any], Any]) -> None:
    """Change the counts of each row; there are a few rows a day."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(table)).all():
        *key, counts = row
        same = [column == value for column, value in zip(table.c, key, strict=False)]
        connection.execute(table.update().where(*same).values(counts=changed(counts)))


def _figures_as_lists(counts: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(counts)
    if "latency" in found:
        found["latency"] = {"": _as_list(found["latency"])}
    for name in found.keys() & set(BY_REASON):
        reasons: dict[str, dict[str, int]] = {}
        for key, number in found[name].items():
            duration, _, reason = key.partition(" ")
            reasons.setdefault(reason, {})[duration] = number
        found[name] = {reason: _as_list(durations) for reason, durations in reasons.items()}
    return found


def _figures_as_numbers(counts: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(counts)
    if "latency" in found:
        found["latency"] = _as_numbers(found["latency"][""])
    for name in found.keys() & set(BY_REASON):
        by_reason = ((reason, _as_numbers(one)) for reason, one in found[name].items())
        found[name] = {f"{duration} {reason}": number for reason, one in by_reason for duration, number in one.items()}
    return found


def _success_as_lists(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {**counts, **{name: _as_list(counts.get(name, {})) for name in OF_SUCCESS}}


def _success_as_numbers(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {**counts, **{name: _as_numbers(counts[name]) for name in OF_SUCCESS}}


def _as_list(durations: Mapping[str, int]) -> list[int]:
    """Return the number of the first cell, and then how many durations are in it and in each cell after it."""
    cells = {_cell(int(duration)): number for duration, number in durations.items()}
    if not cells:
        return [0]
    return [min(cells), *(cells.get(cell, 0) for cell in range(min(cells), max(cells) + 1))]


def _as_numbers(cells: list[int]) -> dict[str, int]:
    """Return how many durations there are, by their milliseconds."""
    first, *counts = cells
    return {str(_duration(first + place)): number for place, number in enumerate(counts) if number}


def _cell(duration: int) -> int:
    if duration < EXACT:
        return duration
    power = len(str(duration)) - 2
    return EXACT + A_POWER * (power - 1) + duration // 10**power - 10


def _duration(cell: int) -> int:
    if cell < EXACT:
        return cell
    power, place = divmod(cell - EXACT, A_POWER)
    return int((10 + place) * 10 ** (power + 1))
