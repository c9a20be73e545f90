"""What time does to handoffs: `jobs.handoff`. Time is moved by changing rows."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from bot.casework import handoffs as casework
from bot.responders.people import People
from bot.responders.working_hours import WEEK, Hours
from bot.slack.handoffs import handoff_messages
from bot.store import members
from bot.store.db import Database
from bot.store.handoffs import handoff_history, handoffs
from bot.store.schema import AuditRow, Handoff, HandoffMove, InboxEvent, Message, Ticket, now
from bot.store.tickets import rewriting
from jobs import handoff
from jobs.process import WorkerContext
from tests.support.factories import FIRST, at_once, hand_off, new_turn, put, rows
from tests.support.product_harness import Place, put_agent
from tests.support.product_steps import a_minute_passes, clock_looks
from tests.support.web_harness import Card

ON_CALL = "<!subteam^S0ONCALL>"
ENDS, EXPIRED, GONE = "your claim ends at", "has expired", "is no longer a member"
REMIND, MENTION, TOLD = "Nobody has taken this yet", "this, and the requester is", "I have told the requester"
WAITING, LET_GO, AWAY = "Nobody has been free", "is with the whole team again", "outside our hours"
REMINDED = "The team has been reminded"


def minutes(count: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=count)


def change(place: Place, card: Card, **values: Any) -> None:
    """Move time for a handoff."""
    put(place.front.database, Handoff, card.handoff, **values)


def claimed(place: Place, user: str = "U0PRIYA", *, requester: str = "U0LENA") -> Card:
    """Return a handoff that somebody has claimed."""
    card = place.front.hand_off(requester)
    place.front.press(user, card, "claim")
    return card


def moves(database: Database, handoff_id: int) -> list[str]:
    """Return what has happened to a handoff; of an escalation, the actions."""
    with database.read() as session:
        return [str(one.detail.get("action", one.move)) for one in handoff_history.of_handoff(session, handoff_id)]


def said(place: Place, card: Card, words: str) -> list[str]:
    """Return what stands below a card with these words in it."""
    return [one for one in place.front.said_below(card) if words in one]


def told(place: Place, card: Card, words: str) -> list[str]:
    """Return what the requester was told with these words in it."""
    return [one for one in place.front.said_in(card) if words in one]


def set_people(ctx: WorkerContext, agent: str = "access", **changes: Any) -> None:
    """Change an agent's card where it says who takes handoffs, and when; an agent that is new is a copy."""
    found = ctx.agents.get(agent) or ctx.agents["access"]
    fields = {**found.card.handoff.model_dump(by_alias=True), **changes}
    card = found.card.model_copy(update={"name": agent, "handoff": People.model_validate(fields)})
    put_agent(ctx, replace(found, card=card))


def wall_clock(at: datetime) -> str:
    """Return the time of the day."""
    return f"{at:%H:%M}"


@pytest.fixture
def noon(place: Place) -> datetime:
    """Let the card's people live where it is between noon and one o'clock now; return their local time."""
    offset = 12 - now().hour
    set_people(place.ctx, time_zone=f"Etc/GMT{-offset:+d}")
    return now() + timedelta(hours=offset)


def open_from(place: Place, start: str, until: str) -> None:
    """Set the hours of every day."""
    set_people(place.ctx, working_hours=Hours.model_validate({"days": WEEK, "from": start, "until": until}))


def test_a_holder_is_reminded_once_before_the_lease_ends(place: Place) -> None:
    """Not when it has begun; once so many minutes before its end as the card says; again for a lease renewed since."""
    card = claimed(place)
    clock_looks(place)
    change(place, card, lease_until=now() + minutes(5.5))
    clock_looks(place)
    assert said(place, card, ENDS) == []
    change(place, card, lease_until=now() + minutes(4.9))
    for _ in range(3):
        clock_looks(place)
    [reminder] = said(place, card, ENDS)
    assert "<@U0PRIYA>" in reminder
    assert moves(place.front.database, card.handoff) == ["opened", "claimed", "warned"]
    with place.front.database.write() as session:
        handoffs.renew(session, card.handoff, "U0PRIYA", lease_minutes=3)
    for _ in range(2):
        clock_looks(place)
    assert len(said(place, card, ENDS)) == 2


def test_each_agents_card_says_when_its_holders_are_reminded(place: Place) -> None:
    """An agent that reminds earlier does not hurry the people of another."""
    set_people(place.ctx, "second", lease_reminder_minutes=20)
    card, other = claimed(place), claimed(place, requester="U0MAYA")
    put(place.front.database, Ticket, place.front.handoff(other.handoff).ticket_id, agent="second")
    for one in (card, other):
        change(place, one, lease_until=now() + minutes(10))
    clock_looks(place)
    assert (len(said(place, card, ENDS)), len(said(place, other, ENDS))) == (0, 1)


