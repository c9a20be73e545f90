"""Nothing runs but through the door of its tool: `bot.agent.door`."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.agent import attempt as agent_attempt
from bot.agent import door
from bot.agent.door import Passage
from bot.agent.loop import NeedsPerson, Reply
from bot.agent.turn_work import TurnWork
from bot.delegation.tokens import TokenRefused
from bot.directory.local import LocalDirectory
from bot.principals import Account, Reason
from bot.store import audit
from bot.store.accounts import accounts
from bot.store.audit import AuditRecord
from bot.store.db import Database
from bot.store.schema import AuditRow, Step, UsedToken, now
from bot.store.tickets.turns import Attempt
from bot.tools.registry import REGISTRY, Args, NoArgs, Tool, ToolUse
from tests.support.agent_office import MakeOffice, Office, play_attempt
from tests.support.delegations import OTHER_KEY, issuer, signed, unsigned
from tests.support.factories import at_once, rows
from tests.support.paths import ROOT
from tests.support.scripted_models import Block, Script
from tests.support.source_trees import syntax_nodes

UNLOCK: Block = ("unlock_my_account", {})
TOOL = REGISTRY["unlock_my_account"]


def work_of(office: Office, attempt: Attempt, name: str = "kim") -> TurnWork:
    """Return an attempt at work, without a model."""
    subject = office.account(name)
    return agent_attempt._work(office.runtime(Script([])), attempt, subject, lambda: subject)


def delegations(office: Office, attempt: Attempt) -> list[AuditRecord]:
    with office.database.read() as session:
        return [row for row in audit.of_ticket(session, attempt.ticket.id) if "delegation" in row.record]


def test_an_intent_says_by_what_right(office: Office) -> None:
    """Its claims are those of the token, without the signature; the rule and the policy stand beside them."""
    attempt, subject = office.begin(office.asks()), office.account("kim")
    runtime = office.runtime(Script([(UNLOCK,), ("Done.",)]))
    assert isinstance(play_attempt(runtime, attempt, subject), Reply)
    [intent] = delegations(office, attempt)
    claims = intent.record["delegation"]
    assert (intent.record["rule"], intent.record["policy"]) == ("own_account", runtime.release.policy)
    assert claims["sub"] == "slack:T1:U0KIM"
    assert claims["act"]["sub"] == f"agent:{runtime.release}"
    assert claims["act"]["act"]["sub"] == "worker:w1/1"
    assert (claims["aud"], claims["scope"]) == ("tool:unlock_my_account", "account:unlock")
    assert claims["txn"] == f"{attempt.ticket.id}/{attempt.turn_id}/1"
    assert claims["req"] == {
        "event_id": attempt.heard[0].event_id,
        "channel": "C0HELP",
        "thread_ts": attempt.ticket.thread_ts,
        "message_ts": attempt.heard[0].ts,
    }
    assert claims["owner"] == list(runtime.agent.card.owners)
    assert [row.jti for row in rows(office.database, UsedToken)] == [claims["jti"]]
    assert "eyJ" not in str([intent.record, *(step.request for step in rows(office.database, Step))])


Forge = Callable[[TurnWork, int, Tool, Args], str]


def _claims(work: TurnWork, step: int, tool: Tool, arguments: Args, **changes: Any) -> dict[str, Any]:
    at = int(now().timestamp())
    named = door.delegation(work, step, tool, arguments).claims()
    return {"iss": "deskhand:tests", **named, "jti": "j", "iat": at, "nbf": at, "exp": at + 60, **changes}


def _minted(work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    return work.runtime.issuer.mint(door.delegation(work, step, tool, arguments), at=now())


def _of_another_release(work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    other = replace(work.runtime, release=replace(work.runtime.release, digest="0" * 64))
    return _minted(replace(work, runtime=other), step, tool, arguments)


def _expired(work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    return signed(_claims(work, step, tool, arguments, exp=int(now().timestamp())))


def _replayed(work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    """Use a token up before it is shown."""
    token = _minted(work, step, tool, arguments)
    with work.runtime.database.write() as session:
        door.enter(session, work, step, tool, arguments, token=token)
    return token


def _of_another_person(work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    return _minted(replace(work, subject=replace(work.subject, user="U0EVE")), step, tool, arguments)


FORGED: dict[str, tuple[Forge, str, str]] = {
    "replayed": (_replayed, "used", "jti"),
    "expired": (_expired, "expired", "exp"),
    "re-targeted": (_of_another_person, "other_call", "sub"),
    "re-scoped": (lambda *call: signed(_claims(*call, scope="account:reset_password")), "other_call", "scope"),
    "wrong audience": (
        lambda work, step, _, args: _minted(work, step, REGISTRY["send_password_reset"], args),
        "other_call",
        "aud",
    ),
    "wrong release": (_of_another_release, "other_call", "act"),
    "another step": (lambda work, step, tool, args: _minted(work, step + 2, tool, args), "other_call", "txn"),
    "alg none": (lambda *call: unsigned(_claims(*call), alg="none"), "unreadable", ""),
    "wrong key": (lambda *call: signed(_claims(*call), key=OTHER_KEY), "unreadable", ""),
    "no token": (lambda *_call: "", "unreadable", ""),
}


@pytest.mark.parametrize(("forge", "fault", "claim"), FORGED.values(), ids=FORGED)
def test_a_wrong_token_opens_no_door(
    office: Office, monkeypatch: pytest.MonkeyPatch, forge: Forge, fault: str, claim: str
) -> None:
    """The tool does not run, nothing of the call is written, the audit names the fault, and a person takes over."""
    monkeypatch.setattr(door, "delegate", forge)
    attempt, subject = office.begin(office.asks()), office.account("kim")
    with capture_logs() as logged:
        outcome = play_attempt(office.runtime(Script([(UNLOCK,)])), attempt, subject)
    assert isinstance(outcome, NeedsPerson)
    assert (outcome.reason, "nothing was done" in outcome.summary) == (Reason.ERROR, True)
    with office.database.read() as session:
        assert accounts.writes(session) == []
        [refused] = audit.of_ticket(session, attempt.ticket.id)
    assert (refused.event, refused.record["fault"], refused.record["claim"]) == ("delegation.refused", fault, claim)
    assert (refused.record["tool"], refused.subject) == ("unlock_my_account", "U0KIM")
    assert [step.kind for step in rows(office.database, Step)] == ["model"]
    assert [line["fault"] for line in logged if line["event"] == "delegation.refused"] == [fault]


def test_a_token_shown_by_many_workers_at_once_opens_the_door_once(database: Database, office_on: MakeOffice) -> None:
    """Eight have the same token for the same call; one gets in, and the others read that it is used."""
    office = office_on(database)
    work = work_of(office, office.begin(office.asks()))
    token = door.delegate(work, 1, TOOL, NoArgs())

    def enter(_number: int) -> str:
        try:
            with database.write() as session:
                door.enter(session, work, 1, TOOL, NoArgs(), token=token)
        except TokenRefused as refused:
            return refused.fault
        return "in"

    assert sorted(at_once(8, enter)) == ["in", *["used"] * 7]
    assert len(rows(database, UsedToken)) == 1


@dataclass(frozen=True)
class DyingOnce(LocalDirectory):
    """The worker dies before the directory hears of it."""

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Die."""
        raise KeyboardInterrupt


