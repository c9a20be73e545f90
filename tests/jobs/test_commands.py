"""Answers to slash commands and to the shortcut: `jobs.commands`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.principals import GuestPolicy
from bot.slack.api import queue_channels
from bot.slack.requesters import replies
from bot.slack.sentences import say
from bot.store.db import Database
from bot.store.handoffs import handoff_history
from bot.store.installation import agents
from bot.store.money import ledger
from bot.store.money.ledger import CallTokens, Used
from bot.store.releases import eval_runs
from bot.store.schema import (
    AuditRow,
    Handoff,
    HandoffMove,
    InboxEvent,
    InboxKind,
    LedgerRow,
    Message,
    RunState,
    StepKind,
    StepStatus,
    Ticket,
    Turn,
    TurnOutcome,
    Verdict,
    now,
)
from bot.store.tickets import feedback, inbox_commands, steps, turns
from bot.store.tickets.inbox_commands import InboxCommand
from bot.store.tickets.turns import Fenced
from jobs import commands
from jobs.process import WorkerContext
from jobs.requester import PATIENCE
from tests.support import factories
from tests.support.block_checks import check, shown
from tests.support.factories import FIRST, accept, at_once, event, heard, message, new_turn, put, rows, running
from tests.support.local_workspace import LocalWorkspace, response_url
from tests.support.product_harness import put_agent
from tests.support.release_rows import judged

TEAM = "T0DESKHAND"


def ask(ctx: WorkerContext, workspace: LocalWorkspace, text: str, *, command: str = "/agent-cost", **who: str) -> int:
    """Let a person use a slash command, and keep it as the web process does."""
    user, channel = who.get("user", "U0MAYA"), who.get("channel", "C0HELP")
    detail = {"command": command, "response_url": response_url(workspace, user, channel)}
    return keep(ctx.database, InboxCommand("command:1", InboxKind.COMMAND, TEAM, channel, user, text, detail))


def keep(database: Database, asked: InboxCommand) -> int:
    """Keep what was asked."""
    with database.write() as session:
        event_id = inbox_commands.accept(session, asked)
    assert event_id is not None
    return event_id


def spend(
    database: Database, rid: str, cost: int, *, channel: str = "C0HELP", user: str = "U0MAYA", **more: Any
) -> None:
    """Let a model call cost something."""
    at = now()
    row = LedgerRow(
        rid=rid,
        team=TEAM,
        channel=channel,
        user=user,
        agent="access",
        release="access@1",
        step=0,
        model="stand-in-1",
        price_version="1",
        accounts=[],
        reserved_nusd=cost,
        at=at,
        lease_until=at + timedelta(minutes=1),
        **more,
    )
    with database.write() as session:
        ledger.record(session, row)
        assert ledger.settle(session, rid, cost_nusd=cost, used=Used(CallTokens(10, 0, 0, 0, 5)), at=at)


def whispered(workspace: LocalWorkspace, user: str) -> list[str]:
    """Return what one person alone sees: texts and blocks."""
    return [shown(one) + one["text"] for one in workspace.world.state.ephemeral.values() if one["user"] == user]


@pytest.mark.parametrize(
    ("who", "title", "dollars"),
    [
        ({"user": "U0MAYA", "channel": "C0HELP"}, "in this channel", "$0.03"),
        ({"user": "U0MAYA", "channel": "D0MAYA"}, "for you", "$0.05"),
        ({"user": "U0OLIVIA", "channel": "C0HELP"}, "everywhere", "$0.07"),
    ],
)
def test_cost_is_told_to_who_asks_as_far_as_they_may_see(
    ctx: WorkerContext, workspace: LocalWorkspace, who: dict[str, str], title: str, dollars: str
) -> None:
    """Their channel, in a direct message themselves, for an owner everything; from the ledger, to them alone."""
    for rid, cost, channel, user in (
        ("a", 10_000_000, "C0HELP", "U0MAYA"),
        ("b", 20_000_000, "C0HELP", "U0IVAN"),
        ("c", 40_000_000, "D0MAYA", "U0MAYA"),
    ):
        spend(ctx.database, rid, cost, channel=channel, user=user)
    workspace.act("dm", "U0MAYA")
    commands.answer(ask(ctx, workspace, "", **who))
    [told] = whispered(workspace, who["user"])
    assert f"today {title}" in told
    assert dollars in told
    assert [one for one in workspace.world.state.ephemeral.values() if one["user"] != who["user"]] == []


def test_an_evaluation_costs_but_is_no_turn(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """What it spent is in the sum; the tokens per turn are those of turns alone."""
    turn_id = new_turn(ctx.database)
    spend(ctx.database, "turn", 10_000_000, turn_id=turn_id, ticket_id=1)
    for number in range(9):
        spend(ctx.database, f"case {number}", 10_000_000, channel="eval", purpose="eval")
    commands.answer(ask(ctx, workspace, "", user="U0OLIVIA"))
    [told] = whispered(workspace, "U0OLIVIA")
    assert "$0.10" in told
    assert "*Tokens per turn*\n15 (15 in 1)" in told


def test_a_command_is_answered_once(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """However often its job runs, and by how many workers at once; that it was is on record."""
    event_id = ask(ctx, workspace, "week by channel")
    at_once(4, lambda _: commands.answer(event_id))
    commands.answer(event_id)
    assert len(whispered(workspace, "U0MAYA")) == 1
    assert [(row.event, row.actor) for row in rows(ctx.database, AuditRow)] == [("command.answered", "U0MAYA")]
    commands.answer(4711)


@pytest.mark.parametrize("user", ["U0MAYA", "U0IVAN"])
def test_how_an_agent_does_is_for_its_people(ctx: WorkerContext, workspace: LocalWorkspace, user: str) -> None:
    """Neither the report nor the name of a failed case is anybody else's, in whatever channel they ask."""
    commands.answer(ask(ctx, workspace, "", command="/agent-eval", user=user))
    assert whispered(workspace, user)[0].startswith("Only the owners and responders of an agent can see how it does.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"responders": ("U0BEN",)}, "Only the owners and responders of an agent"),
        ({"responders": ("U0BEN", "U0LENA")}, "Only the owners and responders of an agent"),
    ],
)
def test_who_is_off_the_card_sees_no_more(
    ctx: WorkerContext, workspace: LocalWorkspace, change: dict[str, Any], said: str
) -> None:
    """The report is for those whom the card names when it is asked for."""
    access = ctx.agents["access"]
    people = access.card.handoff.model_copy(update=change)
    put_agent(ctx, replace(access, card=access.card.model_copy(update={"handoff": people})))
    commands.answer(ask(ctx, workspace, "", command="/agent-eval", user="U0PRIYA"))
    assert whispered(workspace, "U0PRIYA")[0].startswith(said)


