"""What kinds of harm a trial does, and how often."""

import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.e2e.chaos.fates import Fate
from tests.e2e.chaos.processes import Part

KILL, TERM, STOP = signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP


@dataclass(frozen=True)
class Chance:
    """One way in which a process may end, and how likely it is."""

    weight: float
    signal: signal.Signals
    at_moment: bool = True
    "At a named moment; else whenever."


@dataclass(frozen=True)
class FaultMix:
    """A kind of trial."""

    name: str
    fates: Mapping[Part, Sequence[Chance]]
    harms: Mapping[str, float] = field(default_factory=dict)
    "Mean seconds between two of a kind; see `harms.py`."
    changes: Mapping[str, float] = field(default_factory=dict)
    "How likely people edit or delete what they wrote, forward, or ask in a shared channel; see `traffic.py`."
    skews: Sequence[float] = (0.0,)
    "By how many seconds the time of day of a new process may jump."
    timed: bool = True
    "Nothing but processes dies, so how soon a kill is made good is measured."

    def fate(
        self, part: Part, rng: random.Random, seen: Mapping[str, int], *, may_freeze: bool
    ) -> tuple[Fate | None, bool]:
        """Choose what becomes of a new process, and whether that is at a named moment."""
        chances = [one for one in self.fates.get(part, ()) if may_freeze or one.signal != STOP]
        if not chances:
            return None, False
        [chance] = rng.choices(chances, [one.weight for one in chances])
        after = rng.uniform(*LIVES[part])
        begins = "commit messages.hear" if part == "web" else "*"
        return Fate(chance.signal, after, ODDS[part], rng.getrandbits(32), begins, dict(seen)), chance.at_moment


LIVES: Mapping[Part, tuple[float, float]] = {"worker": (0.05, 0.9), "clock": (0.5, 6.0), "web": (1.5, 6.0)}
"Seconds of work before a fate may strike; the work of a web process begins with what it hears."
ODDS: Mapping[Part, float] = {"worker": 0.08, "clock": 0.3, "web": 0.2}
"Of a moment that was chosen as seldom as any: the busier a process is, the smaller."

DIE = (Chance(5, KILL), Chance(3, KILL, at_moment=False), Chance(1, TERM), Chance(1, TERM, at_moment=False))
_WORKERS: Mapping[Part, Sequence[Chance]] = {"worker": DIE}
EVERYBODY: Mapping[Part, Sequence[Chance]] = {"worker": DIE, "clock": DIE, "web": DIE}

THEMES: Mapping[str, FaultMix] = {
    theme.name: theme
    for theme in (
        FaultMix("workers", _WORKERS),
        FaultMix("everybody", EVERYBODY),
        FaultMix(
            "freeze",
            {"worker": (Chance(3, STOP), Chance(1, STOP, at_moment=False), *DIE), "clock": (*DIE, Chance(2, STOP))},
        ),
        FaultMix(
            "slack",
            EVERYBODY,
            {
                "slack.drop_answer": 3,
                "slack.http_500": 6,
                "slack.rate_limit": 6,
                "slack.slow": 8,
                "events.deliver_twice": 4,
                "events.new_event_id": 4,
                "events.drop_answer": 6,
            },
            timed=False,
        ),
        FaultMix(
            "model",
            EVERYBODY,
            {"model.cut_stream": 3, "model.529": 4, "model.429": 6, "model.500": 6, "model.slow": 5},
            timed=False,
        ),
        FaultMix("redis", EVERYBODY, {"redis.kept": 7, "redis.empty": 7, "redis.old": 7}, timed=False),
        FaultMix("postgres", EVERYBODY, {"postgres.immediate": 7, "postgres.fast": 9}, timed=False),
        FaultMix(
            "changes",
            {"worker": DIE, "clock": DIE},  # the web process stays, so that more is heard
            {"events.deliver_twice": 4, "events.new_event_id": 4, "events.drop_answer": 4},
            changes={"edit": 0.4, "delete": 0.25, "forward": 0.2, "shared": 0.2},
            timed=False,
        ),
        FaultMix("skew", EVERYBODY, skews=(0, 0, 2, -2, 9, -9, 20, -20), timed=False),
        FaultMix(
            "storm",
            {"worker": (Chance(2, STOP), *DIE), "clock": (Chance(1, STOP), *DIE), "web": DIE},
            {
                "slack.drop_answer": 6,
                "slack.http_500": 12,
                "slack.rate_limit": 12,
                "events.deliver_twice": 8,
                "events.new_event_id": 8,
                "model.cut_stream": 8,
                "model.529": 8,
                "redis.kept": 25,
                "redis.empty": 25,
                "redis.old": 25,
                "postgres.immediate": 25,
                "postgres.fast": 30,
            },
            changes={"edit": 0.2, "delete": 0.1, "forward": 0.1, "shared": 0.1},
            skews=(0, 0, 0, 5, -5),
            timed=False,
        ),
    )
}