def test_a_lease_that_is_over_opens_the_handoff(place: Place) -> None:
    """Once, announced to who is on call and to the requester; the card can be claimed again."""
    card = claimed(place)
    change(place, card, lease_until=now() - timedelta(seconds=1))
    for _ in range(3):
        clock_looks(place)
    found = place.front.handoff(card.handoff)
    assert (found.state, found.claimed_by, found.expiries, found.openings) == ("open", None, 1, 2)
    assert [one.assignee for one in place.front.rows(Ticket)] == [None]
    [note] = said(place, card, EXPIRED)
    assert "<@U0PRIYA>" in note
    assert ON_CALL in note
    assert len(told(place, card, LET_GO)) == 1
    assert moves(place.front.database, card.handoff) == ["opened", "claimed", "expired"]
    place.front.press("U0BEN", place.front.refreshed(card), "claim")
    assert place.front.handoff(card.handoff).claimed_by == "U0BEN"


def test_a_lease_long_over_is_not_warned_of(place: Place) -> None:
    """The clock was away: the claim ends, and nobody is told that it will."""
    card = claimed(place)
    change(place, card, lease_until=now() - minutes(90))
    clock_looks(place)
    assert said(place, card, ENDS) == []
    assert len(said(place, card, EXPIRED)) == 1


def test_a_handoff_that_nobody_takes_escalates(place: Place) -> None:
    """Each step once and in order, at the card's minutes: remind, mention who is on call, tell the requester."""
    card, seen = place.front.hand_off(), []
    for waited in (4.9, 5.1, 9.9, 10.1, 14.9, 15.1, 300):
        change(place, card, open_since=now() - minutes(waited))
        for _ in range(2):
            clock_looks(place)
        counts = [len(said(place, card, words)) for words in (REMIND, MENTION, TOLD)]
        seen.append((*counts, len(told(place, card, WAITING))))
    assert seen == [
        (0, 0, 0, 0),
        (1, 0, 0, 0),
        (1, 0, 0, 0),
        (1, 1, 0, 0),
        (1, 1, 0, 0),
        (1, 1, 1, 1),
        (1, 1, 1, 1),
    ]
    assert ON_CALL in said(place, card, MENTION)[0]
    assert moves(place.front.database, card.handoff) == ["opened", "remind", "mention", "tell"]


def test_those_on_call_are_called_once_for_all_that_wait(place: Place) -> None:
    """Each note names its ticket, person and thread; only the first mentions the group, until a while has passed."""
    cards = [place.front.hand_off(user) for user in ("U0LENA", "U0MAYA")]
    for card in cards:
        change(place, card, open_since=now() - minutes(11))
    clock_looks(place)
    notes = [said(place, card, MENTION)[0] for card in cards]
    assert [ON_CALL in note for note in notes] == [True, False]
    assert ["*Ticket 1* of <@U0LENA>" in notes[0], "*Ticket 2* of <@U0MAYA>" in notes[1]] == [True, True]
    with place.front.database.write() as session:
        session.execute(update(HandoffMove).values(at=now() - casework.CALLED - minutes(1)))
    later = place.front.hand_off("U0TOMAS")
    change(place, later, open_since=now() - minutes(11))
    clock_looks(place)
    assert ON_CALL in said(place, later, MENTION)[0]


def test_steps_that_were_missed_are_taken_in_order(place: Place) -> None:
    """The clock was away for an hour: its first look takes them all."""
    card = place.front.hand_off()
    change(place, card, open_since=now() - minutes(60))
    clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "remind", "mention", "tell"]
    notes = [words for one in place.front.said_below(card) for words in (REMIND, MENTION, TOLD) if words in one]
    assert notes == [REMIND, MENTION, TOLD]


def test_a_claim_stops_escalation_and_its_end_begins_another(place: Place) -> None:
    """Nobody is called while somebody has it; after an expiry it is clocked anew."""
    card = place.front.hand_off()
    change(place, card, open_since=now() - minutes(6))
    clock_looks(place)
    place.front.press("U0BEN", card, "claim")
    change(place, card, open_since=now() - minutes(60))
    clock_looks(place)
    change(place, card, lease_until=now() - minutes(1))
    for _ in range(2):
        clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "remind", "claimed", "expired"]
    change(place, card, open_since=now() - minutes(11))
    clock_looks(place)
    assert moves(place.front.database, card.handoff)[-3:] == ["expired", "remind", "mention"]
    assert (len(said(place, card, REMIND)), len(said(place, card, MENTION))) == (2, 1)


