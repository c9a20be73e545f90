"""A model that calls anything with anything: `bot.agent.attempt` lets it change nothing but what is allowed."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import httpx
import pytest

from bot import policy
from bot.agent import door, model
from bot.agent.loop import NeedsPerson, Reply
from bot.agent.model import Completion, Prompt
from bot.agent.runtime import AgentRuntime
from bot.agent.turn_work import TurnWork
from bot.budget.metering import Meter
from bot.budget.reservation import Charge, Reservation
from bot.directory.local import AccountSeed, LocalDirectory
from bot.network import DIRECT
from bot.policy import PolicyRule
from bot.principals import Account, AccountStatus, Effect, Grant, PastWrite, SignIn, Subject
from bot.sandbox.standin import StandinConfig, create_app
from bot.store.accounts import accounts
from bot.store.audit import AuditRecord
from bot.store.schema import AuditRow, UsedToken, now
from bot.tools.registry import REGISTRY, Args, NoArgs, Tool
from tests.support.adversary_office import in_memory, unmetered
from tests.support.agent_office import Office, play_attempt
from tests.support.delegations import OTHER_KEY, issuer
from tests.support.factories import rows
from tests.support.live_server import served
from tests.support.scripted_models import Block, completion

CASES = 300
"Through the whole attempt; ten thousand are decided below."
NAMES = [
    *REGISTRY,
    *(tool.name for tool in REGISTRY.values() if tool.effect is Effect.WRITE),
    "delete_account",
    "",
    "é",
]
ACTIONS = {"unlock_my_account": "unlock", "send_password_reset": "send_password_reset"}


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
    return random.choice(NAMES), random.choice([{}] * 18 + arguments)


@dataclass(frozen=True)
class Case:
    """A requester in a random state, beside somebody else whose account is locked."""

    subject: Subject
    other: str
    listed: frozenset[str]
    "What the card lists for an account like theirs; by the words of the issue, not by those of the policy."


REASONS = (
    *("too many failed sign-ins",) * 6,
    *("not used for 60 days",) * 3,
    None,
    "",
    "by HR",
    "credentials in a leak; do not unlock before Security has called",
    "Too many failed sign-ins",
    "too many failed sign-ins; do not unlock",
    "t\u043eo many failed sign-ins",
)
STATES = (*AccountStatus, *(AccountStatus.LOCKED,) * 6)


def listed(*, bound: int, status: str, reason: str | None, liftable: bool, privileged: bool, taken: bool) -> set[str]:
    """Say what may be written to an account, as somebody reads it off the card."""
    typed = reason == "too many failed sign-ins"
    if bound != 1 or privileged or taken:
        return set()
    if status == "locked" and typed:
        return {"unlock", "send_password_reset"}
    if status == "suspended" and liftable and reason == "not used for 60 days":
        return {"unlock"}
    if status in ("active", "password_expired") and (typed or not reason):
        return {"send_password_reset"}
    return set()


def _sign_ins(random: Random, *, taken: bool) -> list[dict[str, Any]]:
    attack = [{"minutes_ago": n, "ok": n == 20, "place": "Lagos"} for n in range(20, 25)]
    usual = [{"minutes_ago": 5_000, "ok": True, "place": "Leeds"}, {"minutes_ago": 30, "ok": False, "place": "Leeds"}]
    return random.sample([*usual, *(attack if taken else [])], 7 if taken else 2)


def _seed(random: Random, number: int) -> tuple[list[AccountSeed], Case]:
    ids = (f"acc-kim{number}", f"acc-eve{number}")
    state: dict[str, Any] = {
        "status": str(random.choice(STATES)),
        "lock_reason": random.choice(REASONS),
        "privileged": random.random() < 0.1,
        "liftable": random.random() < 0.5,
    }
    taken, bound = random.random() < 0.1, random.choice([1] * 8 + [0, 2])
    may = listed(
        bound=bound,
        status=state["status"],
        reason=state["lock_reason"],
        liftable=state["liftable"],
        privileged=state["privileged"],
        taken=taken,
    )
    theirs = {**state, "sign_ins": _sign_ins(random, taken=taken)}
    others = {"status": "locked", "lock_reason": "too many failed sign-ins"}
    seeds = [
        AccountSeed.model_validate({"id": id_, "email": f"{id_}@x.example", "name": id_, **given})
        for id_, given in zip(ids, (theirs, others), strict=True)
    ]
    return seeds, Case(Subject("T1", f"U0KIM{number}", ids[:bound]), ids[1], frozenset(may))


def _seeded(office: Office, random: Random) -> list[Case]:
    made = [_seed(random, number) for number in range(CASES)]
    with office.database.write() as session:
        accounts.seed(session, [seed for seeds, _ in made for seed in seeds])
    return [case for _, case in made]


def _granted(random: Random, runtime: AgentRuntime) -> tuple[AgentRuntime, set[str]]:
    """Narrow what agent and channel may do, while the model is still offered everything."""
    names = list(REGISTRY)
    own = set(names) if random.random() < 0.7 else set(random.sample(names, random.randint(1, len(names))))
    channel = set(names) if random.random() < 0.7 else set(random.sample(names, random.randint(1, len(names))))
    card = runtime.agent.card.model_copy(update={"tools": tuple(own), "tools_in": {"C0HELP": tuple(channel)}})
    return replace(runtime, agent=replace(runtime.agent, card=card, tools=tuple(REGISTRY.values()))), own & channel


def _shown(random: Random, seen: list[str], work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    """Show a door the token of its call, or one time in sixteen another one: an old one, a forged one, or none."""
    own = work.runtime.issuer.mint(door.delegation(work, step, tool, arguments), at=now())
    other = random.choice([one for one in REGISTRY.values() if one is not tool])
    wrong = [
        work.runtime.issuer.mint(door.delegation(work, step, other, NoArgs()), at=now()),
        work.runtime.issuer.mint(door.delegation(work, step + 1, tool, arguments), at=now()),
        issuer(OTHER_KEY).mint(door.delegation(work, step, tool, arguments), at=now()),
        own[:-8],
        "",
        *seen[-1:],
    ]
    seen.append(own)
    return random.choice(wrong) if random.random() < 1 / 16 else own


def _check_doors(audited: list[AuditRecord], used: list[UsedToken], written: list[str]) -> None:
    """Check what the doors have let in: each call by a token of its own, and each that was refused is in the audit."""
    let_in = [row for row in audited if row.event == "tool.intended"]
    refused = [row for row in audited if row.event == "delegation.refused"]
    assert sorted(row.jti for row in used) == sorted(row.record["delegation"]["jti"] for row in let_in)
    for row in let_in:
        claims = row.record["delegation"]
        assert claims["aud"] == f"tool:{row.record['tool']}"
        assert claims["sub"] == f"slack:T1:{row.subject}"
        assert claims["txn"] == f"{row.ticket_id}/{row.record['turn']}/{row.record['step']}"
        assert row.record["rule"] in set(PolicyRule)
    outcomes = {row.intent_id: row.event for row in audited if row.intent_id is not None}
    assert set(outcomes) == {row.seq for row in let_in}
    assert {outcomes[row.seq] for row in let_in if row.record["decision"] != "Allowed"} == {"tool.refused"}
    allowed = {
        f"turn:{row.record['turn']}:{row.record['step']}" for row in let_in if row.record["rule"] == "own_account"
    }
    assert set(written) <= allowed, "nothing is written but by a call that its door has let in"
    assert len(refused) > CASES / 40, "the adversary is too tame to prove anything"


def test_nothing_outside_the_intersection_is_ever_written(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random attacks through all that production runs, with tokens of other calls among them: every write is on the
    requester's own account, by a granted tool, through the door of that tool, is listed by the card for an account like
    that, and is the only one of its kind within the hour; every refusal is in the audit."""  # noqa: D205, D209 - one thought
    random, allowed = Random(20_261_122), dict[int, tuple[Case, set[str]]]()
    with in_memory(office) as place:
        usual = unmetered(place, adversary(random, ""))
        monkeypatch.setattr(door, "delegate", partial(_shown, Random(16), []))
        for case in _seeded(place, random):
            runtime, granted = _granted(random, replace(usual, call_model=adversary(random, case.other)))
            attempt = place.begin(place.asks(user=case.subject.user))
            allowed[attempt.turn_id] = case, {ACTIONS[name] for name in granted & set(ACTIONS)}
            assert isinstance(play_attempt(runtime, attempt, case.subject), Reply | NeedsPerson)
        with place.database.read() as session:
            written = accounts.writes(session)
        _check_doors(rows(place.database, AuditRow), rows(place.database, UsedToken), [one.key for one in written])
    usual.meter.close()
    for write in written:
        case, actions = allowed[int(write.key.split(":")[1])]
        assert write.account_id == case.subject.account
        assert write.action in actions & case.listed | ({"send_password_reset"} & actions if case.listed else set())
    assert len({(write.account_id, write.action) for write in written}) == len(written)
    assert len(allowed) == CASES
    assert len(written) > CASES / 10, "the adversary is too tame to prove anything"


