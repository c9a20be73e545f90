"""Whatever a model calls, an account is changed only where agent, channel, requester and approval all allow it.

Hypothesis chooses who asks, what Slack and the directory say of them, what the card and the channel grant, and what an
adversary calls: any tool, with any arguments, in any order, with its own token or with another. Every call goes the way
of production: the answer is stored, the call delegated, let in by its door, decided, audited and carried out. Only the
limits of the loop are off, so that the adversary goes on after a denial. A call is a case;
most are wild, and come before no door.

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
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
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
from bot.directory.local import LocalDirectory
from bot.errors import Refused
from bot.policy import PolicyRule
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
from tests.support.adversary_settings import (
    BOUND,
    DRAWN_ANSWERS,
    EVE,
    KIM,
    LISTED,
    RESET_TOOL,
    RESETS,
    STRATA,
    WHO_ASKS,
    WRITES,
    CallTry,
    Setting,
    seeds,
)
from tests.support.agent_office import Office
from tests.support.delegations import OTHER_KEY, issuer
from tests.support.factories import rows
from tests.support.scripted_models import Script, completion
from tests.support.volumes import volume

SHARE = 3
"The fewest calls with which each outcome must be reached; each has a share of the draws to itself."
OURS = Installation("T1", None)
APPROVED_CALLS = 2
"How many calls of it in a setting have something said of them; of the later ones nothing is."
RULE_OF: dict[Staged, PolicyRule] = {
    Staged.UNLISTED: PolicyRule.APPROVAL_MISSING,
    Staged.NOTHING: PolicyRule.APPROVAL_MISSING,
    Staged.PROVING: PolicyRule.APPROVAL_MISSING,
    Staged.ASKED: PolicyRule.APPROVAL_MISSING,
    Staged.DENIED: PolicyRule.APPROVAL_DENIED,
    Staged.EXPIRED: PolicyRule.APPROVAL_EXPIRED,
    Staged.WITHDRAWN: PolicyRule.APPROVAL_WITHDRAWN,
    Staged.OTHER_ARGUMENTS: PolicyRule.APPROVAL_CHANGED,
    Staged.OTHER_ACCOUNT: PolicyRule.APPROVAL_CHANGED,
    Staged.OTHER_TICKET: PolicyRule.APPROVAL_MISSING,
    Staged.OTHER_RELEASE: PolicyRule.APPROVAL_CHANGED,
    Staged.OTHER_STEP: PolicyRule.APPROVAL_MISSING,
    Staged.USED_ELSEWHERE: PolicyRule.APPROVAL_MISSING,
    Staged.USED_HERE: PolicyRule.APPROVED,
    Staged.APPROVED: PolicyRule.APPROVED,
}
"The rule that must decide on a reset where nothing is missing but what people may have said of it."
REACHED = set(PolicyRule) - {
    PolicyRule.NO_GRANT,  # a card always grants something
    PolicyRule.ENDS_PART,  # the loop itself carries these tools out
    PolicyRule.NEEDS_NO_ACCOUNT,  # each tool of the card needs one
    PolicyRule.TAINTED_TARGET,  # no tool that writes takes free text
    PolicyRule.DONE_BEFORE,  # each turn has one attempt here
}
"The rules that must decide some calls: all that these tools and turns can meet."
HYPOTHESIS = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],  # the answers are drawn as seeds, so a smaller one shows nothing more
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given],
)
TERMS = ApprovalTerms.model_validate({"proof": ["call_back"]})


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
    decided: "Counter[tuple[Staged, str]]" = field(default_factory=Counter)
    "The rules that decided on resets, by what was said of them."


_numbers = count(1)


def rightful(setting: Setting, person: str, state: str, said: Staged) -> set[str]:
    """Say what one call may write to the requester's account, as somebody reads it off the rules."""
    admitted = person == "member" or (person == "guest" and setting.guests is GuestPolicy.SERVE)
    if not admitted or setting.binding not in BOUND:
        return set()
    granted = setting.own if setting.channel is None else setting.own & setting.channel
    own = {action for tool, action in WRITES.items() if tool in granted}
    approved = RESETS if RESET_TOOL in granted and said in ALLOW else set[str]()
    return (own | approved) & LISTED[state]


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
    subjects: dict[str, Subject] = field(default_factory=dict)
    "Who the requester is by what Slack says of them; the directory says the same all the time."
    state: str = ""
    "The state of the account, as `STATES` names it."
    said: dict[str, Staged] = field(default_factory=dict)
    "What people have said of a call, by its idempotency key."
    said_of: set[int] = field(default_factory=set)
    "The steps of the calls of which people have said something; one that is suspended leaves its step to the next."

    @property
    def database(self) -> Database:
        """The database of this setting alone."""
        return self.work.runtime.database

    def rebind(self) -> Subject:
        """Admit the requester and find their account, as production does right before a change."""
        if self.person not in self.subjects:
            self.subjects[self.person] = _subject(self.work.runtime, self.setting, self.person)
        return self.subjects[self.person]

    def show(self, work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
        """Return the token of a call, or the one that the adversary shows instead."""
        named = None
        if tool.needs_approval:
            with self.database.read() as session:
                named = door._approval_of(session, work, step, tool)
        another = next(one for one in REGISTRY.values() if one is not tool)
        release = replace(work.runtime, release=replace(work.runtime.release, digest="0" * 64))

        def mint(by: TurnWork, step: int, tool: Tool, arguments: Args, approval: str | None = None) -> str:
            return by.runtime.issuer.mint(door.delegation(by, step, tool, arguments, approval=approval), at=now())

        shown: dict[str, Callable[[], str]] = {
            "own": lambda: mint(work, step, tool, arguments, named),
            "replayed": lambda: self.used[-1] if self.used else "",
            "tool": lambda: mint(work, step, another, NoArgs()),
            "step": lambda: mint(work, step + 1, tool, arguments),
            "person": lambda: mint(self.other, step, tool, arguments),
            "release": lambda: mint(replace(work, runtime=release), step, tool, arguments),
            "key": lambda: issuer(OTHER_KEY).mint(door.delegation(work, step, tool, arguments), at=now()),
            "cut": lambda: mint(work, step, tool, arguments, named)[:-8],
            "approval": lambda: mint(work, step, tool, arguments, "9" * 9),
            "none": str,
        }
        token = shown[self.token]()
        if self.token == "own":
            self.used.append(token)
        return token

    def is_said_of(self, step: int, call: ToolCall) -> Staged:
        """Let people say of a call what they say in this setting; return what that is."""
        if call.name != RESET_TOOL or step in self.said_of or len(self.said_of) == APPROVED_CALLS:
            return Staged.NOTHING
        with suppress(ValueError):  # nobody is asked about a call that is none
            tool = REGISTRY[RESET_TOOL]
            adversary_approvals.stage(self.setting.said, self.work, self.other, step, tool, tool.parse(call.arguments))
            self.said_of.add(step)
            return self.setting.said
        return Staged.NOTHING


def _subject(runtime: AgentRuntime, setting: Setting, person: str) -> Subject:
    never = dict.fromkeys(admission.ALWAYS_SAID, False)
    card = {"id": KIM, "team_id": "T1", **never, "profile": {"email": "kim@x.example"}, **WHO_ASKS[person]}
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


@contextmanager
def _staged(office: Office, usual: AgentRuntime, setting: Setting) -> Iterator[Stage]:
    """Stage a setting in a database of its own."""
    place = {"dm" if setting.private else "C0HELP": tuple(setting.channel or ())}
    terms = {} if setting.said is Staged.UNLISTED else {RESET_TOOL: TERMS}
    places = {} if setting.channel is None else place
    card = usual.agent.card.model_copy(
        update={"tools": tuple(setting.own), "tools_in": places, "approvals": terms, "handoff": _people(usual)}
    )
    agent = replace(usual.agent, card=card, tools=tuple(REGISTRY.values()))  # the model is offered everything
    with in_memory(office) as empty:
        model, directory = Script([]), LocalDirectory(empty.database)
        runtime = replace(usual, agent=agent, call_model=model, database=empty.database, directory=directory)
        with empty.database.write() as session:
            accounts.seed(session, list(seeds(setting)))
        channel = "D0KIM" if setting.private else "C0HELP"
        subject = _subject(runtime, setting, setting.person)
        eve = _work(runtime, EVE, "C0OTHER", Subject("T1", EVE, ("acc-eve",)), private=False)
        kim = _work(runtime, KIM, channel, subject, private=setting.private)
        stage = Stage(setting, kim, eve, model, setting.person, state=setting.state)
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
            about = stage.said[key] = stage.is_said_of(progress.step, call)
            rights = rightful(stage.setting, stage.person, stage.state, about)
            stage.rights[key] = set() if stage.suspended else rights
            end = _carried_out(run, call, progress)
            if end is Ended.DONE and WRITES.get(call.name) == "unlock":
                stage.state = "active"
            assert (end is Ended.TOKEN) == (one.token != "own") or end in NO_DOOR, (one, end)
            if end is Ended.SUSPENDED and one.token == "own":
                stage.used.pop()  # with the call, the use of its token was rolled back
            stage.ends[end] += stored or end is not Ended.MISFIT
            tally.ends[end] += 1


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
            assert (intent["rule"], intent["tool"], step in used) == ("approved", RESET_TOOL, True)
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
    for step, row in intents.items():
        tally.rules[row.record["rule"]] += 1
        if row.record["tool"] == RESET_TOOL:
            tally.decided[stage.said[step], row.record["rule"]] += 1


def test_nothing_is_written_outside_the_rights_of_agent_channel_requester_and_approval(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of thousands of calls in any order none writes outside the intersection, and the audit log has each refused call.

    Each end of a call, each rule of the policy, and each thing that people may have said of a call is reached.
    """
    tally, usual = Tally(), unmetered(office, Script([]))
    shown: list[Stage] = []

    def show(*call: Any) -> str:
        return shown[-1].show(*call)

    def attack(setting: Setting, answers: list[list[CallTry]]) -> None:
        with _staged(office, usual, setting) as stage:
            shown[:] = [stage]
            _attack(stage, answers, tally)
            _check(stage, tally)

    monkeypatch.setattr(door, "delegate", show)
    with capture_logs():
        for number, stratum in enumerate(STRATA):
            few = settings(HYPOTHESIS, max_examples=stratum.share)
            few(seed(number)(given(setting=stratum.settings, answers=DRAWN_ANSWERS)(attack)))()
    assert tally.ends.total() >= volume(3_000, long=10_000)
    assert {end for end in Ended if tally.ends[end] < SHARE} == set(), "the adversary is too tame to prove anything"
    assert {action for action in (*WRITES.values(), *RESETS) if tally.written[action] < SHARE} == set()
    assert {said for said, rule in RULE_OF.items() if tally.decided[said, rule] < SHARE} == set()
    assert {rule for rule in REACHED if tally.rules[rule] < SHARE} == set()
    assert set(RULE_OF) == set(Staged)
