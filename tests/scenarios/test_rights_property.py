"""Whatever a model calls, an account is changed only where agent, channel, requester and approval all allow it.

Hypothesis chooses who asks, what Slack and the directory say of them, what the card and the channel grant, and what an
adversary calls: any tool, with any arguments, in any order, with its own token or with another. Every call goes the way
of production: the answer is stored, the call delegated, let in by its door, decided, audited and carried out. Only the
limits of the loop are off, so that the adversary goes on after a denial. A call is a case.

What may be written is said here a second time, by `rightful`, which knows the rules and no line of the policy. A right
that is added is a field of `Setting`, what it takes in `_staged`, and a line of `rightful`. Approvals are one: right
before some calls of the tool that needs one, people have said something (`tests.support.adversary_approvals`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot import admission
from bot.admission import Installation, Rules
from bot.agent import attempt as agent_attempt
from bot.agent import binding, door, loop
from bot.agent.approval_terms import ApprovalTerms
from bot.agent.loop import AwaitsApproval, Run, TurnProgress
from bot.agent.model import Prompt, ToolCall
from bot.agent.runtime import AgentRuntime
from bot.agent.standing_checks import Suspended
from bot.agent.turn_work import TurnWork
from bot.delegation.tokens import TokenRefused
from bot.directory.local import AccountSeed, LocalDirectory
from bot.errors import Refused
from bot.principals import Effect, GuestPolicy, Subject
from bot.responders.people import People
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.installation import agents
from bot.store.schema import AccountRow, Approval, AuditRow, UsedToken, now
from bot.store.tickets import tickets, turns
from bot.store.tickets.tickets import Heard
from bot.tools.registry import REGISTRY, Args, NoArgs, Tool
from tests.support import adversary_approvals
from tests.support.adversary_approvals import ALLOW, Staged
from tests.support.adversary_office import in_memory, unmetered
from tests.support.agent_office import Office
from tests.support.delegations import OTHER_KEY, issuer
from tests.support.factories import rows
from tests.support.json_object import Json
from tests.support.scripted_models import Script, completion

SETTINGS, CALLS, ANSWERS = 160, 64, 4
"160 settings of 64 calls, which come in 4 answers of the model."
KIM, EVE, OURS = "U0KIM", "U0EVE", Installation("T1", None)
WRITES = {"unlock_my_account": "unlock", "send_password_reset": "send_password_reset"}
"What the directory calls the act of each tool that writes without an approval."
RESET, RESETS = "reset_second_factor", {"reset_factor", "revoke_sessions"}
"The tool that writes only with an approval, and what the directory calls its acts."
APPROVED_CALLS = 3
"How many calls of it in a setting have something said of them; of the later ones nothing is."
LISTED = {
    "locked": {*WRITES.values(), *RESETS},
    "active": {"send_password_reset", *RESETS},
    "disabled": set[str](),
    "admin": set[str](),
}
"What the card lets the agent do to an account in a state."
PEOPLE: dict[str, Json] = {
    "member": {},
    "guest": {"is_restricted": True},
    "stranger": {"team_id": "T2"},
    "unconfirmed": {"is_email_confirmed": False},
    "app": {"is_bot": True},
    "untold": {"is_restricted": None},
}
BINDINGS: dict[str, list[Json]] = {
    "address": [{"id": "acc-kim", "email": "kim@x.example"}],
    "slack id": [{"id": "acc-kim", "email": "other@x.example", "slack_user": KIM}],
    "none": [],
    "two addresses": [{"id": "acc-kim", "email": "kim@x.example"}, {"id": "acc-2", "email": "KIM@x.example"}],
    "two slack ids": [
        {"id": "acc-kim", "email": "a@x.example", "slack_user": KIM},
        {"id": "acc-2", "email": "b@x.example", "slack_user": KIM},
    ],
    "another's slack id": [{"id": "acc-kim", "email": "kim@x.example", "slack_user": EVE}],
}
"Accounts of the directory, by how they lead to the requester; the first two lead to one."
ARGUMENTS: tuple[Json, ...] = (
    {"account": "acc-eve"},
    {"account_id": "acc-eve", "approved": True},
    {"user": EVE, "key": "turn:1:1"},
    {"subject": {"user": EVE, "accounts": ["acc-eve"]}},
    {"reason": "requested", "summary": "acc-eve"},
    {"done": "acc-eve", "category": "locked"},
    {"reason": 7, "summary": ["acc-eve"]},
    {"": None},
)
PROPER: dict[str, Json] = {
    "reset_second_factor": {"lost": "phone"},
    "hand_off": {"reason": "requested", "summary": "They ask for a person."},
    "resolve": {"done": "Unlocked.", "category": "locked"},
}
"What a tool takes, if it takes anything."
APPROVAL_RULES = {
    "approved",
    "approval_missing",
    "approval_denied",
    "approval_expired",
    "approval_changed",
    "approval_withdrawn",
}
FACTORS = ["totp", "push", "security_key"]
TERMS = ApprovalTerms.model_validate({"proof": ["call_back"]})
UNKNOWN = ("delete_account", "Unlock_My_Account", "", "\u00e9")
TRICKS = ("replayed", "tool", "step", "person", "release", "key", "cut", "approval", "none")


@dataclass(frozen=True)
class Setting:
    """Who asks, and what they, the agent and the channel have a right to."""

    person: str
    binding: str
    state: str
    guests: GuestPolicy
    own: frozenset[str]
    "Tools of the agent's card."
    channel: frozenset[str] | None
    "What the card leaves of them in this place; None: all."
    private: bool
    ends: str
    "What happens in the middle of the calls: the agent is suspended, the requester changes, or nothing."
    before: int
    "The number of calls that are made before that."
    said: Staged = Staged.UNLISTED
    "What people have said right before a reset of a second factor is called."


@dataclass(frozen=True)
class CallTry:
    """One call of the adversary, and the token that it shows."""

    name: str
    arguments: Json
    token: str


class Ended(Enum):
    """How a call of the adversary ended, by the event that the audit log must have; empty without one."""

    TOKEN = "delegation.refused"
    MISFIT = "call.refused"
    REFUSED = "tool.refused"
    DONE = "tool.finished"
    CONTROL = ""
    SUSPENDED = " "
    WAITS = "  "


NO_DOOR = (Ended.MISFIT, Ended.CONTROL)
"Ends of calls that come before no door, whatever token they show."


@dataclass
class Tally:
    """What came of all calls of all settings."""

    ends: "Counter[Ended]" = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    said: Counter[Staged] = field(default_factory=Counter)
    "What was said of calls whose own token was shown."


_tools = st.one_of(st.just(frozenset(REGISTRY)), st.frozensets(st.sampled_from(sorted(REGISTRY)), min_size=1))
SETTING = st.builds(
    Setting,
    person=st.sampled_from([*PEOPLE, *["member"] * 6]),
    binding=st.sampled_from([*BINDINGS, *["address", "slack id"] * 3]),
    state=st.sampled_from([*LISTED, *["locked"] * 4]),
    guests=st.sampled_from(GuestPolicy),
    own=_tools,
    channel=st.none() | _tools,
    private=st.booleans(),
    ends=st.sampled_from(["", "", "suspended", *PEOPLE]),
    before=st.integers(0, CALLS),
)
HELPED = st.builds(
    Setting,
    person=st.just("member"),
    binding=st.sampled_from(["address", "slack id"]),
    state=st.sampled_from(["locked", "active", "active", "disabled"]),
    guests=st.just(GuestPolicy.REFUSE),
    own=st.just(frozenset(REGISTRY)),
    channel=st.none() | st.none() | _tools,
    private=st.booleans(),
    ends=st.sampled_from(["", "", "suspended"]),
    before=st.integers(CALLS // 2, CALLS),
)
"Settings in which only the approval, the channel or the account's state may be missing."
_numbers = count(1)


def _answer(seed: int) -> list[CallTry]:
    """Return the calls of one answer: mostly of tools that there are, with the arguments and the token of the call."""
    random, tools, answer = Random(seed), [*REGISTRY, *WRITES, *WRITES, RESET], list[CallTry]()
    for _ in range(CALLS // ANSWERS):
        name = random.choice(tools if random.random() < 0.9 else UNKNOWN)
        arguments = PROPER.get(name, {}) if random.random() < 0.8 else random.choice(ARGUMENTS)
        answer.append(CallTry(name, arguments, "own" if random.random() < 0.8 else random.choice(TRICKS)))
    return answer


ANSWER = st.integers(0, 2**32 - 1).map(_answer)


def rightful(setting: Setting, person: str, said: Staged) -> set[str]:
    """Say what one call may write to the requester's account, as somebody reads it off the rules."""
    admitted = person == "member" or (person == "guest" and setting.guests is GuestPolicy.SERVE)
    if not admitted or setting.binding not in ("address", "slack id"):
        return set()
    granted = setting.own if setting.channel is None else setting.own & setting.channel
    own = {action for tool, action in WRITES.items() if tool in granted}
    approved = RESETS if RESET in granted and said in ALLOW else set[str]()
    return (own | approved) & LISTED[setting.state]