@pytest.mark.parametrize("command", ["/agent-eval", "/agent-cost"])
def test_an_owner_who_cannot_be_checked_reads_so(ctx: WorkerContext, workspace: LocalWorkspace, command: str) -> None:
    """Neither report nor ranking goes to somebody of whom Slack says nothing now; they are asked to try again."""
    workspace.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": 4})
    commands.answer(ask(ctx, workspace, "", command=command, user="U0OLIVIA"))
    assert whispered(workspace, "U0OLIVIA")[0].startswith(say("denied.unchecked", "en"))


def test_of_an_agent_that_is_gone_the_shortcut_says_so(
    ctx: WorkerContext, workspace: LocalWorkspace, thread: str
) -> None:
    """To its requester and to everybody else; nothing is handed to another agent's people."""
    put(ctx.database, Ticket, 1, agent="gone")
    for user, said in (("U0MAYA", say("agent.gone", "en")), ("U0PRIYA", say("denied.no_agent", "en"))):
        commands.answer(shortcut(ctx, workspace, user, thread))
        assert whispered(workspace, user)[-1].startswith(said)
    assert rows(ctx.database, Handoff) == []


@pytest.mark.parametrize(("command", "text"), [("/agent-cost", "weak"), ("/agent-eval", "runn")])
def test_a_wrong_word_is_answered_with_how_to_ask(
    ctx: WorkerContext, workspace: LocalWorkspace, command: str, text: str
) -> None:
    """What is not known, and the usage."""
    commands.answer(ask(ctx, workspace, text, command=command))
    [told] = whispered(workspace, "U0MAYA")
    assert f"I do not know `{text}`" in told
    assert f"This is how to ask: `{command}" in told


