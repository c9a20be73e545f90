"""A model that calls anything with anything: `bot.agent.attempt` lets it change nothing but what is allowed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

import httpx
import pytest

from bot.agent import model
from bot.agent.desk import Desk
from bot.agent.loop import Handoff, Reply
from bot.agent.model import Completion, Prompt
from bot.budget.charge import Charge, Reservation
from bot.budget.metering import Meter
from bot.budget.pricing import Usage
from bot.principals import AccountStatus, Effect, Subject
from bot.sandbox.standin import StandinConfig, create_app
from bot.store import accounts, private
from bot.store.accounts import AccountSeed, LocalDirectory
from bot.store.schema import now
from bot.tools.registry import REGISTRY
from tests.bot.agent.conftest import Office, play
from tests.bot.agent.scripted import Block, completion
from tests.served import served

CASES = 2_000
NAMES = [
    *REGISTRY,
    *(tool.name for tool in REGISTRY.values() if tool.effect is Effect.WRITE),
    "delete_account",
    "",
    "é",
]
ACTIONS = {"unlock_my_account": "unlock", "send_password_reset": "send_password_reset"}


class Unmetered(Meter):
    """Lets every call leave and writes nothing: money is not what is tried here."""

    def begin(self, charge: Charge, **_more: object) -> Reservation:
        """Let it leave."""
        return Reservation("r", 0, (), now(), charge)

    def end(self, _reservation: Reservation, _usage: Usage, *, tool: str | None) -> int:
        """Charge nothing."""
        return 0

    def void(self, _reservation: Reservation) -> None:
        """Free nothing."""


def adversary(random: Random, other: str) -> model.CallModel:
    """Return a model that makes up to four answers of random calls, then says that all is done."""
    left = random.randint(1, 4)

    def call(prompt: Prompt) -> Completion:
        nonlocal left
        left -= 1
        if left < 0:
            return completion("All accounts are unlocked.")
        return completion(*(_anything(random, other) for _ in range(random.randint(1, 4))))

    return call


def _anything(random: Random, other: str) -> Block:
    arguments: list[dict[str, Any]] = [
        {"account": other},
        {"user": "U0EVE", "key": "turn:1:1"},
        {"account_id": other, "approved": True},
        {"reason": "requested", "summary": other},
        {"done": f"unlocked {other}", "category": "locked"},
        {"": [None, {"account": other}]},
    ]
    return random.choice(NAMES), random.choice([{}] * 12 + arguments)


@dataclass(frozen=True)
class Case:
    """A requester in a random state, beside somebody else whose account is locked."""

    subject: Subject
    other: str
    may_be_written: bool
    "Bound to exactly one account, and that is nobody's but theirs to have mended."


def _seeded(office: Office, random: Random) -> list[Case]:
    cases, seeds = list[Case](), list[AccountSeed]()
    for number in range(CASES):
        ids = (f"acc-kim{number}", f"acc-eve{number}")
        status = random.choice([*AccountStatus, AccountStatus.LOCKED, AccountStatus.LOCKED])
        privileged, bound = random.random() < 0.2, random.choice([1, 1, 1, 1, 0, 2])
        theirs = {"status": status, "privileged": privileged, "liftable": random.random() < 0.5}
        for id_, state in zip(ids, (theirs, {"status": "locked"}), strict=True):
            seeds.append(AccountSeed.model_validate({"id": id_, "email": f"{id_}@x.example", "name": id_, **state}))
        writable = bound == 1 and not privileged and status not in ("disabled", "departed")
        cases.append(Case(Subject("T1", f"U0KIM{number}", ids[:bound]), ids[1], writable))
    with office.database.write() as session:
        accounts.seed(session, seeds)
    return cases


def _granted(random: Random, desk: Desk) -> tuple[Desk, set[str]]:
    """Narrow what agent and channel may do, while the model is still offered everything."""
    names = list(REGISTRY)
    own = set(names) if random.random() < 0.7 else set(random.sample(names, random.randint(1, len(names))))
    channel = set(names) if random.random() < 0.7 else set(random.sample(names, random.randint(1, len(names))))
    card = desk.agent.card.model_copy(update={"tools": tuple(own), "tools_in": {"C0HELP": tuple(channel)}})
    return replace(desk, agent=replace(desk.agent, card=card, tools=tuple(REGISTRY.values()))), own & channel


@contextmanager
def in_memory(office: Office) -> Iterator[Office]:
    with private.database() as database:
        yield Office(database, office.redis_url, office.folder)


def test_nothing_outside_the_intersection_is_ever_written(office: Office) -> None:
    """2,000 random attacks: every write is on the requester's own account, by a granted tool, where policy lets it."""
    random, allowed = Random(20_261_122), dict[int, tuple[Case, set[str]]]()
    with in_memory(office) as place:
        usual = place.desk(adversary(random, ""))
        meter = Unmetered(**{part.name: getattr(usual.meter, part.name) for part in fields(Meter)})
        for case in _seeded(place, random):
            desk, granted = _granted(random, replace(usual, meter=meter, call_model=adversary(random, case.other)))
            attempt = place.begin(place.asks(user=case.subject.user))
            allowed[attempt.turn_id] = case, {ACTIONS[name] for name in granted & set(ACTIONS)}
            assert isinstance(play(desk, attempt, case.subject), Reply | Handoff)
        with place.database.read() as session:
            written = accounts.writes(session)
    usual.meter.close()
    for write in written:
        case, actions = allowed[int(write.key.split(":")[1])]
        assert write.account_id == case.subject.account
        assert case.may_be_written
        assert write.action in actions
    assert len(allowed) == CASES
    assert len(written) > CASES / 10, "the adversary is too tame to prove anything"


@pytest.mark.parametrize("privileged", [False, True])
def test_hostile_calls_of_the_stand_in_change_nothing(office: Office, privileged: bool) -> None:  # noqa: FBT001 - a parameter
    """It asks for another's account by name, for an approval of its own making, and for a tool that is none."""
    office.account("sam", email="sam.doyle@northwind.example")
    subject = office.account("kim", privileged=privileged)
    with served(create_app(StandinConfig(latency=0))) as url:
        httpx.put(f"{url}/faults", json=[{"kind": "hostile_tool", "times": -1}]).raise_for_status()
        desk = office.desk(model.connect(api_key="k", base_url=url, timeout=5))
        outcome = play(desk, office.begin(office.asks()), subject)
        calls = httpx.get(f"{url}/calls").json()
    assert isinstance(outcome, Handoff)
    assert len(calls) > 1, "its calls are answered as errors, and it goes on"
    with office.database.read() as session:
        assert accounts.writes(session) == []
    assert LocalDirectory(office.database).find_by_email("sam.doyle@northwind.example")[0].status == "locked"


def test_the_charge_names_the_ticket_and_nobody_else(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the model writes, what it costs is put on the requester, channel and turn that caused it."""
    seen: list[Charge] = []
    begin = Meter.begin

    def watched(self: Meter, charge: Charge, **more: Any) -> Reservation:
        seen.append(charge)
        return begin(self, charge, **more)

    monkeypatch.setattr(Meter, "begin", watched)
    attempt = office.begin(office.asks())
    desk = office.desk(adversary(Random(1), "acc-eve"))
    play(desk, attempt, office.account("kim"))
    assert {(c.team, c.channel, c.user, c.agent, c.release, c.turn_id) for c in seen} == {
        ("T1", "C0HELP", "U0KIM", "access", str(desk.release), attempt.turn_id)
    }