def test_a_late_look_does_not_escalate_the_next_opening(place: Place) -> None:
    """Between looking and moving somebody claimed it and let go: what was seen is not true any more."""
    card = place.front.hand_off()
    change(place, card, open_since=now() - minutes(60))
    with place.front.database.read() as session:
        [(_, move)] = handoff._due(session, place.ctx)
    with place.front.database.write() as session:
        handoffs.claim(session, card.handoff, "U0BEN", lease_minutes=30)
        handoffs.unclaim(session, card.handoff, "U0BEN")
    with place.front.database.write() as session:
        move(session)
    assert moves(place.front.database, card.handoff) == ["opened", "claimed", "unclaimed"]


def test_nobody_is_troubled_at_night(place: Place, noon: datetime) -> None:
    """What came after hours waits for the morning, and is then counted in working minutes."""
    open_from(place, "20:00", "21:00")
    card = place.front.hand_off()
    change(place, card, open_since=now() - timedelta(hours=8))
    clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened"]
    open_from(place, wall_clock(noon - minutes(11)), "18:00")
    clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "remind", "mention"]
    open_from(place, wall_clock(noon - minutes(16)), "18:00")
    clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "remind", "mention", "tell"]
    assert len(told(place, card, WAITING)) == 1
    assert told(place, card, AWAY) == []


def test_who_waits_when_people_leave_is_told_when_they_are_back(place: Place, noon: datetime) -> None:
    """Once, though the clock looks minutes later; responders are left alone until then."""
    open_from(place, "09:00", wall_clock(noon - minutes(4)))
    card = place.front.hand_off()
    change(place, card, open_since=now() - minutes(7))
    for _ in range(2):
        clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "tell"]
    [waiting] = told(place, card, AWAY)
    assert "The team is back" in waiting
    assert (said(place, card, REMIND), said(place, card, MENTION)) == ([], [])


def test_a_step_that_was_due_right_before_people_left_is_taken(place: Place, noon: datetime) -> None:
    """And the requester, whose turn is after it, is told that they have left."""
    open_from(place, "09:00", wall_clock(noon))
    card = place.front.hand_off()
    change(place, card, open_since=now() - minutes(6.1))
    clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "remind", "tell"]
    assert len(told(place, card, AWAY)) == 1


def test_steps_that_were_missed_wait_for_the_morning(place: Place, noon: datetime) -> None:
    """The clock was away until after hours: it calls nobody then, and tells the requester, who was promised minutes."""
    open_from(place, "09:00", wall_clock(noon - minutes(4)))
    card = place.front.hand_off()
    change(place, card, open_since=now() - minutes(60))
    for _ in range(2):
        clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "tell"]
    assert len(told(place, card, AWAY)) == 1
    open_from(place, "09:00", "18:00")
    for _ in range(2):
        clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "tell", "remind", "mention"]
    assert len(told(place, card, WAITING)) == 1


def test_an_action_of_an_earlier_escalation_is_taken_again(place: Place, noon: datetime) -> None:
    """Steps that overtook others are those of one opening: the next has all of its own."""
    open_from(place, "09:00", wall_clock(noon - minutes(4)))
    card = place.front.hand_off()
    change(place, card, open_since=now() - minutes(60))
    clock_looks(place)
    with place.front.database.write() as session:
        handoffs.claim(session, card.handoff, "U0BEN", lease_minutes=30)
        handoffs.unclaim(session, card.handoff, "U0BEN")
    change(place, card, open_since=now() - minutes(60))
    clock_looks(place)
    open_from(place, "09:00", "18:00")
    clock_looks(place)
    assert moves(place.front.database, card.handoff)[-4:] == ["unclaimed", "tell", "remind", "mention"]


def test_the_team_is_said_to_be_reminded_when_it_was(place: Place) -> None:
    """By a step before; a card that only tells the requester does not claim it."""
    set_people(place.ctx, "second", escalation=[{"after_minutes": 5, "action": "tell"}])
    reminded, alone = place.front.hand_off(), place.front.hand_off("U0MAYA")
    put(place.front.database, Ticket, place.front.handoff(alone.handoff).ticket_id, agent="second")
    for card in (reminded, alone):
        change(place, card, open_since=now() - minutes(16))
    clock_looks(place)
    assert [[REMINDED in one for one in told(place, card, WAITING)] for card in (reminded, alone)] == [[True], [False]]


