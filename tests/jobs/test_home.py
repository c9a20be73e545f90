"""Keeping App Homes current: `jobs.home`."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.pool import QueuePool

from bot.casework import approvals as casework
from bot.rights import Actor, Membership
from bot.sandbox.slack import blocks
from bot.slack.approvals import approval_messages
from bot.slack.handoffs import handoff_messages
from bot.slack.handoffs import home as home_view
from bot.store import audit, db
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.installation import agents
from bot.store.outbox import homes
from bot.store.schema import Handoff, Home, Message, Ticket, TicketState, now
from bot.store.tickets import rewriting, tickets
from bot.tools.registry import REGISTRY
from jobs import home, undeliverable
from jobs.process import WorkerContext
from tests.support import approval_rows
from tests.support.asked_statements import asked_of
from tests.support.block_checks import shown
from tests.support.factories import FIRST, at_once, begin, finish, hand_off, heard, new_turn, put, rows, store, ticket
from tests.support.json_object import Json
from tests.support.local_workspace import LocalWorkspace
from tests.support.product_harness import Place, put_agent
from tests.support.redis_servers import free_port
from tests.support.workspace_names import BOT, HELP, QUEUE

PEOPLE = ("U0PRIYA", "U0BEN", "U0MAYA")
"Two responders and the requester."
AGAIN = heard(2, text="hello?")


@pytest.fixture(autouse=True)
def _restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a home be published as often as a test looks."""
    monkeypatch.setattr(home, "PAUSE_SECONDS", 0)


def opens(ctx: WorkerContext, *users: str) -> None:
    """Let people open their homes, and the house publish them."""
    for user in users:
        with ctx.database.write() as session:
            homes.opened(session, user, "T1", blank=True)
        home.show(user)


def carded(database: Database) -> Handoff:
    """Return the open handoff of a new ticket, its card written down."""
    new_turn(database)
    handoff = hand_off(database, ticket(database).id)
    with database.write() as session:
        handoff_messages.opened(session, handoff, ticket(database), expected_minutes=15)
    return handoff


def claim(ctx: WorkerContext, handoff_id: int, user: str) -> None:
    """Let somebody claim."""
    with ctx.database.write() as session:
        assert isinstance(handoffs.claim(session, handoff_id, user, lease_minutes=30), Moved)


def seen(workspace: LocalWorkspace, user: str) -> str:
    """Return what somebody's home says."""
    view = workspace.world.surfaces.homes.get(user)
    return "" if view is None else shown(view)


def pressable(workspace: LocalWorkspace, user: str) -> set[str]:
    """Return the action ids of a home's buttons."""
    return {element["action_id"] for _, element in blocks.interactive(workspace.world.surfaces.homes[user]["blocks"])}


def published(workspace: LocalWorkspace) -> int:
    """Return how often Slack was asked to show a home."""
    return [one["name"] for one in workspace.world.journal.entries].count("views.publish")


def row(ctx: WorkerContext, user: str) -> Home:
    """Return a home as it is now."""
    [found] = [one for one in rows(ctx.database, Home) if one.user == user]
    return found


