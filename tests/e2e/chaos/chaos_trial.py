"""One trial: people ask, harm is done, all is mended; then it is quiet, and the laws are held against it."""

import heapq
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from bot.errors import Transient
from bot.sandbox.demo.processes import answers
from bot.store.db import Database
from bot.store.schema import AuditRow, LedgerRow, Message, Turn
from tests.e2e.chaos.chaos_invariants import ChaosVerdict, judge_answers
from tests.e2e.chaos.fault_mixes import FaultMix
from tests.e2e.chaos.faults import ChaosFaults
from tests.e2e.chaos.processes import ChaosProcesses, Child, Part
from tests.e2e.chaos.recovery import Recovery
from tests.e2e.chaos.services import DRAIN_SECONDS, LEASE_SECONDS, ChaosServices
from tests.e2e.chaos.traffic import Traffic, get

SLOTS: tuple[tuple[str, Part], ...] = (
    ("worker-1", "worker"),
    ("worker-2", "worker"),
    ("clock", "clock"),
    ("web", "web"),
)
UNDER_WAY = 16
"Most of them wait for the lease of somebody who was killed."
_LOOK_SECONDS = 0.25
_QUIET_SECONDS = 300.0
_START_SECONDS = 120.0
BOOKS_SECONDS = 200.0
"Until the lease of every model call is over, and what nobody saw the end of is noted."
FREEZE_SECONDS = (LEASE_SECONDS + 1, LEASE_SECONDS + 4)
ZOMBIE_SECONDS = 4.0
"How long a frozen process goes on once it may, before it is killed."
END_GRACE_SECONDS = 8.0
"How much longer than its drain a process may take to end."
FROZEN_AT_ONCE = 2
IDLE_SECONDS = 2.5
"A process that has come to no moment by then has nothing to do; its fate strikes all the same."
MADE_GOOD_SECONDS = 15.0


@dataclass
class ChaosOutcome:
    """What came of a trial."""

    theme: str
    seed: str
    kills: int
    by_kind: Counter[str]
    verdict: ChaosVerdict
    made_good: list[tuple[float, int]]
    "Seconds from a kill to the answer, and the turn that it hit."
    fell: Counter[str]
    "Processes that ended though nothing was done to them, and those that did not end when told to."
    seconds: float

    def broken(self) -> list[str]:
        """Return everything that is wrong, one sentence each."""
        late = [
            f"late: turn {turn} took {took:.1f} s from the kill"
            for took, turn in self.made_good
            if took > MADE_GOOD_SECONDS
        ]
        return [*self.verdict.broken(), *late]


