"""What was said in a thread before it was known to be a ticket's: `jobs.thread_backfill`."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from bot.store.schema import InboxEvent, Turn, now
from jobs.turn import run_turn
from tests.support.product_harness import Place
from tests.support.workspace_names import BOT, HELP

pytestmark = pytest.mark.usefixtures("mentioned")

MINUTES = timedelta(minutes=1)


def missed(place: Place) -> str:
    """Let a first message be missed by the web process, and three more be said below it; return its ts."""
    ts = place.front.say("U0MAYA", HELP, "I am locked out")  # heard below: here it names nobody
    place.front.say("U0MAYA", HELP, "And why was I locked out?", thread_ts=ts)
    place.front.say("U0SAM", HELP, "Same here", thread_ts=ts)
    assert place.front.rows(InboxEvent) == []
    return ts


def heard(place: Place, ts: str, *, late: timedelta) -> None:
    """Let Slack deliver the first message at last."""
    event = {"type": "app_mention", "channel": HELP, "user": "U0MAYA", "ts": ts, "text": f"<@{BOT}> I am locked out"}
    assert place.front.event(event) == 200
    with place.front.database.write() as session:
        session.execute(update(InboxEvent).values(received_at=now() + late))


def words(place: Place) -> list[str]:
    """Return what has been heard."""
    return [event.text for event in place.front.rows(InboxEvent)]


def test_what_was_said_below_a_late_message_is_answered(place: Place) -> None:
    """Once, by a turn of its own; and what others said there is theirs."""
    ts = missed(place)
    heard(place, ts, late=MINUTES)
    place.work()
    assert words(place) == ["I am locked out", "And why was I locked out?"]
    assert len(place.thread("U0MAYA", ts)) == 2
    assert {event.state for event in place.front.rows(InboxEvent)} == {"accepted"}


def test_below_a_message_that_came_in_time_nothing_is_looked_for(place: Place) -> None:
    """Slack has told us of everything said after it."""
    ts = missed(place)
    heard(place, ts, late=timedelta())
    place.work()
    assert words(place) == ["I am locked out"]


def test_a_thread_that_may_not_be_read_delays_nothing(place: Place) -> None:
    """The turn is answered without it."""
    ts = missed(place)
    heard(place, ts, late=MINUTES)
    place.front.faults({"method": "conversations.replies", "times": -1, "kind": "fail", "error": "channel_not_found"})
    place.work()
    assert len(place.thread("U0MAYA", ts)) == 1


def test_a_thread_that_cannot_be_read_now_is_read_by_the_next_attempt(place: Place) -> None:
    """The turn is put back: without Slack it could not answer either."""
    ts = missed(place)
    heard(place, ts, late=MINUTES)
    place.front.faults({"method": "conversations.replies", "times": 1, "kind": "rate_limit", "seconds": 1})
    place.work()
    assert (place.last_turn().state, place.thread("U0MAYA", ts)) == ("waiting", [])
    run_turn(place.last_turn().id)
    place.work()
    assert words(place) == ["I am locked out", "And why was I locked out?"]


def test_what_slack_says_of_an_authors_teams_is_left_to_the_look_up(place: Place) -> None:
    """In an Enterprise organisation it may name any workspace of theirs; and no character breaks the turn."""
    ts = missed(place)
    said = place.front.world.state.thread(place.front.world.state.channels[HELP], ts)[1]
    said |= {"team": "T0SISTER", "user_team": "T0SISTER", "text": "And why\x00 was I locked out?"}
    heard(place, ts, late=MINUTES)
    place.work()
    assert words(place) == ["I am locked out", "And why was I locked out?"]


@pytest.mark.parametrize("late", [MINUTES, timedelta()], ids=["minutes", "retried at once"])
@pytest.mark.parametrize("private", [False, True], ids=["channel", "direct"])
@pytest.mark.parametrize("now", [None, "I forgot my password"], ids=["deleted", "edited"])
def test_a_message_that_came_late_is_answered_as_it_is_by_now(
    place: Place, now: str | None, late: timedelta, *, private: bool
) -> None:
    """Its edit, or its deletion, was told before it was: then there was nothing to change."""
    where = place.front.act("dm", "U0MAYA")["channel"] if private else HELP
    state = place.front.world.state
    channel = state.channels[where]
    ts = str(state.post(channel, {"user": "U0MAYA", "text": "I am locked out"})["ts"])  # and we are told of nothing
    if now is None:
        state.remove(channel, ts)
    else:
        state.replace(channel, ts, text=now)
    kind = {"type": "message", "channel_type": "im"} if private else {"type": "app_mention"}
    event = {**kind, "channel": where, "user": "U0MAYA", "ts": ts, "text": f"<@{BOT}> I am locked out"}
    assert place.front.event(event, headers={} if late else {"X-Slack-Retry-Num": "1"}) == 200
    with place.front.database.write() as session:
        session.execute(update(InboxEvent).values(received_at=datetime.now(UTC) + late))
    place.work()
    [heard] = place.front.rows(InboxEvent)
    assert (heard.text, heard.state) == ((now or ""), "accepted" if now else "withdrawn")
    assert bool(place.writes()) is (now is not None)
    assert [turn.outcome for turn in place.front.rows(Turn)] == ["withdrawn", *(["reply"] if now else [])]
    said = [one for one in place.front.sees("U0MAYA")["messages"].get(where, ()) if one.get("bot_id")]
    assert len(said) == (1 if now else 0)