def test_a_claim_changes_the_homes_of_everybody_concerned(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """The claimer gets the moves, the other responder sees who has it, the requester too; a stranger's stays."""
    handoff = carded(ctx.database)
    opens(ctx, *PEOPLE, "U0LENA")
    assert "handoff.claim" in pressable(workspace, "U0PRIYA") & pressable(workspace, "U0BEN")
    assert "Waiting for a person" in seen(workspace, "U0MAYA")
    before = published(workspace)
    claim(ctx, handoff.id, "U0PRIYA")
    assert home.refresh(ctx) == 3
    assert published(workspace) == before + 3
    assert {"handoff.reply", "handoff.resolve"} <= pressable(workspace, "U0PRIYA")
    assert "With <@U0PRIYA> until" in seen(workspace, "U0BEN")
    assert pressable(workspace, "U0BEN") == set()
    assert "With <@U0PRIYA>" in seen(workspace, "U0MAYA")
    assert "You have not asked" in seen(workspace, "U0LENA")


def test_a_suspension_is_shown_to_the_agents_people(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Owner and responder see since when, by whom and why, and no longer after it; a requester sees nothing of it."""
    opens(ctx, "U0PRIYA", "U0OLIVIA", "U0MAYA")
    with ctx.database.write() as session:
        agents.suspend(session, "access", cause="wrong *links*", by="operator")
    home.refresh(ctx)
    for user in ("U0PRIYA", "U0OLIVIA"):
        assert "*access has been suspended* since <!date^" in seen(workspace, user)
        assert ", by an operator: wrong" in seen(workspace, user)
    assert "suspended" not in seen(workspace, "U0MAYA")
    with ctx.database.write() as session:
        agents.resume(session, "access", by="operator")
    home.refresh(ctx)
    assert "suspended" not in seen(workspace, "U0PRIYA") + seen(workspace, "U0OLIVIA")


def test_a_responder_who_asks_for_help_is_offered_no_claim_of_it(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Another responder is."""
    handoff = carded(ctx.database)
    put(ctx.database, Ticket, handoff.ticket_id, requester="U0PRIYA")
    opens(ctx, "U0PRIYA", "U0BEN")
    assert (pressable(workspace, "U0PRIYA"), pressable(workspace, "U0BEN")) == (set(), {"handoff.claim"})


def test_nothing_is_published_when_nothing_changed(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Neither when no row was added, nor when what was added is not to be seen in a home."""
    carded(ctx.database)
    undeliverable.deliver_all(ctx)
    opens(ctx, *PEOPLE)
    before = published(workspace)
    assert home.refresh(ctx) == 0
    with ctx.database.write() as session:
        tickets.accept(session, AGAIN, agent="access")
    assert home.refresh(ctx) == 0
    assert published(workspace) == before
    assert {row(ctx, user).mark for user in PEOPLE} == {row(ctx, "U0MAYA").mark}


def test_two_looks_are_all_that_an_idle_house_costs(ctx: WorkerContext) -> None:
    """When nothing changed there are two statements, and one while nobody has a home; nothing is written."""
    carded(ctx.database)
    undeliverable.deliver_all(ctx)
    home.refresh(ctx)
    with asked_of(ctx.database) as by_nobody:
        home.refresh(ctx)
    opens(ctx, *PEOPLE)
    home.refresh(ctx)
    with asked_of(ctx.database) as by_people:
        home.refresh(ctx)
    assert [one.split()[0] for one in by_nobody] == ["SELECT"]
    assert [one.split()[0] for one in by_people] == ["SELECT", "SELECT"]


def test_the_card_is_linked_as_soon_as_it_is_posted(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Its posting adds no row, so a home that shows a handoff without it is looked at until it is there."""
    handoff = carded(ctx.database)
    opens(ctx, "U0PRIYA")
    assert "|Card>" not in seen(workspace, "U0PRIYA")
    assert row(ctx, "U0PRIYA").mark == ""
    undeliverable.deliver_all(ctx)
    home.refresh(ctx)
    [card] = [one for one in rows(ctx.database, Message) if one.kind == "card"]
    address = f"{workspace.base}/archives/C0QUEUE/p{str(card.ts).replace('.', '')}"
    assert f"<{address}|Card>" in seen(workspace, "U0PRIYA")
    assert row(ctx, "U0PRIYA").mark != ""
    assert ctx.slack.chat_getPermalink(channel="C0QUEUE", message_ts=str(card.ts))["permalink"] == address
    assert card.handoff_id == handoff.id


def test_slack_is_asked_once_where_it_is(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """However many homes and links there are: for its address, and for who its members are; no message's is asked."""
    carded(ctx.database)
    undeliverable.deliver_all(ctx)
    opens(ctx, *PEOPLE)
    called = [one["name"] for one in workspace.world.journal.entries]
    assert called.count("auth.test") == 2
    assert "chat.getPermalink" not in called


def test_two_clocks_publish_each_change_once(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Each home is published by one of them, and afterwards nobody finds anything to do."""
    handoff = carded(ctx.database)
    undeliverable.deliver_all(ctx)
    opens(ctx, *PEOPLE)
    before = published(workspace)
    claim(ctx, handoff.id, "U0BEN")
    assert sum(at_once(6, lambda _: home.refresh(ctx))) == 3
    for _ in range(3):
        assert home.refresh(ctx) == 0
    assert published(workspace) == before + 3
    assert "handoff.reply" in pressable(workspace, "U0BEN")


def test_the_last_picture_is_the_newest(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Publishers run at once while tickets are claimed and let go; in the end every home is true."""
    handoff = carded(ctx.database)
    undeliverable.deliver_all(ctx)
    opens(ctx, *PEOPLE)

    def act(number: int) -> None:
        for _ in range(5):
            if number:
                home.refresh(ctx)
            else:
                claim(ctx, handoff.id, "U0PRIYA")
                with ctx.database.write() as session:
                    handoffs.unclaim(session, handoff.id, "U0PRIYA")

    at_once(4, act)
    claim(ctx, handoff.id, "U0BEN")
    home.refresh(ctx)
    assert "With <@U0BEN> until" in seen(workspace, "U0PRIYA")
    assert "With <@U0BEN>" in seen(workspace, "U0MAYA")
    assert "handoff.reply" in pressable(workspace, "U0BEN")
    assert home.refresh(ctx) == 0


def test_much_at_once_is_one_publishing(
    ctx: WorkerContext, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two publishings of a home there is a pause; what came in it is in the next."""
    monkeypatch.setattr(home, "PAUSE_SECONDS", 60)
    handoff = carded(ctx.database)
    undeliverable.deliver_all(ctx)
    opens(ctx, "U0PRIYA")
    claim(ctx, handoff.id, "U0PRIYA")
    assert home.refresh(ctx) == 0
    put_due(ctx)
    assert home.refresh(ctx) == 1
    assert "handoff.reply" in pressable(workspace, "U0PRIYA")


def put_due(ctx: WorkerContext) -> None:
    """Let every pause and every hold be over."""
    with ctx.database.write() as session:
        session.execute(sqlalchemy.update(Home).values(due_at=now() - timedelta(seconds=1)))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "fail", "error": "internal_error"},
        {"kind": "fail", "error": "ratelimited"},
        {"kind": "http_500"},
        {"kind": "drop_answer"},
    ],
)
def test_a_slack_that_is_away_is_tried_again_later(
    ctx: WorkerContext, workspace: LocalWorkspace, fault: dict[str, Any]
) -> None:
    """One call finds out for all homes; they are put off together, and current as soon as Slack is back."""
    handoff = carded(ctx.database)
    undeliverable.deliver_all(ctx)
    opens(ctx, *PEOPLE)
    claim(ctx, handoff.id, "U0BEN")
    workspace.faults({"method": "views.publish", "times": 1, **fault})
    before = published(workspace)
    assert [home.refresh(ctx), home.refresh(ctx)] == [0, 0]
    assert published(workspace) == before + 1
    assert all(row(ctx, user).due_at > now() for user in PEOPLE)
    put_due(ctx)
    assert home.refresh(ctx) == 3
    assert "handoff.reply" in pressable(workspace, "U0BEN")


def test_slack_away_before_it_says_where_it_is_is_no_harm(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Not even its address is known yet: later."""
    workspace.faults({"method": "auth.test", "kind": "fail", "error": "internal_error", "times": 1})
    opens(ctx, "U0MAYA")
    assert seen(workspace, "U0MAYA") == ""
    put_due(ctx)
    assert home.refresh(ctx) == 1


def test_what_slack_refuses_for_good_is_not_tried_again(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Somebody is gone: theirs ends, the others' are published; opening it again begins anew."""
    opens(ctx, "U0PRIYA", "U0NOBODY", "U0BEN")
    assert [one.user for one in rows(ctx.database, Home)] == ["U0BEN", "U0PRIYA"]
    before = published(workspace)
    carded(ctx.database)
    assert home.refresh(ctx) == 2
    assert published(workspace) == before + 2
    with ctx.database.write() as session:
        homes.opened(session, "U0NOBODY", "T1", blank=True)
    assert home.refresh(ctx) == 0
    assert published(workspace) == before + 3


def test_one_broken_home_does_not_keep_the_others(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """A handoff whose reason nobody knows breaks the homes of responders; the requester's is shown."""
    handoff = carded(ctx.database)
    put(ctx.database, Handoff, handoff.id, reason="no such reason")
    opens(ctx, *PEOPLE)
    assert [bool(seen(workspace, user)) for user in PEOPLE] == [False, False, True]
    put(ctx.database, Handoff, handoff.id, reason="requested")
    put_due(ctx)
    assert home.refresh(ctx) == 2


def test_a_database_that_is_away_breaks_nobody(ctx: WorkerContext) -> None:
    """Whoever asked for current homes goes on."""
    away = replace(ctx, database=db.connect(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere"))
    assert home.refresh(away) == 0
    away.database.close()


def test_a_bug_in_a_look_breaks_nobody(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and what called for the look goes on."""

    def broken(*_arguments: object) -> str:
        raise ZeroDivisionError

    opens(ctx, "U0MAYA")
    monkeypatch.setattr(homes, "mark", broken)
    assert home.refresh(ctx) == 0


def test_no_transaction_is_open_while_slack_is_called(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection is back in its pool when Slack is asked anything."""
    pool, found = ctx.database.engine.pool, []
    assert isinstance(pool, QueuePool)
    for name in ("auth_test", "views_publish"):
        method = getattr(ctx.slack, name)

        def watched(method: Callable[..., Any] = method, **arguments: Any) -> Any:
            found.append(pool.checkedout())
            return method(**arguments)

        monkeypatch.setattr(ctx.slack, name, watched)
    opens(ctx, "U0MAYA")
    assert found == [0, 0]


def test_a_home_that_is_held_is_left_to_its_holder(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Opening it meanwhile publishes nothing now, and it is looked at again when it is free."""
    opens(ctx, "U0MAYA")
    with ctx.database.write() as session:
        assert homes.take(session, "U0MAYA", seconds=60) is not None
    before = published(workspace)
    opens(ctx, "U0MAYA")
    assert published(workspace) == before
    put_due(ctx)
    assert home.refresh(ctx) == 1


def test_an_owner_sees_what_a_responder_sees(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """They get the cards when the queue is closed, and may press the same buttons."""
    carded(ctx.database)
    opens(ctx, "U0OLIVIA")
    assert pressable(workspace, "U0OLIVIA") == {"handoff.claim"}


def test_a_ticket_of_an_agent_that_is_gone_is_nobodys(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Another agent's people do not see it, until a card says that their agent inherits it."""
    carded(ctx.database)
    put(ctx.database, Ticket, 1, agent="gone")
    opens(ctx, "U0PRIYA")
    assert pressable(workspace, "U0PRIYA") == set()
    access = ctx.agents["access"]
    put_agent(ctx, replace(access, card=access.card.model_copy(update={"inherits": ("gone",)})))
    with ctx.database.write() as session:
        session.execute(sqlalchemy.update(Home).values(mark=""))
    home.show("U0PRIYA")
    assert pressable(workspace, "U0PRIYA") == {"handoff.claim"}


@pytest.mark.parametrize("why", ["left", "guest", "unchecked"])
def test_who_may_not_act_has_no_desk(ctx: WorkerContext, workspace: LocalWorkspace, why: str) -> None:
    """A responder who has left, is a guest by now or cannot be looked up sees their own requests and nothing else."""
    carded(ctx.database)
    membership = {"left": Membership.MEMBER, "guest": Membership.STRANGER, "unchecked": Membership.UNCHECKED}[why]
    who = Actor("U0PRIYA", membership, left=why == "left")
    with ctx.database.read() as session:
        drawn = home._draw(session, ctx.agents, "U0PRIYA", "https://x.example/", who)
    assert (drawn.view.worklist, drawn.mark == "") == (None, why == "unchecked")
    assert workspace is not None


@pytest.mark.parametrize(
    ("mention", "how"), [("optional", "write in <#C0HELP>"), ("required", "mention me in <#C0HELP>")]
)
def test_a_home_says_how_help_is_asked_for_in_its_channel(ctx: WorkerContext, mention: str, how: str) -> None:
    """Where no mention is needed, none is asked for."""
    access = ctx.agents["access"]
    agents = {"access": replace(access, card=access.card.model_copy(update={"mention": mention}))}
    with ctx.database.read() as session:
        drawn = home._draw(session, agents, "U0MAYA", "https://x.example/", None)
    assert f"write to me in Messages or {how}." in shown(home_view.home(drawn.view))


def test_slack_that_does_not_say_who_somebody_is_is_asked_again_later(
    ctx: WorkerContext, workspace: LocalWorkspace
) -> None:
    """It takes about a hundred such questions a minute, and those who ask for help need them."""
    workspace.faults({"method": "users.info", "kind": "http_500", "times": -1})
    opens(ctx, "U0PRIYA")
    asked = [one["name"] for one in workspace.world.journal.entries].count("users.info")
    assert home.refresh(ctx) == 0
    assert [one["name"] for one in workspace.world.journal.entries].count("users.info") == asked
    assert row(ctx, "U0PRIYA").mark == ""


def test_every_state_of_a_ticket_is_told_to_its_requester(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """With the agent, waiting, with a person, resolved; again with the agent, and withdrawn."""
    new_turn(ctx.database)
    opens(ctx, "U0MAYA")
    told = [_told(workspace)]

    def after(change: Any) -> None:
        with ctx.database.write() as session:
            change(session)
        assert home.refresh(ctx) == 1
        told.append(_told(workspace))

    hand_off(ctx.database, 1)
    assert home.refresh(ctx) == 1
    told.append(_told(workspace))
    after(lambda session: handoffs.claim(session, 1, "U0BEN", lease_minutes=30))
    after(lambda session: handoffs.resolve(session, 1, "U0BEN", done="Done.", category="other", agent_could=False))
    after(lambda session: tickets.accept(session, AGAIN, agent="access"))
    hand_off(ctx.database, 1)
    after(lambda session: handoffs.cancel(session, 2, by="U0MAYA"))
    assert told == [
        "With the agent",
        "Waiting for a person",
        "With <@U0BEN>",
        "Resolved",
        "With the agent",
        "Withdrawn",
    ]


def test_an_answered_request_is_not_said_to_be_with_the_agent(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """The home changes as the turn ends, though nothing but its row tells; their next word is with the agent again."""
    attempt = begin(ctx.database, new_turn(ctx.database))
    assert attempt is not None
    opens(ctx, "U0MAYA")
    told = [_told(workspace)]
    finish(ctx.database, attempt)
    assert home.refresh(ctx) == 1
    told.append(_told(workspace))
    new_turn(ctx.database, AGAIN)
    assert home.refresh(ctx) == 1
    told.append(_told(workspace))
    assert told == ["With the agent", "Answered", "With the agent"]


def test_who_was_sent_a_link_reads_that_it_is_their_turn(place: Place) -> None:
    """Until the directory says that it was used; the tool that sends it is one that there is."""
    assert homes.LINK in REGISTRY
    place.front.act("home", "U0TOMAS")
    place.front.work()
    place.asks("U0TOMAS", f"<@{BOT}> my password has expired")
    home.refresh(place.ctx)
    assert "Your turn: use the link we sent" in shown(place.front.sees("U0TOMAS")["home"])
    with place.front.database.write() as session:
        session.get_one(Ticket, 1).state = TicketState.RESOLVED
        audit.append(session, "ticket.resolved", actor="clock")
    home.refresh(place.ctx)
    assert "Resolved" in shown(place.front.sees("U0TOMAS")["home"])


def _told(workspace: LocalWorkspace) -> str:
    """Return how the requester's one ticket stands, as their home says."""
    [line] = [one for one in seen(workspace, "U0MAYA").splitlines() if "{ago}" in one]
    return line.split(" · ")[0]


def test_a_request_that_is_taken_back_is_withdrawn(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Its words are gone from the home too."""
    new_turn(ctx.database)
    opens(ctx, "U0MAYA")
    assert FIRST.text in seen(workspace, "U0MAYA")
    with ctx.database.write() as session:
        rewriting.rewrite(session, FIRST.channel, FIRST.ts, None)
    assert home.refresh(ctx) == 1
    assert _told(workspace) == "Withdrawn"
    assert FIRST.text not in seen(workspace, "U0MAYA")


def test_a_full_house_is_published_within_slacks_limits(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Sixty handoffs, and a card each: Slack takes it, and the rest is counted."""
    for number in range(60):
        at = replace(
            FIRST, event_id=f"EvF{number}", ts=f"17000002{number:02d}.000001", text="<!channel> " + "x" * 5_000
        )
        new_turn(ctx.database, at)
        handoff = hand_off(ctx.database, number + 1)
        store(ctx.database, f"card:handoff:{handoff.id}", kind="card", handoff_id=handoff.id, channel="C0QUEUE")
        if number % 3 == 0:
            claim(ctx, handoff.id, "U0PRIYA")
    opens(ctx, "U0PRIYA", "U0BEN", "U0MAYA")
    assert "and 8 more in <#C0QUEUE>" in seen(workspace, "U0PRIYA")
    assert "and 20 more in <#C0QUEUE>" in seen(workspace, "U0PRIYA")
    assert "and 11 more in <#C0QUEUE>" in seen(workspace, "U0BEN")
    assert "<!channel>" not in seen(workspace, "U0MAYA")


def homes_of(place: Place) -> dict[str, Json]:
    """Return every home as its owner sees it."""
    return {user: place.front.sees(user)["home"] for user in ("U0PRIYA", "U0BEN", "U0LENA")}


def test_a_claim_in_the_queue_is_seen_in_every_home(place: Place) -> None:
    """Through the web door: homes are opened, help is asked for, somebody claims, everybody sees it."""
    front = place.front
    for user in ("U0PRIYA", "U0BEN", "U0LENA"):
        front.act("home", user)
    front.work()
    place.asks("U0LENA", f"<@{BOT}> I lost my phone")
    front.work()
    home.refresh(place.ctx)
    at = homes_of(place)
    assert "Waiting for a person" in shown(at["U0LENA"])
    assert all("*Ticket 1* from <@U0LENA>" in shown(at[user]) for user in ("U0PRIYA", "U0BEN"))
    assert f"/archives/{HELP}/" in json.dumps(at["U0LENA"])
    with front.database.read() as session:
        handoff = session.get_one(Handoff, 1)
    claim(place.ctx, handoff.id, "U0BEN")
    home.refresh(place.ctx)
    at = homes_of(place)
    assert "With <@U0BEN>" in shown(at["U0PRIYA"])
    assert "With <@U0BEN>" in shown(at["U0LENA"])
    assert "handoff.reply" in json.dumps(at["U0BEN"])


def test_an_approver_is_shown_what_waits_for_them(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """With buttons and a link to its card; others see nothing of it, and once it is decided nobody does."""
    approval = approval_rows.asked(ctx.database)
    with ctx.database.write() as session:
        approval_messages.opened(session, approval, queue_channel=QUEUE)
    opens(ctx, *PEOPLE)
    assert home.refresh(ctx) == 0
    undeliverable.deliver(approval.ticket_id)
    home.refresh(ctx)
    assert "To approve (1)" in seen(workspace, "U0PRIYA")
    assert f"/archives/{QUEUE}/p" in seen(workspace, "U0PRIYA")
    assert {"approval.approve", "approval.deny"} <= pressable(workspace, "U0PRIYA")
    assert "To approve" not in seen(workspace, "U0MAYA")
    with ctx.database.write() as session:
        casework.deny(session, approval.id, by="U0PRIYA", reason="No.")
    home.refresh(ctx)
    assert "To approve" not in seen(workspace, "U0PRIYA")


def test_an_approver_is_not_shown_their_own_request(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """They could not decide it, so no button offers it."""
    approval = approval_rows.asked(ctx.database)
    put(ctx.database, Ticket, approval.ticket_id, requester="U0PRIYA")
    opens(ctx, "U0PRIYA")
    assert "To approve" not in seen(workspace, "U0PRIYA")
    put(ctx.database, Ticket, approval.ticket_id, requester="U0MAYA")
    opens(ctx, "U0PRIYA")
    assert "To approve (1)" in seen(workspace, "U0PRIYA")