@dataclass
class ChaosTrial:
    """A trial under way."""

    ground: ChaosServices
    household: ChaosProcesses
    database: Database
    theme: FaultMix
    seed: str
    say: Callable[[str], None]
    rng: random.Random = field(init=False)
    by_kind: Counter[str] = field(default_factory=Counter)
    fell: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    frozen: int = 0
    calm: bool = False
    _agenda: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)
    _in: dict[str, Child] = field(default_factory=dict)
    "Who has a slot now; a frozen or ending process has none."

    def __post_init__(self) -> None:
        """Get ready; everything that is chosen comes from the seed."""
        self.rng = random.Random(self.seed)
        self.traffic = Traffic(self.ground.site.address("slack"), self.database, self.rng, self.theme.changes)
        self.harms, self.recovery = ChaosFaults(self), Recovery(self.database)

    def run(self, kills: int, seconds: float) -> ChaosOutcome:
        """Do harm until so many processes were killed or so many seconds are over; then judge."""
        began = time.monotonic()
        for slot, part in SLOTS:
            self._bear(slot, part)
        self._wait(_START_SECONDS, self._serves)
        self.harms.plan()
        looked = 0.0
        while self.kills < kills and time.monotonic() - began < seconds:
            self._step()
            if time.monotonic() - looked > _LOOK_SECONDS and "postgres" not in self.harms.away:
                looked = time.monotonic()
                self._people()
            time.sleep(0.01)
        self._become_calm()
        verdict = self._judge()
        return ChaosOutcome(
            self.theme.name,
            self.seed,
            self.kills,
            self.by_kind,
            verdict,
            self.recovery.times() if self.theme.timed else [],
            self.fell,
            time.monotonic() - began,
        )

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        heapq.heappush(self._agenda, (time.monotonic() + seconds, next(self._order), do))

    def _step(self) -> None:
        for news, child in self.household.news():
            if news == "struck":
                self._struck(child)
            else:
                self._died(child)
        while self._agenda and self._agenda[0][0] <= time.monotonic():
            heapq.heappop(self._agenda)[2]()

    def _people(self) -> None:
        try:
            self.traffic.look()
            self.traffic.keep_up(UNDER_WAY)
        except Transient as error:
            self.say(f"people wait: {error}")

    def _bear(self, slot: str, part: Part) -> None:
        may_freeze = self.frozen < FROZEN_AT_ONCE
        fate, at_moment = (
            (None, False)
            if self.calm
            else self.theme.fate(part, self.rng, self.household.moments, may_freeze=may_freeze)
        )
        skew = None if self.calm else self.rng.choice(list(self.theme.skews))
        child = self.household.bear(
            slot, part, fate=fate if at_moment else None, skew=(skew, self.rng.uniform(0, 1)) if skew else None
        )
        self._in[slot] = child
        if fate is not None:
            self._doom(child, fate.after + (IDLE_SECONDS if at_moment else 0.0), fate.signal)

    def _doom(self, child: Child, seconds: float, number: int) -> None:
        """Let a fate strike so long from now; a web process from when it serves, so that something is heard."""
        if child.part == "web" and child.pid in self.household.children and not self._serves():
            self.at(_LOOK_SECONDS, lambda: self._doom(child, seconds, number))
        else:
            self.at(seconds, lambda: self._strike(child, number))

    def _serves(self) -> bool:
        return answers(f"{self.ground.site.address('web')}healthz")

    def _strike(self, child: Child, number: int) -> None:
        if child.pid in self.household.children and not child.struck:
            self.household.strike(child, number)
            self._struck(child)

    def _struck(self, child: Child) -> None:
        """Count a kill, and plan what follows from it."""
        name = signal.Signals(child.signal).name.removeprefix("SIG").lower()
        self.by_kind[f"{child.part}.{name}"] += 1
        self.kills += 1
        if child.signal == signal.SIGKILL:
            return  # the rest when it is buried
        if child.signal == signal.SIGSTOP:
            self.frozen += 1
            self._hit_by(child)
            self.at(self.rng.uniform(*FREEZE_SECONDS), lambda: self._thaw(child))
        else:
            self.at(DRAIN_SECONDS + END_GRACE_SECONDS, lambda: self._overdue(child))
        if child.part != "web" and self._in.get(child.slot) is child:
            self._replace(child)

    def _thaw(self, child: Child) -> None:
        self.frozen -= 1
        self.household.send(child, signal.SIGCONT)
        # This hits what it has taken since then, and not only what it had when it froze.
        self.at(ZOMBIE_SECONDS, lambda: self.household.strike(child, signal.SIGKILL))

    def _overdue(self, child: Child) -> None:
        if child.pid in self.household.children:
            self.fell[f"{child.part} did not end within {DRAIN_SECONDS + END_GRACE_SECONDS:.0f} s of SIGTERM"] += 1
            self.household.send(child, signal.SIGKILL)

    def _died(self, child: Child) -> None:
        if child.struck is None:
            self.fell[f"{child.part} ended by itself with {child.code}"] += 1
        if child.signal != signal.SIGSTOP:
            self._hit_by(child)
        if self._in.get(child.slot) is child:
            self._replace(child)

    def _replace(self, child: Child) -> None:
        del self._in[child.slot]
        if not self.calm:
            self.at(self.rng.uniform(0.0, 0.2), lambda: self._bear(child.slot, child.part))

    def _hit_by(self, child: Child) -> None:
        """Note what a dead or frozen process leaves to others."""
        if "postgres" not in self.harms.away:
            try:
                self.recovery.hit(child)
            except Transient as error:
                self.say(f"nobody knows what {child.slot} had: {error}")

    def _become_calm(self) -> None:
        """Mend everything, and start all processes anew with no fate."""
        self.calm = True
        self._agenda.clear()
        self.harms.mend()
        for child in list(self.household.children.values()):
            self.household.strike(child, signal.SIGKILL)
            self.household.send(child, signal.SIGCONT)
        deadline = time.monotonic() + END_GRACE_SECONDS
        while self.household.children and time.monotonic() < deadline:
            self._step()
            time.sleep(0.01)
        for slot, part in SLOTS:
            self._bear(slot, part)

    def _judge(self) -> ChaosVerdict:
        """Wait until it is quiet, then hold everything against the laws."""
        self._wait(_QUIET_SECONDS, lambda: not self.traffic.under_way())
        self._wait(BOOKS_SECONDS, lambda: not self._open_books())
        witness = get(f"{self.ground.site.address('slack')}chaos/witness")
        with self.database.read() as session:
            return judge_answers(session, self.traffic.asked, witness)

    def _wait(self, seconds: float, over: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while not over() and time.monotonic() < deadline:
            self._step()
            self.traffic.keep_up(0)
            self.traffic.look()
            time.sleep(_LOOK_SECONDS)

    def _open_books(self) -> bool:
        outcome = aliased(AuditRow)
        money = exists().where(LedgerRow.state == "sent")
        intents = exists().where(
            AuditRow.event == "tool.intended", ~exists().where(outcome.intent_id == AuditRow.seq).correlate(AuditRow)
        )
        # What is posted and owed a revision counts too: a duplicate that was just found is still to be deleted.
        owed = and_(Message.state == "posted", Message.op == "post", Message.revision > Message.shown_revision)
        unsaid = exists().where(or_(Message.look_at.is_not(None), Message.state.in_(("stored", "sending")), owed))
        unanswered = exists().where(Turn.state != "done")  # of an event that came after it had been given up
        with self.database.read() as session:
            return bool(session.scalar(select(or_(money, intents, unsaid, unanswered))))