@pytest.mark.parametrize(("text", "release"), [("", "access@"), ("second", "second@"), ("Access status", "access@")])
def test_a_report_is_about_the_agent_that_is_named(
    ctx: WorkerContext, workspace: LocalWorkspace, text: str, release: str
) -> None:
    """Wherever it is asked for; without a name it is the one of the place."""
    access = ctx.agents["access"]
    second = replace(access, card=access.card.model_copy(update={"name": "second", "channels": ("C0OTHER",)}))
    put_agent(ctx, second)
    commands.answer(ask(ctx, workspace, text, command="/agent-eval", user="U0PRIYA"))
    [told] = whispered(workspace, "U0PRIYA")
    assert release in told


@pytest.mark.parametrize("command", ["/agent-cost", "/agent-eval"])
def test_help_is_a_word_of_both_commands(ctx: WorkerContext, workspace: LocalWorkspace, command: str) -> None:
    """Anybody may ask how to ask, and is told no other word is wrong."""
    commands.answer(ask(ctx, workspace, "Help", command=command))
    [told] = whispered(workspace, "U0MAYA")
    assert told.startswith(f"This is how to ask: `{command}")


def test_the_last_evaluation_is_told(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """What is served, whether it may serve, how the slices did, and which case failed with why."""
    runtime = ctx.runtime("access")
    release = str(runtime.release)
    with ctx.database.write() as session:
        run_id = eval_runs.start_run(
            session, release=release, suite=runtime.suite, repeats=1, cases=2, started_by="operator"
        )
        for case_id, passed in (("locked", True), ("phone", False)):
            result: dict[str, Any] = {"slice": "core", "hard": False, "repeat": 0, "transcript": [], "duration_ms": 1}
            failures = [] if passed else ["expected a handoff"]
            eval_runs.add_result(session, run_id, case_id=case_id, passed=passed, failures=failures, **result)
        eval_runs.finish_run(session, run_id, state=RunState.FINISHED, verdict=Verdict.BLOCK)
    commands.answer(ask(ctx, workspace, "status", command="/agent-eval", user="U0PRIYA"))
    [told] = whispered(workspace, "U0PRIYA")
    for fact in (release, "core", "phone", "expected a handoff"):
        assert fact in told


def test_that_the_agent_is_suspended_is_told(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Since when, by whom and why; its release may have passed, and still answers nobody."""
    runtime = ctx.runtime("access")
    with ctx.database.write() as session:
        judged(session, str(runtime.release), runtime.suite)
        agents.suspend(session, "access", cause="wrong links", by="operator")
    commands.answer(ask(ctx, workspace, "", command="/agent-eval", user="U0PRIYA"))
    [told] = whispered(workspace, "U0PRIYA")
    assert "*access has been suspended* since" in told
    assert ", by an operator: wrong links" in told
    assert "It answers nobody" in told


def test_without_an_evaluation_that_is_said(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """A release that was never evaluated does not serve, and the report says so."""
    commands.answer(ask(ctx, workspace, "", command="/agent-eval", user="U0PRIYA"))
    [told] = whispered(workspace, "U0PRIYA")
    assert "nothing evaluated yet" in told


def hand_off_days_ago(ctx: WorkerContext, number: int, days: float, *, agent: str = "access") -> int:
    """Hand a ticket of its own to a person so many days ago, who claimed it after two minutes and closed it soon."""
    new_turn(ctx.database, replace(FIRST, team=TEAM, ts=f"{number}.0", event_id=f"Ev{number}"))
    [*_, ticket] = rows(ctx.database, Ticket)
    at = now() - timedelta(days=days)
    factories.put(ctx.database, Ticket, ticket.id, agent=agent)
    times = {"waiting_since": at, "opened_at": at, "closed_at": at + timedelta(minutes=10)}
    said = {"done": "Unlocked it.", "category": "locked", "agent_could": True}
    fields = {"reason": "requested", "summary": "", "queue_channel": "C0QUEUE", "state": "resolved", "resolution": said}
    with ctx.database.write() as session:
        handoff = Handoff(ticket_id=ticket.id, **fields, **times)
        session.add(handoff)
        session.flush()
        claimed = at + timedelta(minutes=2)
        session.add(HandoffMove(handoff_id=handoff.id, move="claimed", actor="U0PRIYA", at=claimed))
        return handoff.id


def test_the_handoffs_of_the_week_are_told(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Of this agent alone, with their times; what lasted seven days is known of the week before."""
    for number, days in ((2, 0.02), (3, 5), (4, 9), (5, 20)):
        hand_off_days_ago(ctx, number, days)
    hand_off_days_ago(ctx, 6, 5, agent="vpn")
    commands.answer(ask(ctx, workspace, "", command="/agent-eval", user="U0PRIYA"))
    [told] = whispered(workspace, "U0PRIYA")
    for fact in (
        "*Handoffs, last 7 days: 2*",
        "*Claimed after*\n2 min",
        "*Lasted 24 hours*\n1 of 1",
        "*Lasted 7 days, of the week before*\n1 of 1",
        "• They asked for a person: *2*; claimed after 2 min; resolved after 10 min",
    ):
        assert fact in told


def test_a_week_without_handoffs_is_told(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """That there were none is said, not left out."""
    commands.answer(ask(ctx, workspace, "", command="/agent-eval", user="U0PRIYA"))
    [told] = whispered(workspace, "U0PRIYA")
    assert "No handoffs in the last 7 days." in told


def shortcut(ctx: WorkerContext, workspace: LocalWorkspace, user: str, ts: str) -> int:
    """Let a person use "Hand this to a person" on a message, and keep it as the web process does."""
    detail = {"ts": ts, "thread_ts": ts, "response_url": response_url(workspace, user, "C0HELP")}
    return keep(
        ctx.database, InboxCommand(f"shortcut:{user}:{ts}", InboxKind.SHORTCUT, TEAM, "C0HELP", user, "", detail)
    )


@pytest.fixture
def thread(ctx: WorkerContext, workspace: LocalWorkspace) -> str:
    """Return the thread of a ticket of Maya's whose turn waits."""
    ts = workspace.say("U0MAYA", "C0HELP", "I cannot sign in")
    new_turn(ctx.database, replace(FIRST, team=TEAM, ts=ts))
    return ts


@pytest.mark.parametrize(
    ("user", "who"), [("U0MAYA", "The requester"), ("U0PRIYA", "A colleague"), ("U0OLIVIA", "A colleague")]
)
def test_the_shortcut_hands_over(
    ctx: WorkerContext, workspace: LocalWorkspace, thread: str, user: str, who: str
) -> None:
    """By the requester, a responder or an owner: the turn ends, the card with its link is out, the requester knows."""
    commands.answer(shortcut(ctx, workspace, user, thread))
    [handoff] = rows(ctx.database, Handoff)
    assert (handoff.state, handoff.reason, handoff.context.link) == (
        "open",
        "requested",
        f"{workspace.base}/archives/C0HELP/p{thread.replace('.', '')}",
    )
    assert [(turn.state, turn.outcome) for turn in rows(ctx.database, Turn)] == [("done", "withdrawn")]
    [card, transcript] = workspace.world.state.channels["C0QUEUE"].messages.values()
    assert f"{who} used the message shortcut" in shown(card)
    assert "I cannot sign in" in shown(transcript)
    [_, notice] = workspace.world.state.channels["C0HELP"].messages.values()
    assert (notice["thread_ts"], "called in a person" in notice["text"]) == (thread, True)
    begins = "Of course." if user == "U0MAYA" else "A colleague has asked for a person to look at this."
    assert notice["text"].startswith(begins)
    for told in rows(ctx.database, Message):
        check(told.body, ours=("<@U0MAYA>", f"<{handoff.context.link}|Their thread>"))
    assert whispered(workspace, user) == []


@pytest.mark.parametrize("others", [False, True], ids=["alone", "with others"])
@pytest.mark.parametrize("private", [False, True], ids=["channel", "direct"])
def test_the_shortcut_shows_no_private_words_where_others_read(
    ctx: WorkerContext, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch, *, private: bool, others: bool
) -> None:
    """The queue channel has a reader who is no responder: a direct message's card has no words, a channel's has."""
    ts = workspace.say("U0MAYA", "C0HELP", "my PURPLE phone")
    new_turn(ctx.database, replace(FIRST, team=TEAM, ts=ts, text="my PURPLE phone", private=private))
    queue = workspace.world.state.channels["C0QUEUE"]
    queue_channels.of.cache_clear()  # each case has readers of its own
    if others:
        monkeypatch.setattr(queue, "members", {*queue.members, "U0IVAN"})
    commands.answer(shortcut(ctx, workspace, "U0MAYA", ts))
    [handoff] = rows(ctx.database, Handoff)
    withheld = others and private
    assert handoff.context.withheld is withheld
    assert ("PURPLE" in str(list(queue.messages.values()))) is not withheld


def test_the_shortcut_silences_a_turn_that_runs(ctx: WorkerContext, workspace: LocalWorkspace, thread: str) -> None:
    """The attempt is fenced off, and what was said meanwhile is in the transcript."""
    attempt = running(ctx.database, 1)
    accept(ctx.database, heard(2, team=TEAM, thread_ts=thread, text="hello, anybody?"))
    commands.answer(shortcut(ctx, workspace, "U0MAYA", thread))
    with pytest.raises(Fenced), ctx.database.write() as session:
        turns.finish(session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=None, release="access@1")
    [_, transcript] = workspace.world.state.channels["C0QUEUE"].messages.values()
    assert "hello, anybody?" in shown(transcript)
    assert event(ctx.database, "Ev2").turn_id == attempt.turn_id


@pytest.mark.parametrize(("status", "told"), [("ok", True), ("refused", False), (None, False)])
def test_what_a_turn_has_done_before_the_shortcut_is_told(
    ctx: WorkerContext, workspace: LocalWorkspace, thread: str, status: str | None, *, told: bool
) -> None:
    """No answer of that turn will ever say it; what was refused, or is still under way, is not said to be done."""
    attempt = running(ctx.database, 1)
    with ctx.database.write() as session:
        steps.start(session, attempt, seq=0, kind=StepKind.TOOL, name="unlock_my_account", request={})
        if status is not None:
            response = {"content": {"done": True}, "ok": status == "ok", "ends": None}
            steps.finish(session, attempt, seq=0, status=StepStatus(status), response=response)
    commands.answer(shortcut(ctx, workspace, "U0PRIYA", thread))
    [_, notice] = workspace.world.state.channels["C0HELP"].messages.values()
    assert notice["text"].startswith("I have unlocked your account. A colleague has asked for a person") is told
    assert ("For the rest I have called in a person" in notice["text"]) is told


def test_the_shortcut_refuses_with_a_reason(ctx: WorkerContext, workspace: LocalWorkspace, thread: str) -> None:
    """No ticket, not their ticket, or a person's already: only who pressed it is told, and nothing changes."""
    other = workspace.say("U0IVAN", "C0HELP", "lunch?")
    factories.hand_off(ctx.database, factories.ticket(ctx.database).id)
    for user, ts, why in (
        ("U0IVAN", other, "not a request to me"),
        ("U0IVAN", thread, "Only <@U0MAYA>, responders and owners"),
        ("U0MAYA", thread, "A person has been called already"),
    ):
        commands.answer(shortcut(ctx, workspace, user, ts))
        assert why in whispered(workspace, user)[-1]
    assert len(rows(ctx.database, Handoff)) == 1
    with ctx.database.read() as session:
        assert [move.move for move in handoff_history.of_handoff(session, 1)] == ["opened"]


@pytest.mark.both_databases
def test_of_two_who_hand_over_at_once_one_is_told(ctx: WorkerContext, workspace: LocalWorkspace, thread: str) -> None:
    """The second waits for the first, finds the ticket with people, and is refused as at any other time."""
    asked = [shortcut(ctx, workspace, user, thread) for user in ("U0MAYA", "U0PRIYA")]
    at_once(2, lambda which: commands.answer(asked[which]))
    assert len(rows(ctx.database, Handoff)) == 1
    [told] = [*whispered(workspace, "U0MAYA"), *whispered(workspace, "U0PRIYA")]
    assert "A person has been called already" in told


def test_a_shortcut_is_answered_once(ctx: WorkerContext, workspace: LocalWorkspace, thread: str) -> None:
    """Its job may run twice: there is one handoff, one card, and no second answer."""
    event_id = shortcut(ctx, workspace, "U0MAYA", thread)
    at_once(3, lambda _: commands.answer(event_id))
    assert len(rows(ctx.database, Handoff)) == 1
    assert len(workspace.world.state.channels["C0QUEUE"].messages) == 2
    [asked] = [one for one in rows(ctx.database, InboxEvent) if one.kind == "shortcut"]
    assert asked.state == "answered"
    assert message(ctx.database, "card:handoff:1").attempts == 1


def test_a_requester_who_is_not_admitted_fetches_nobody(
    ctx: WorkerContext, workspace: LocalWorkspace, thread: str
) -> None:
    """Their one sentence is all they get; a responder may still take it on."""
    assert workspace.send("/sandbox/user", {"user": "U0MAYA", "says": {"is_restricted": True}})["ok"]
    commands.answer(shortcut(ctx, workspace, "U0MAYA", thread))
    assert "you are a guest here" in whispered(workspace, "U0MAYA")[-1]
    assert rows(ctx.database, Handoff) == []
    commands.answer(shortcut(ctx, workspace, "U0PRIYA", thread))
    assert len(rows(ctx.database, Handoff)) == 1


@pytest.mark.parametrize("policy", ["handoff", "serve"])
def test_a_guest_whom_the_card_admits_fetches_a_person(
    ctx: WorkerContext, workspace: LocalWorkspace, thread: str, policy: GuestPolicy
) -> None:
    """Taking one's own request to a person is for all whose requests are taken on, members or not."""
    access = ctx.agents["access"]
    admits = access.card.admission.model_copy(update={"guest_policy": policy})
    put_agent(ctx, replace(access, card=access.card.model_copy(update={"admission": admits})))
    assert workspace.send("/sandbox/user", {"user": "U0MAYA", "says": {"is_restricted": True}})["ok"]
    commands.answer(shortcut(ctx, workspace, "U0MAYA", thread))
    assert whispered(workspace, "U0MAYA") == []
    assert [handoff.state for handoff in rows(ctx.database, Handoff)] == ["open"]


def test_slack_that_does_not_say_who_asks_keeps_nobody_from_a_person_for_long(
    ctx: WorkerContext, workspace: LocalWorkspace, thread: str
) -> None:
    """The shortcut waits, owed and never failed, as a turn would; then a person is fetched, who finds it out."""
    workspace.faults({"method": "users.info", "kind": "http_500", "times": -1})
    event_id = shortcut(ctx, workspace, "U0MAYA", thread)
    commands.answer(event_id)
    assert rows(ctx.database, Handoff) == []
    put(ctx.database, InboxEvent, event_id, queued_at=now() - timedelta(minutes=1))
    with ctx.database.write() as session:
        assert list(inbox_commands.to_requeue(session)) == [event_id]
    put(ctx.database, InboxEvent, event_id, received_at=now() - PATIENCE)
    commands.answer(event_id)
    assert [handoff.reason for handoff in rows(ctx.database, Handoff)] == ["requested"]
    assert whispered(workspace, "U0MAYA") == []


def test_answers_that_did_not_help_are_told_and_linked(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Whoever asks how the agent does reads how many helped, which did not and why, and can open them."""
    ts = str(workspace.act("say", "U0MAYA", channel="C0HELP", text="I cannot sign in")["ts"])
    turn_id = new_turn(ctx.database, replace(FIRST, ts=ts))
    about: dict[str, Any] = {"kind": "reply", "ticket_id": 1, "turn_id": turn_id, "ts": ts, "state": "posted"}
    factories.store(ctx.database, replies.answer_key(turn_id), **about)
    with ctx.database.write() as session:
        feedback.store_words(session, turn_id, user="U0MAYA", words="The link never came")
    commands.answer(ask(ctx, workspace, "", command="/agent-eval", user="U0PRIYA"))
    [told] = whispered(workspace, "U0PRIYA")
    assert "*Helpful: 0 of 1* answers that their requesters judged." in told
    assert (
        f"/archives/C0HELP/p{ts.replace('.', '')}|Ticket 1>: asked “{FIRST.text}”, says “The link never came”." in told
    )