def test_a_step_taken_earlier_counts_as_a_reminder(place: Place) -> None:
    """Not only one of the same look."""
    card = place.front.hand_off()
    for waited in (6, 11, 16):
        change(place, card, open_since=now() - minutes(waited))
        clock_looks(place)
    assert len(told(place, card, REMINDED)) == 1


def test_an_old_wait_does_not_hurry_escalation(ctx: WorkerContext) -> None:
    """The requester wrote an hour before it was handed off: nobody is told at once that nobody has come."""
    database = ctx.database
    new_turn(database)
    put(database, InboxEvent, 1, received_at=now() - minutes(60))
    found = hand_off(database, 1)
    assert found.waiting_since < now() - minutes(59)
    handoff.look(ctx)
    assert moves(database, found.id) == ["opened"]


@pytest.mark.parametrize("left", [False, True])
def test_a_claim_of_nothing_ends_in_nothing(place: Place, *, left: bool) -> None:
    """Every word was deleted while somebody had it: when the claim ends by itself, nobody is called for it."""
    card = claimed(place)
    with place.front.database.write() as session:
        rewriting.rewrite(session, "C0HELP", card.thread_ts, None)
    if left:
        handoff.left(place.ctx, "U0PRIYA")
    else:
        change(place, card, lease_until=now() - minutes(1))
    for _ in range(2):
        clock_looks(place)
    assert moves(place.front.database, card.handoff) == ["opened", "claimed", "expired", "cancelled"]
    assert [(one.state, one.assignee) for one in place.front.rows(Ticket)] == [("resolved", None)]
    assert said(place, card, EXPIRED) + said(place, card, GONE) + told(place, card, LET_GO) == []
    assert len(said(place, card, "no longer needs help")) == 1


def test_a_holder_who_has_left_holds_nothing(place: Place) -> None:
    """Slack's event was lost: the clock asks, the claim ends though its lease does not, and it is told why."""
    card, other = claimed(place), claimed(place, "U0BEN", requester="U0MAYA")
    handoff.check_departures(place.ctx)
    assert moves(place.front.database, card.handoff) == ["opened", "claimed"]
    place.front.world.state.deleted_users.add("U0PRIYA")
    a_minute_passes(place)
    for _ in range(2):
        handoff.check_departures(place.ctx)
    clock_looks(place)
    assert place.front.handoff(card.handoff).claimed_by is None
    assert place.front.handoff(other.handoff).claimed_by == "U0BEN"
    [note] = said(place, card, GONE)
    assert ON_CALL in note
    assert len(told(place, card, LET_GO)) == 1
    left = [(one.event, one.subject) for one in place.front.rows(AuditRow) if one.event.startswith("member.")]
    assert left == [("member.left", "U0PRIYA")]


def test_when_slack_says_that_somebody_left_their_claims_end(place: Place) -> None:
    """The event is a row; the next look frees what they held."""
    card = claimed(place)
    place.front.act("user", "U0PRIYA", deleted=True)
    for _ in range(2):
        clock_looks(place)
    assert place.front.handoff(card.handoff).claimed_by is None
    assert len(said(place, card, GONE)) == 1


@pytest.mark.parametrize("by", ["an event", "a look"])
def test_responders_are_told_that_a_requester_has_left(place: Place, by: str) -> None:
    """Below the cards of requests that are not closed, once, whether somebody has them or not."""
    taken, free = claimed(place), place.front.hand_off("U0MAYA")
    closed = claimed(place, "U0BEN", requester="U0IVAN")
    with place.front.database.write() as session:
        handoffs.resolve(session, closed.handoff, "U0BEN", done="Done.", category="locked", agent_could=False)
    for user in ("U0LENA", "U0MAYA", "U0IVAN") * 2:
        if by == "an event":
            place.front.act("user", user, deleted=True)
        else:
            handoff.left(place.ctx, user)
        clock_looks(place)
    for card, user in ((taken, "U0LENA"), (free, "U0MAYA")):
        [note] = said(place, card, "so nobody waits")
        assert f"<@{user}> is no longer a member of this workspace, so nobody waits for an answer here." in note
    assert said(place, closed, "so nobody waits") == []
    assert place.front.handoff(taken.handoff).claimed_by == "U0PRIYA"


def test_one_who_left_is_freed_at_once(place: Place) -> None:
    """Who knows that somebody has left need not wait for the clock."""
    card = claimed(place)
    handoff.left(place.ctx, "U0PRIYA")
    assert moves(place.front.database, card.handoff) == ["opened", "claimed", "expired"]
    with place.front.database.read() as session:
        assert members.has_left(session, "U0PRIYA")