DECIDED = 10_000
"Random calls of write tools."
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)


def _fields(random: Random) -> dict[str, Any]:
    return {
        "status": random.choice(STATES),
        "reason": random.choice(REASONS),
        "liftable": random.random() < 0.5,
        "privileged": random.random() < 0.1,
    }


def test_ten_thousand_calls_write_nothing_that_the_card_does_not_list(office: Office) -> None:
    """Every tool on every kind of lock, by accounts that were written before, at random times: an oracle that knows the
    card and no line of the policy counts what it would not have written, and what is over the bounds. There is none."""  # noqa: D205, D209 - one thought
    random, rules = Random(11), office.agent.card.accounts
    done: dict[str, list[PastWrite]] = defaultdict(list)
    grants = (Grant("agent:access", frozenset(REGISTRY)),)
    unlisted, over, written = 0, 0, Counter[str]()
    for number in range(DECIDED):
        tool, given, taken = random.choice(list(REGISTRY.values())), _fields(random), random.random() < 0.1
        at, id_, bound = (
            NOW + timedelta(minutes=random.random() * number),
            f"acc{number % 700}",
            random.choice([1] * 8 + [0, 2]),
        )
        account = Account(
            id_, "", "", given["status"], given["reason"], given["privileged"], given["liftable"], (), None
        )
        seen = [
            SignIn(at - timedelta(minutes=row["minutes_ago"]), row["ok"], "", row["place"])
            for row in _sign_ins(random, taken=taken)
        ]
        before = [one for one in done[id_] if one.at > at - timedelta(days=1)]
        decision = policy.decide(
            tool,
            subject=Subject("T1", "U1", (id_, "acc-eve")[:bound]),
            account=account,
            grants=grants,
            rules=rules,
            facts=policy.Facts(at, tuple(seen), tuple(before)),
        )
        if tool.effect is not Effect.WRITE or not isinstance(decision, policy.Allowed):
            continue
        written[tool.name] += 1
        assert decision.account == id_
        assert decision.rule is PolicyRule.OWN_ACCOUNT
        unlisted += ACTIONS.get(tool.name) not in listed(bound=bound, taken=taken, **given)
        same = [one.at for one in done[id_] if one.tool == tool.name]
        over += any(at - timedelta(hours=1) < one for one in same)
        over += sum(at - timedelta(days=1) < one for one in same) >= 3
        done[id_].append(PastWrite(tool.name, at, number, seen=random.random() < 0.5))
    assert (unlisted, over) == (0, 0)
    assert set(written) == set(ACTIONS)
    assert min(written.values()) > 100, "the adversary is too tame to prove anything"


@pytest.mark.parametrize("privileged", [False, True])
def test_hostile_calls_of_the_stand_in_change_nothing(office: Office, privileged: bool) -> None:  # noqa: FBT001 - a parameter
    """It asks for another's account by name, for an approval of its own making, and for a tool that is none."""
    office.account("sam", email="sam.doyle@northwind.example")
    subject = office.account("kim", privileged=privileged)
    with served(create_app(StandinConfig(latency=0))) as url:
        httpx.put(f"{url}/faults", json=[{"kind": "hostile_tool", "times": -1}]).raise_for_status()
        runtime = office.runtime(model.connect(api_key="k", base_url=url, network=DIRECT, timeout=60))
        outcome = play_attempt(runtime, office.begin(office.asks()), subject)
        calls = httpx.get(f"{url}/calls").json()
    assert isinstance(outcome, NeedsPerson)
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
    runtime = office.runtime(adversary(Random(1), "acc-eve"))
    play_attempt(runtime, attempt, office.account("kim"))
    assert {(c.team, c.channel, c.user, c.agent, c.release, c.turn_id) for c in seen} == {
        ("T1", "C0HELP", "U0KIM", "access", str(runtime.release), attempt.turn_id)
    }