def test_an_attempt_that_takes_over_has_a_delegation_of_its_own(office: Office) -> None:
    """The token of the worker that died is of no use to it; both stand in the audit, and the intent has one outcome."""
    subject, turn = office.account("kim"), office.asks()
    dying = office.runtime(Script([(UNLOCK,)]), directory=DyingOnce(office.database))
    with pytest.raises(KeyboardInterrupt):
        play_attempt(dying, office.begin(turn, lease=0), subject)
    attempt = office.begin(turn)
    assert isinstance(play_attempt(office.runtime(Script([("Done.",)])), attempt, subject), Reply)
    intended, taken_over = delegations(office, attempt)
    assert (intended.event, taken_over.event) == ("tool.intended", "tool.taken_over")
    assert taken_over.record["intent"] == intended.seq
    workers = [row.record["delegation"]["act"]["act"]["sub"] for row in (intended, taken_over)]
    assert workers == ["worker:w1/1", "worker:w1/2"]
    [outcome] = [row for row in rows(office.database, AuditRow) if row.event == "tool.finished"]
    assert outcome.intent_id == intended.seq
    assert len(rows(office.database, UsedToken)) == 2


class Minutes(Args):
    """Arguments that hold a number."""

    minutes: int


def test_arguments_that_change_behind_the_door_do_not_run(office: Office) -> None:
    """The hash is that of the very object with which the tool runs."""
    work = work_of(office, office.begin(office.asks()))
    ran: list[int] = []

    def run(_use: ToolUse, minutes: Minutes) -> dict[str, Any]:
        ran.append(minutes.minutes)
        return {}

    tool = replace(TOOL, args=Minutes, run=run)
    given = Minutes(minutes=5)
    with office.database.write() as session:
        passage = door.enter(session, work, 1, tool, given, token=door.delegate(work, 1, tool, given))
    passage.run(None)  # type: ignore[arg-type]  # this tool uses nothing
    given.minutes = 500
    with pytest.raises(TokenRefused):
        passage.run(None)  # type: ignore[arg-type]
    assert ran == [5]
    with pytest.raises(TypeError, match="hand_off is the loop's own"):
        Passage(REGISTRY["hand_off"], NoArgs(), {}).run(None)  # type: ignore[arg-type]


