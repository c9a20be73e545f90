"""A sample of acts for an auditor: drawn by a seed, each told in three lines. Pure.

Invariant: which acts are drawn depends on the seed and on the numbers of the acts alone, so that anybody can draw them
again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.store.audit.strata import ActKind
from bot.stories.explanation import WIDTH, Explanation
from bot.stories.ticket_story import cut

Link = Callable[[str, str], str | None]
"(channel, ts) -> the permanent link of a Slack message, or None."
_INDENT = "  "
_SUMMED_UP = {
    ActKind.WRITES: ("Done", "Agreed"),
    ActKind.APPROVALS: ("Approved",),
    ActKind.HANDOFFS: ("People",),
    ActKind.REFUSALS: ("Decided", "Done"),
}
"The parts of an explanation whose last sentences sum an act up."


@dataclass(frozen=True, slots=True)
class DrawnAct:
    """An act that was drawn."""

    stratum: ActKind
    record: int
    "The number of its audit record."


def draw(seed: str, count: int, population: Mapping[ActKind, Sequence[int]]) -> list[DrawnAct]:
    """Return acts at random, by stratum and number; all of them if there are no more than `count`.

    Each stratum gets the same share, the first ones what is left over, and what a small stratum does not need goes to
    the others in order.
    """
    share = dict.fromkeys(ActKind, 0)
    left = min(count, sum(len(population[stratum]) for stratum in ActKind))
    while left:
        for stratum in ActKind:
            if left and share[stratum] < len(population[stratum]):
                share[stratum] += 1
                left -= 1
    return [
        DrawnAct(stratum, number)
        for stratum in ActKind
        for number in sorted(sorted(population[stratum], key=lambda one: _chance(seed, one))[: share[stratum]])
    ]


def _chance(seed: str, number: int) -> bytes:
    return hashlib.sha256(f"{seed}:{number}".encode()).digest()


def head(seed: str, sizes: Mapping[ActKind, int], drawn: Sequence[DrawnAct]) -> str:
    """Return the lines above a sample: its seed, and how many acts of how many it has."""
    counts = [
        f"{sum(act.stratum is stratum for act in drawn):,} of {size:,} {stratum}" for stratum, size in sizes.items()
    ]
    return f"Seed {seed}: {', '.join(counts)}. Times are UTC."


@dataclass(frozen=True, slots=True)
class ToldAct:
    """An act that was drawn, with its explanation."""

    act: DrawnAct
    page: Explanation
    link: Link

    def text(self) -> str:
        """Return its three lines: what was decided, what came of it, and where to look."""
        summed = [part.says[-1] for label in _SUMMED_UP[self.act.stratum] for part in self.page.of(label)]
        first = next((part.says[0] for part in self.page.of("Decided")), self.page.heading)
        kind, narrow = self.act.stratum.removesuffix("s"), WIDTH - len(_INDENT)
        return f"{cut(f'{kind}: {first}', WIDTH)}\n{_INDENT}{cut(' '.join(summed), narrow)}\n{_INDENT}{self._where()}"

    def as_json(self) -> dict[str, Any]:
        """Return the act as JSON values: its stratum, its record, its links and its whole explanation."""
        act = {"stratum": self.act.stratum, "audit": self.act.record, "links": self._links()}
        return act | self.page.as_json()

    def _where(self) -> str:
        return "  ".join([f"deskhand audit explain {self.page.thing}", *self._links()])

    def _links(self) -> list[str]:
        """Return where it was asked in Slack: a link, or the place if Slack is not asked for links."""
        asked = next(iter(self.page.of("Asked")), None)
        messages = [] if asked is None else asked.facts["messages"][:1]
        places = [(str(one["channel"]), str(one["ts"])) for one in messages if one["ts"]]
        return [self.link(*place) or "/".join(place) for place in places]