@pytest.mark.parametrize("kind", ["http_500", "rate_limit", "fail"])
def test_a_slack_in_trouble_takes_no_claim_away(place: Place, kind: str) -> None:
    """Whether a holder is still a member is asked again the next time."""
    card = claimed(place)
    place.front.world.state.deleted_users.add("U0PRIYA")
    place.front.faults({"method": "users.info", "kind": kind, "error": "team_access_not_granted", "times": -1})
    a_minute_passes(place)
    handoff.check_departures(place.ctx)
    assert place.front.handoff(card.handoff).claimed_by == "U0PRIYA"
    place.front.faults()
    handoff.check_departures(place.ctx)
    assert place.front.handoff(card.handoff).claimed_by is None


def test_who_is_back_is_a_member_again(place: Place) -> None:
    """Slack's event was lost: the clock asks about who has left, and hears it; who is still gone stays so."""
    for user in ("U0PRIYA", "U0BEN"):
        place.front.leaves(user)
    a_minute_passes(place)
    place.front.world.state.deleted_users.add("U0BEN")
    for _ in range(2):
        handoff.check_departures(place.ctx)
    with place.front.database.read() as session:
        assert [members.has_left(session, user) for user in ("U0PRIYA", "U0BEN")] == [False, True]
    trail = [(one.event, one.subject) for one in place.front.rows(AuditRow) if one.event == "member.returned"]
    assert trail == [("member.returned", "U0PRIYA")]


def waiting_long(database: Database, number: int) -> int:
    """Return a handoff that nobody has taken for an hour."""
    new_turn(database, replace(FIRST, event_id=f"Ev{number}", ts=f"{number}.0"))
    ticket = rows(database, Ticket)[-1]
    found = hand_off(database, ticket.id)
    with database.write() as session:
        handoff_messages.opened(session, session.get_one(Handoff, found.id), ticket, expected_minutes=15)
    put(database, Handoff, found.id, open_since=now() - minutes(60))
    return found.id


def held_long(database: Database, number: int, *, ago: timedelta) -> int:
    """Return a handoff whose lease was over so long ago, or will be."""
    found = waiting_long(database, number)
    with database.write() as session:
        handoffs.claim(session, found, "U0PRIYA", lease_minutes=30)
    put(database, Handoff, found, lease_until=now() - ago)
    return found


def test_one_broken_handoff_does_not_stop_the_others(ctx: WorkerContext) -> None:
    """What it would have said cannot be written, so it has not moved either; the others have."""
    broken, other = (held_long(ctx.database, number, ago=minutes(1)) for number in (1, 2))
    put(ctx.database, Handoff, broken, reason="no such reason")
    handoff.look(ctx)
    assert moves(ctx.database, broken) == ["opened", "claimed"]
    assert moves(ctx.database, other) == ["opened", "claimed", "expired"]


@pytest.mark.both_databases
def test_clocks_at_once_do_each_thing_once(ctx: WorkerContext) -> None:
    """Four looks together remind, end, and escalate once each, and what is said of it stands once."""
    database = ctx.database
    for number in range(1, 6):
        waiting_long(database, number)
        held_long(database, 10 + number, ago=minutes(1))
        held_long(database, 20 + number, ago=-minutes(1))
    before = len(rows(database, Message))
    at_once(4, lambda _: handoff.look(ctx))
    found = sorted(tuple(moves(database, one.id)) for one in rows(database, Handoff))
    escalated, ended, warned = (
        ("opened", "remind", "mention", "tell"),
        ("opened", "claimed", "expired"),
        ("opened", "claimed", "warned"),
    )
    assert found == sorted([escalated, ended, warned] * 5)
    assert len(rows(database, Message)) - before == 5 * (4 + 2 + 1)


def test_a_look_asks_as_much_of_many_as_of_one(ctx: WorkerContext) -> None:
    """It comes every second: how many statements it makes does not grow with what waits."""
    database, asked = ctx.database, list[int]()
    event.listen(database.engine, "before_cursor_execute", lambda *_: asked.append(1))
    counts = []
    for number in (1, 2, 3):
        waiting = waiting_long(database, number)
        held_long(database, 10 + number, ago=-minutes(20))
        put(database, Handoff, waiting, open_since=now())
        asked.clear()
        handoff.look(ctx)
        counts.append(len(asked))
    assert counts == [counts[0]] * 3