def test_an_argument_without_a_hash_is_an_error_to_the_model(office: Office) -> None:
    """It is told, like any other wrong argument; no token is minted, and the refusal alone is written."""
    odd = replace(REGISTRY["look_up_my_account"], args=Minutes)
    model = Script([(("look_up_my_account", {"minutes": 2**53}),), ("I could not.",)])
    runtime = office.runtime(model)
    runtime = replace(runtime, agent=replace(runtime.agent, tools=(odd,)))
    subject = office.account("kim")
    assert isinstance(play_attempt(runtime, office.begin(office.asks()), subject), Reply)
    assert "no canonical form" in str(model.prompts[1].messages[-1])
    [refused] = rows(office.database, AuditRow)
    assert (refused.event, refused.subject, refused.record["tool"]) == ("call.refused", "U0KIM", odd.name)
    assert refused.record["fault"] == "wrong_arguments"


def test_no_other_room_runs_a_tool() -> None:
    """What calls the `run` of a tool, or makes a passage, stands in `bot/agent/door.py` alone."""
    found = set()
    for file in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")]:
        for node in syntax_nodes(file):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("tool.run", "self.tool.run", "Passage"):
                found.add((file.relative_to(ROOT).as_posix(), ast.unparse(node.func)))
    assert found == {("bot/agent/door.py", "self.tool.run"), ("bot/agent/door.py", "Passage")}


def test_every_turn_has_tokens_of_its_own(office: Office) -> None:
    """No two calls share one, and none outlives five minutes."""
    for name in ("kim", "sam"):
        subject = office.account(name)
        model = Script([(("look_up_my_account", {}), UNLOCK), ("Done.",)])
        play_attempt(office.runtime(model), office.begin(office.asks(user=subject.user)), subject)
    claims = [row.record["delegation"] for row in rows(office.database, AuditRow) if "delegation" in row.record]
    assert len(claims) == 4
    assert all(one["jti"] != other["jti"] and one["txn"] != other["txn"] for one, other in pairwise(claims))
    assert all(one["exp"] - one["iat"] <= 300 for one in claims)
    assert {one["iss"] for one in claims} == {issuer().name}