@dataclass
class Stage:
    """One setting, staged: the requester's attempt, beside one of somebody else."""

    setting: Setting
    work: TurnWork
    other: TurnWork
    model: Script
    person: str
    "What Slack says of the requester now."
    used: list[str] = field(default_factory=list)
    "Tokens that were shown before."
    token: str = "own"
    rights: dict[str, set[str]] = field(default_factory=dict)
    "What may be written by each step, by its idempotency key."
    ends: "Counter[Ended]" = field(default_factory=Counter)
    "How often a call ended in each way, as far as the audit log must know of it."
    suspended: bool = False
    said_of: int = 0
    "The number of calls of which people have said something."

    @property
    def database(self) -> Database:
        """The database of this setting alone."""
        return self.work.runtime.database

    def rebind(self) -> Subject:
        """Admit the requester and find their account, as production does right before a change."""
        return _subject(self.work.runtime, self.setting, self.person)

    def show(self, work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
        """Return the token of a call, or the one that the adversary shows instead."""
        mint = work.runtime.issuer.mint
        with self.database.read() as session:
            named = door._approval_of(session, work, step, tool)
        own = mint(door.delegation(work, step, tool, arguments, approval=named), at=now())
        another = next(one for one in REGISTRY.values() if one is not tool)
        release = replace(work.runtime, release=replace(work.runtime.release, digest="0" * 64))
        wrong: dict[str, Callable[[], str]] = {
            "own": lambda: own,
            "replayed": lambda: self.used[-1] if self.used else "",
            "tool": lambda: mint(door.delegation(work, step, another, NoArgs()), at=now()),
            "step": lambda: mint(door.delegation(work, step + 1, tool, arguments), at=now()),
            "person": lambda: mint(door.delegation(self.other, step, tool, arguments), at=now()),
            "release": lambda: mint(door.delegation(replace(work, runtime=release), step, tool, arguments), at=now()),
            "key": lambda: issuer(OTHER_KEY).mint(door.delegation(work, step, tool, arguments), at=now()),
            "cut": lambda: own[:-8],
            "approval": lambda: mint(door.delegation(work, step, tool, arguments, approval="9" * 9), at=now()),
            "none": str,
        }
        shown = wrong[self.token]()
        if self.token == "own":
            self.used.append(own)
        return shown

    def is_said_of(self, step: int, call: ToolCall) -> Staged:
        """Let people say of a call what they say in this setting; return what that is."""
        if call.name != RESET or self.said_of == APPROVED_CALLS:
            return Staged.NOTHING
        with suppress(ValueError):  # nobody is asked about a call that is none
            tool = REGISTRY[RESET]
            adversary_approvals.stage(self.setting.said, self.work, self.other, step, tool, tool.parse(call.arguments))
            self.said_of += 1
            return self.setting.said
        return Staged.NOTHING


def _subject(runtime: AgentRuntime, setting: Setting, person: str) -> Subject:
    never = dict.fromkeys(admission.ALWAYS_SAID, False)
    card = {"id": KIM, "team_id": "T1", **never, "profile": {"email": "kim@x.example"}, **PEOPLE[person]}
    who = admission.admit(admission.read(card), user=KIM, ours=OURS, rules=Rules(setting.guests))
    return binding.subject(runtime.directory, who, team="T1", user=KIM)


def _work(runtime: AgentRuntime, user: str, channel: str, subject: Subject, *, private: bool) -> TurnWork:
    """Return an attempt of a turn that somebody's message has opened."""
    number = next(_numbers)
    heard = Heard(f"Ev{number}", "T1", channel, f"{number}.0", None, user, "I am locked out", (), private=private)
    with runtime.database.write() as session:
        accepted = tickets.accept(session, heard, agent="access")
        assert accepted is not None
        assert accepted.turn_id is not None
        attempt = turns.begin(session, accepted.turn_id, worker="w1", lease=60.0)
    assert attempt is not None
    return agent_attempt._work(runtime, attempt, subject, lambda: subject)


def _seeds(setting: Setting) -> list[AccountSeed]:
    locked = {"status": "locked", "lock_reason": "too many failed sign-ins"}
    states: dict[str, Json] = {
        "locked": locked,
        "active": {"status": "active"},
        "disabled": {"status": "disabled"},
        "admin": {**locked, "privileged": True},
    }
    theirs = [{**one, **states[setting.state], "factors": FACTORS} for one in BINDINGS[setting.binding]]
    return [
        AccountSeed.model_validate({"name": one["id"], **one})
        for one in (*theirs, {"id": "acc-eve", "email": "eve@x.example", **locked})
    ]


def _said(answers: list[list[CallTry]]) -> Staged:
    """Return what people say in a setting: chosen by all of its calls, as Hypothesis draws some values rarely."""
    choices: list[Staged] = [*Staged, *[Staged.APPROVED] * 5]
    return Random(repr(answers)).choice(choices)


@contextmanager
def _staged(office: Office, usual: AgentRuntime, setting: Setting) -> Iterator[Stage]:
    """Stage a setting in a database of its own."""
    place = {"dm" if setting.private else "C0HELP": tuple(setting.channel or ())}
    terms = {} if setting.said is Staged.UNLISTED else {RESET: TERMS}
    places = {} if setting.channel is None else place
    card = usual.agent.card.model_copy(
        update={"tools": tuple(setting.own), "tools_in": places, "approvals": terms, "handoff": _people(usual)}
    )
    agent = replace(usual.agent, card=card, tools=tuple(REGISTRY.values()))  # the model is offered everything
    with in_memory(office) as empty:
        model, directory = Script([]), LocalDirectory(empty.database)
        runtime = replace(usual, agent=agent, call_model=model, database=empty.database, directory=directory)
        with empty.database.write() as session:
            accounts.seed(session, _seeds(setting))
        channel = "D0KIM" if setting.private else "C0HELP"
        subject = _subject(runtime, setting, setting.person)
        eve = _work(runtime, EVE, "C0OTHER", Subject("T1", EVE, ("acc-eve",)), private=False)
        kim = _work(runtime, KIM, channel, subject, private=setting.private)
        stage = Stage(setting, kim, eve, model, setting.person)
        stage.work = replace(kim, rebind=stage.rebind)
        yield stage


def _people(usual: AgentRuntime) -> People:
    return usual.agent.card.handoff.model_copy(update={"approvers": (adversary_approvals.APPROVER, "U0BEN")})


def _attack(stage: Stage, answers: list[list[CallTry]], tally: Tally) -> None:
    """Let the adversary answer, and carry out each of its calls, whatever came of the one before."""
    progress, number = TurnProgress(), 0
    for answer in answers:
        said = completion(*((one.name, one.arguments) for one in answer))
        stage.model.answers.append(said)
        run, stored = agent_attempt._run(stage.work, None), False
        with suppress(Suspended):  # the adversary goes on all the same
            agent_attempt._think(stage.work, progress.step, Prompt("stand-in-1", "", (), (), 100))
            stored = True
        progress.step += 1
        for one, call in zip(answer, said.tool_calls, strict=True):
            if number == stage.setting.before:
                _turn_of_events(stage)
            number, stage.token, progress.calls = number + 1, one.token, Counter()
            key = f"turn:{stage.work.attempt.turn_id}:{progress.step}"
            about = stage.is_said_of(progress.step, call)
            stage.rights[key] = set() if stage.suspended else rightful(stage.setting, stage.person, about)
            end = _carried_out(run, call, progress)
            assert (end is Ended.TOKEN) == (one.token != "own") or end in NO_DOOR, (one, end)
            if end is Ended.SUSPENDED and one.token == "own":
                stage.used.pop()  # with the call, the use of its token was rolled back
            stage.ends[end] += stored or end is not Ended.MISFIT
            tally.ends[end] += 1
            tally.said[about] += call.name == RESET and one.token == "own"


def _carried_out(run: Run, call: ToolCall, progress: TurnProgress) -> "Ended":
    try:
        result = loop._carry_out(run, {tool.name: tool for tool in run.tools}, call, progress)
    except TokenRefused:
        progress.step += 1
        return Ended.TOKEN
    except Suspended:
        return Ended.SUSPENDED
    except Refused:
        assert REGISTRY[call.name].effect is Effect.CONTROL
        return Ended.CONTROL
    if "no tool" in str(result.content) or "wrong arguments" in str(result.content):
        return Ended.MISFIT
    if REGISTRY[call.name].effect is Effect.CONTROL:
        return Ended.CONTROL
    if isinstance(result.ends, AwaitsApproval):
        return Ended.WAITS
    return Ended.DONE if result.ok else Ended.REFUSED


def _turn_of_events(stage: Stage) -> None:
    """Let the agent be suspended, or Slack say something else of the requester."""
    if stage.setting.ends == "suspended":
        with stage.database.write() as session:
            agents.suspend(session, "access", cause="It is tried.", by="operator")
        stage.suspended = True
    elif stage.setting.ends:
        stage.person = stage.setting.ends


def _check(stage: Stage, tally: Tally) -> None:
    """Check each write against the rights at its own step, and that the audit log has every call with its end."""
    audited = rows(stage.database, AuditRow)
    with stage.database.read() as session:
        written = accounts.writes(session)
        assert session.get_one(AccountRow, "acc-eve").status == "locked"
    intents = {
        f"turn:{row.record['turn']}:{row.record['step']}": row for row in audited if row.event == "tool.intended"
    }
    used = {f"turn:{one.turn_id}:{one.step}" for one in rows(stage.database, Approval) if one.state == "used"}
    made = defaultdict[str, set[str]](set)
    for write in written:
        step = ":".join(write.key.split(":")[:3])  # of a reset, each factor has a key of its own
        intent = intents[step].record
        assert write.account_id == "acc-kim"
        assert write.action in stage.rights[step], intent
        made[write.action].add(step)
        if write.action in RESETS:
            assert (intent["rule"], intent["tool"], step in used) == ("approved", RESET, True)
        else:
            assert (intent["rule"], WRITES[intent["tool"]]) == ("own_account", write.action)
    assert all(len(calls) == 1 for calls in made.values()), "a tool writes to one account once an hour"
    found = Counter(row.event for row in audited)
    assert {end: found[end.value] for end in Ended if end.value.strip()} == {
        end: stage.ends[end] for end in Ended if end.value.strip()
    }
    entered = stage.ends[Ended.DONE] + stage.ends[Ended.REFUSED] + stage.ends[Ended.WAITS]
    assert len(intents) == len(rows(stage.database, UsedToken)) == entered
    assert found["agent.suspended"] == stage.suspended
    tally.written.update(write.action for write in written)
    tally.rules.update(row.record["rule"] for row in intents.values())


def test_nothing_is_written_outside_the_rights_of_agent_channel_requester_and_approval(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,240 calls in any order: no write outside the intersection, and each refused call is in the audit log."""
    tally, usual = Tally(), unmetered(office, Script([]))
    shown: list[Stage] = []

    def show(*call: Any) -> str:
        return shown[-1].show(*call)

    monkeypatch.setattr(door, "delegate", show)

    @settings(
        max_examples=SETTINGS,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(setting=SETTING | HELPED, answers=st.lists(ANSWER, min_size=ANSWERS, max_size=ANSWERS))
    def attack(setting: Setting, answers: list[list[CallTry]]) -> None:
        setting = replace(setting, said=_said(answers))
        with _staged(office, usual, setting) as stage:
            shown[:] = [stage]
            _attack(stage, answers, tally)
            _check(stage, tally)

    with capture_logs():
        attack()
    assert tally.ends.total() >= 10_000
    assert min(tally.ends[end] for end in Ended) > 5, "the adversary is too tame to prove anything"
    assert min(tally.written[action] for action in (*WRITES.values(), *RESETS)) > 3
    assert min(tally.said[said] for said in Staged) > 3, "each was said of some calls"
    assert {"own_account", "not_granted", "not_one_account", "approved"} <= set(tally.rules)
    assert len(APPROVAL_RULES & set(tally.rules)) >= 5
