"""Harm to what the house stands on: Redis, PostgreSQL, Slack and the model; each is mended after a while."""

import itertools
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.e2e.chaos.traffic import post
from tests.support.json_object import Json

if TYPE_CHECKING:
    from tests.e2e.chaos.chaos_trial import ChaosTrial

AWAY_SECONDS = (0.1, 2.5)
"How long Redis or PostgreSQL stays away."
FAULT_SECONDS = (0.5, 3.0)
"How long Slack or the model misbehaves."
OLD_SECONDS = 3.0
"How old a snapshot is at least."
SPOKEN = ("chat.postMessage", "chat.update", "conversations.replies", "users.info", "*")


class ChaosFaults:
    """The harm that a trial's theme asks for."""

    def __init__(self, trial: "ChaosTrial") -> None:
        self._trial = trial
        self.away: set[str] = set()
        self._slack: dict[int, Json] = {}
        self._model: dict[int, Json] = {}
        self._numbers = itertools.count()

    def plan(self) -> None:
        """Put the first of each kind on the agenda."""
        for name, gap in self._trial.theme.harms.items():
            self._again(name, gap)

    def mend(self) -> None:
        """Bring everything back."""
        if "redis" in self.away:
            self._redis_rises()
        if "postgres" in self.away:
            self._postgres_rises()
        self._slack.clear()
        self._model.clear()
        self._tell_slack()
        self._tell_model()

    def _again(self, name: str, gap: float) -> None:
        def strike() -> None:
            where, _, what = name.partition(".")
            if where not in self.away:
                done: Callable[[str], None] = getattr(self, f"_harm_{where}")
                done(what)
            self._again(name, gap)

        self._trial.at(self._trial.rng.expovariate(1 / gap), strike)

    def _harm_redis(self, what: str) -> None:
        if what == "old":
            self._trial.ground.redis.remember()
        self._count(f"redis.{what}", kill=True)
        wait = OLD_SECONDS if what == "old" else 0.0
        self._trial.at(wait, lambda: self._redis_dies(what))

    def _redis_dies(self, what: Any) -> None:
        if "redis" not in self.away:
            self.away.add("redis")
            self._trial.ground.redis.kill(what)
            self._trial.at(self._trial.rng.uniform(*AWAY_SECONDS), self._redis_rises)

    def _redis_rises(self) -> None:
        self._trial.ground.redis.rise()
        self.away.discard("redis")

    def _harm_postgres(self, what: str) -> None:
        self._count(f"postgres.{what}", kill=True)
        self.away.add("postgres")
        self._trial.ground.postgres.kill(signal.SIGQUIT if what == "immediate" else signal.SIGINT)
        self._trial.at(self._trial.rng.uniform(*AWAY_SECONDS), self._postgres_rises)

    def _postgres_rises(self) -> None:
        self._trial.ground.postgres.rise()
        self.away.discard("postgres")

    def _harm_slack(self, what: str) -> None:
        seconds = self._trial.rng.choice((0.5, 2.0, 7.0)) if what in ("slow", "rate_limit") else None
        fault = {"method": self._trial.rng.choice(SPOKEN), "kind": what, "seconds": seconds}
        self._count(f"slack.{what}")
        self._misbehave(self._slack, fault, self._tell_slack)

    def _harm_events(self, what: str) -> None:
        self._count(f"events.{what}")
        self._misbehave(self._slack, {"method": "events", "kind": what}, self._tell_slack)

    def _harm_model(self, what: str) -> None:
        seconds = self._trial.rng.choice((2.0, 6.0, 11.0)) if what == "slow" else 1.0
        self._count(f"model.{what}")
        self._misbehave(self._model, {"kind": what, "seconds": seconds}, self._tell_model)

    def _misbehave(self, faults: dict[int, Json], fault: Json, tell: Callable[[], None]) -> None:
        """Switch a fault on, for a few calls at most and not for long."""
        number = next(self._numbers)
        faults[number] = {**fault, "times": self._trial.rng.randint(1, 6)}
        tell()

        def cease() -> None:
            if faults.pop(number, None) is not None:
                tell()

        self._trial.at(self._trial.rng.uniform(*FAULT_SECONDS), cease)

    def _tell_slack(self) -> None:
        post(f"{self._trial.ground.site.address('slack')}sandbox/faults", list(self._slack.values()), "PUT")

    def _tell_model(self) -> None:
        post(f"{self._trial.ground.site.address('model')}faults", list(self._model.values()), "PUT")

    def _count(self, name: str, *, kill: bool = False) -> None:
        self._trial.by_kind[name] += 1
        self._trial.kills += kill
