"""Nobody is kept in a surge: who says that theirs is different, needs a person, is well again or takes it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.audit import AuditRecord
from bot.store.schema import (
    AuditRow,
    FollowerState,
    Handoff,
    InboxEvent,
    Message,
    Surge,
    SurgeEnd,
    Ticket,
    TicketState,
    Turn,
    TurnOutcome,
)
from tests.support.crowd import member
from tests.support.surge_house import SurgeHouse, surge_house
from tests.support.workspace_names import BOT, HELP

LOCKED = f"<@{BOT}> I am locked out of my account"
FIRST = 3
"So many tickets show that the directory is down."


@pytest.fixture
def house(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, config: Path, tmp_path: Path
) -> Iterator[SurgeHouse]:
    """Open a house whose directory is down, and known to be."""
    with surge_house(
        monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config, file=tmp_path / "deskhand.db"
    ) as opened:
        opened.directory.is_down = True
        opened.ask_all([member(number) for number in range(FIRST)], lambda _user: LOCKED)
        opened.play_all()
        assert len(opened.front.rows(Surge)) == 1
        yield opened


def follows(house: SurgeHouse, number: int) -> str:
    """Let another person ask, who is linked to the surge; return the ts of what they wrote."""
    user = member(number)
    ts = house.front.say(user, HELP, LOCKED)
    house.play_all()
    ticket = ticket_of(house, user)
    assert (ticket.following, ticket.state) == (FollowerState.WAITING, TicketState.OPEN)
    assert last_turn(house, ticket).outcome is TurnOutcome.LINKED
    return ts


def ticket_of(house: SurgeHouse, user: str) -> Ticket:
    """Return the one ticket of a person."""
    [ticket] = [row for row in house.front.rows(Ticket) if row.requester == user]
    return ticket


def last_turn(house: SurgeHouse, ticket: Ticket) -> Turn:
    """Return the newest turn of a ticket."""
    return [row for row in house.front.rows(Turn) if row.ticket_id == ticket.id][-1]


def press(house: SurgeHouse, user: str, ts: str, *, by: str | None = None) -> None:
    """Press "mine is different" below what a follower was told."""
    [told] = [
        one for one in house.front.sees(user)["messages"][HELP] if one.get("thread_ts") == ts and one.get("bot_id")
    ]
    block = next(one for one in told["blocks"] if one["type"] == "actions")
    where = {"channel": HELP, "ts": told["ts"], "block_id": block["block_id"], "action_id": "surge.different"}
    house.front.act("click", by or user, **where)
    house.play_all()
    house.look()


def events(house: SurgeHouse, name: str) -> list[AuditRecord]:
    """Return the audit rows of an event."""
    return [row for row in house.front.rows(AuditRow) if row.event == name]


def test_the_button_gives_the_agent_the_ticket_at_once(house: SurgeHouse) -> None:
    """The turn is over the words that were only linked, the button is gone, and the end is not told to them."""
    user, ts = member(10), follows(house, 10)
    before = house.asked_model
    press(house, user, ts)
    ticket = ticket_of(house, user)
    assert ticket.following is FollowerState.LEFT
    assert house.asked_model == before + 1
    assert last_turn(house, ticket).outcome is TurnOutcome.REPLY
    [words] = [row for row in house.front.rows(InboxEvent) if row.ticket_id == ticket.id]
    assert words.turn_id == last_turn(house, ticket).id
    first, answer = (
        one for one in house.front.sees(user)["messages"][HELP] if one.get("bot_id") and one.get("thread_ts") == ts
    )
    assert "actions" not in {block["type"] for block in first["blocks"]}
    assert "looking at it now" in first["text"]
    assert answer["text"] == "Please try again now."
    house.directory.is_down = False
    house.look(times=4)
    assert ticket.id not in {row.ticket_id for row in house.said("ended")}


def test_only_the_requester_may_say_so(house: SurgeHouse) -> None:
    """Somebody else who presses is told whose it is, and nothing changes."""
    user, ts = member(11), follows(house, 11)
    press(house, user, ts, by=member(12))
    assert ticket_of(house, user).following is FollowerState.WAITING
    assert "so nothing has changed" in house.front.whispers(member(12))[-1]


def test_the_words_do_what_the_button_does(house: SurgeHouse) -> None:
    """In a thread that waits, and in a request that begins with them."""
    user, ts = member(13), follows(house, 13)
    before = house.asked_model
    house.front.say(user, HELP, "no, my problem is different: I need a new phone set up", thread_ts=ts)
    other = member(14)
    house.front.say(other, HELP, f"<@{BOT}> mein Problem ist ein anderes, ich brauche nur eine Auskunft")
    house.play_all()
    assert house.asked_model == before + 2
    assert [ticket_of(house, one).following for one in (user, other)] == [FollowerState.LEFT] * 2
    assert {last_turn(house, ticket_of(house, one)).outcome for one in (user, other)} == {TurnOutcome.REPLY}


def test_a_person_is_fetched_all_the_same(house: SurgeHouse) -> None:
    """Asking for one beats the surge, before it and while waiting in it."""
    user, ts = member(15), follows(house, 15)
    house.front.say(user, HELP, "can I talk to a human please?", thread_ts=ts)
    house.play_all()
    ticket = ticket_of(house, user)
    assert (ticket.state, ticket.following) == (TicketState.HANDED_OFF, FollowerState.LEFT)
    assert house.front.rows(Handoff)[-1].reason == "requested"
    assert [row.record["why"] for row in events(house, "surge.left")] == ["person"]


def test_who_writes_again_is_answered_once_and_not_forgotten(house: SurgeHouse) -> None:
    """Briefly, the first time; whatever they wrote is in the turn with which the agent goes on."""
    user, ts = member(16), follows(house, 16)
    for text in ("is there any news?", "hello?", "still waiting"):
        house.front.say(user, HELP, text, thread_ts=ts)
        house.play_all()
    ticket = ticket_of(house, user)
    assert len([row for row in house.said("again") if row.ticket_id == ticket.id]) == 1
    assert ticket.following is FollowerState.WAITING
    house.directory.is_down = False
    house.look(times=4)
    house.play_all()
    ticket = ticket_of(house, user)
    words = [row for row in house.front.rows(InboxEvent) if row.ticket_id == ticket.id]
    assert {row.turn_id for row in words} == {last_turn(house, ticket).id}
    assert len(words) == 4


def test_who_is_well_again_is_left_alone(house: SurgeHouse) -> None:
    """The ticket closes, and nobody goes on with it."""
    user, ts = member(17), follows(house, 17)
    house.front.say(user, HELP, "it works again now", thread_ts=ts)
    house.play_all()
    ticket = ticket_of(house, user)
    assert (ticket.state, ticket.following) == (TicketState.RESOLVED, FollowerState.LEFT)
    house.directory.is_down = False
    before = len(house.front.rows(Turn))
    house.look(times=4)
    assert ticket.id not in {row.ticket_id for row in house.said("ended")}
    assert [row for row in house.front.rows(Turn)[before:] if row.ticket_id == ticket.id] == []


def test_a_deleted_message_withdraws(house: SurgeHouse) -> None:
    """Nobody waits for it any more, and it does not count."""
    user, ts = member(18), follows(house, 18)
    house.front.act("delete", user, channel=HELP, ts=ts)
    ticket = ticket_of(house, user)
    assert (ticket.state, ticket.category, ticket.following) == (TicketState.RESOLVED, "withdrawn", FollowerState.LEFT)
    assert events(house, "surge.left")[-1].record["why"] == "withdrawn"


def test_the_parent_is_passed_on_when_its_requester_takes_it_back(house: SurgeHouse) -> None:
    """The next one who waits is the parent then; when nobody is left, the surge ends and its notice is gone."""
    [surge] = house.front.rows(Surge)
    first = next(row for row in house.front.rows(Handoff) if row.id == surge.handoff_id)
    waiting = [row for row in house.followers() if row.following is FollowerState.WAITING]
    parent = next(row for row in house.front.rows(Ticket) if row.id == first.ticket_id)
    house.front.act("delete", parent.requester, channel=HELP, ts=parent.thread_ts)
    house.look()
    [surge] = house.front.rows(Surge)
    assert surge.handoff_id != first.id
    second = next(row for row in house.front.rows(Handoff) if row.id == surge.handoff_id)
    assert (second.ticket_id, second.state, second.reason) == (waiting[0].id, "open", "outage")
    for ticket in waiting:
        house.front.act("delete", ticket.requester, channel=HELP, ts=ticket.thread_ts)
        house.look()
    [surge] = house.front.rows(Surge)
    assert surge.over_by is SurgeEnd.NOBODY
    [notice] = [row for row in house.front.rows(Message) if row.kind == "surge"]
    assert notice.body.get("deleted")
