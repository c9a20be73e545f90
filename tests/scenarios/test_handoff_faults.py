"""Every fault that a handoff must survive; after each there is one card, one transcript and one notice, and it goes on.

Time is moved by changing rows. What a dead worker leaves is taken up by another one and by upkeep, as the
clock's process does.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from sqlalchemy import select, update

from bot.store.handoffs import handoffs
from bot.store.schema import Handoff, InboxEvent, Message, Turn, now
from bot.store.tickets import threads
from jobs import handoff as clock
from jobs import upkeep
from tests.support.checkpoints import watched
from tests.support.json_object import Json
from tests.support.product_harness import Place
from tests.support.web_harness import Card
from tests.support.web_harness import action_value as button
from tests.support.workspace_names import BOT, HELP, QUEUE

WISH = f"<@{BOT}> I want to talk to a person"
PAYDAY = f"<@{BOT}> When is the next payday?"
"Something that nobody hands off for."
REPLY = {"text": {"text": {"type": "plain_text_input", "value": "Please come by with your badge."}}}
HAS_IT = "<@U0PRIYA> has your request"
LONG_AGO = timedelta(minutes=10)
PARTS = ("card", "transcript", "notice")

Opens = Callable[[Place, str], None]


class Killed(BaseException):
    """The worker is dead: nothing of ours catches this."""


@dataclass(frozen=True)
class Lost:
    """What stands in Slack of one request."""

    keys: Counter[str]
    "Of every message of the bot, wherever it stands, by what it is."

    def of(self, handoff: int) -> tuple[int, ...]:
        """Return how many cards, transcripts and notices of a handoff there are."""
        return tuple(self.keys[f"{part}:handoff:{handoff}"] for part in PARTS)


def standing(place: Place) -> Lost:
    """Count what stands in Slack."""
    channels = place.front.world.state.channels.values()
    said = [one for channel in channels for one in channel.messages.values() if not one.get("deleted")]
    ours = [one["metadata"]["event_payload"]["key"] for one in said if one.get("metadata")]
    return Lost(Counter(ours))


def by_a_turn(place: Place, _ts: str) -> None:
    """Open the handoff at the end of a turn."""
    place.work()


def by_the_shortcut(place: Place, ts: str) -> None:
    """Open the handoff by the shortcut, before the agent has begun."""
    place.front.act("shortcut", "U0LENA", channel=HELP, ts=ts, callback_id="hand_to_person")
    place.front.work()


OPENINGS: dict[Opens, str] = {by_a_turn: WISH, by_the_shortcut: PAYDAY}
"Each with what was asked."


def recover(place: Place) -> None:
    """Let so much time pass that the dead are missed and every pause is over; upkeep and another worker go on."""
    for _ in range(4):
        at = now()
        with place.front.database.write() as session:
            session.execute(update(Message).where(Message.due_at > at).values(due_at=at))
            session.execute(update(Turn).where(Turn.state != "done").values(queued_at=at - LONG_AGO))
            session.execute(update(Turn).where(Turn.state == "running").values(lease_until=at - LONG_AGO))
            session.execute(update(InboxEvent).where(InboxEvent.kind == "shortcut").values(queued_at=at - LONG_AGO))
        upkeep.sweep(place.ctx)
        upkeep.deliver_messages(place.ctx)
        place.front.work()
        place.work()
        if not owed(place):
            return


def owed(place: Place) -> bool:
    """Tell whether anything is left to be done or said."""
    with place.front.database.read() as session:
        unsaid = session.scalars(select(Message.id).where(Message.state.in_(("stored", "sending")))).first()
        unplayed = session.scalars(select(Turn.id).where(Turn.state != "done")).first()
        unheard = select(InboxEvent.id).where(InboxEvent.kind == "shortcut", InboxEvent.state == "accepted")
        return bool(unsaid or unplayed or session.scalars(unheard).first())


def opened(place: Place, ts: str, user: str = "U0LENA") -> Card:
    """Return the handoff of a request, of which everything stands in Slack exactly once."""
    with place.front.database.read() as session:
        ticket = threads.ticket_at(session, HELP, ts)
        assert ticket is not None
        found = handoffs.last(session, ticket.id)
    assert found is not None
    seen = standing(place)
    assert seen.of(found.id) == (1, 1, 1)
    assert seen.keys.most_common(1)[0][1] == 1
    return Card(found.id, user, ts, place.front.card(found.id))


def goes_on(place: Place, card: Card, user: str = "U0PRIYA") -> None:
    """Let somebody claim it and answer; the requester reads who has it and what they say, once."""
    place.front.press(user, card, "claim")
    answers(place, card, user)


def answers(place: Place, card: Card, user: str) -> None:
    """Let the holder answer by the form."""
    place.front.press(user, place.front.refreshed(card), "reply")
    assert place.front.fill(user, REPLY)["ok"]
    said = place.front.said_in(card)
    assert sum(f"<@{user}> has your request" in one for one in said) == 1
    assert sum("come by with your badge" in one for one in said) == 1
    assert standing(place).of(card.handoff) == (1, 1, 1)


@pytest.mark.usefixtures("spacious")
@pytest.mark.parametrize("opens", OPENINGS)
def test_a_worker_may_die_between_any_two_statements(place: Place, opens: Opens) -> None:
    """Before each commit, which is then undone, before each call of Slack and after it: another goes on."""
    died, number = "at first", 0
    while died:
        place.front.world.journal.clear()
        place.front.resolve_all()
        ts = place.front.say("U0LENA", HELP, OPENINGS[opens])
        died = killed_at(place, number, lambda ts=ts: opens(place, ts))  # type: ignore[misc]
        recover(place)
        try:
            card = opened(place, ts)
            place.front.press("U0PRIYA", card, "claim")
            assert HAS_IT in place.front.said_in(card)[-1]
        except AssertionError as error:
            raise AssertionError(f"killed at {number}: {died}") from error
        number += 1
    answers(place, card, "U0PRIYA")
    assert number > 10


def killed_at(place: Place, number: int, does: Callable[[], None]) -> str:
    """Do something and die in its moment of a number; return the moment, empty when it ended before."""
    left = [number]

    def dies(moment: str) -> None:
        if moment.startswith(("commit", "call")):  # what lies between two of them leaves no trace
            left[0] -= 1
            if left[0] < 0:
                raise Killed(moment)

    try:
        with watched(place.ctx, dies):
            does()
    except Killed as killed:
        return str(killed)
    return ""


def refused(status: int, *, after: str = "") -> SlackApiError:
    """Return what the client raises for an HTTP status."""
    given = {"client": None, "http_verb": "POST", "api_url": "", "req_args": {}, "data": {"ok": False}}
    response = SlackResponse(**given, headers={"Retry-After": after} if after else {}, status_code=status)  # type: ignore[arg-type]
    return SlackApiError("Slack is in trouble", response)  # type: ignore[no-untyped-call]


@contextmanager
def in_trouble(place: Place, part: str, trouble: Json | None, slow: float | None = None) -> Iterator[None]:
    """Let Slack be in trouble with the one call that posts a part of a handoff."""

    def at(moment: str) -> None:
        is_it = f"chat.postMessage {part}:handoff" in moment
        if is_it and moment.startswith("call"):
            place.ctx.slack.timeout = slow or 6  # type: ignore[assignment]  # seconds may be a fraction
            place.front.faults(*([{"method": "chat.postMessage", "times": 1, **trouble}] if trouble else []))
        if is_it and moment.startswith("answer") and trouble is None:
            raise refused(500)

    with watched(place.ctx, at):
        yield
    place.ctx.slack.timeout = 6
    place.front.faults()


TROUBLES: dict[str, tuple[Json | None, float | None]] = {
    "down": ({"kind": "http_500"}, None),
    "rate-limited": ({"kind": "rate_limit", "seconds": 30}, None),
    "500 after doing the work": (None, None),
    "hung up after doing the work": ({"kind": "drop_answer"}, None),
    "timed out and does the work later": ({"kind": "slow", "seconds": 0.3}, 0.1),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_slack_may_be_in_trouble_with_any_part(place: Place, trouble: str) -> None:
    """With card, transcript or notice: the rest waits where it must, and everything stands there once in the end."""
    fault, slow = TROUBLES[trouble]
    for part in PARTS:
        place.front.resolve_all()
        ts = place.front.say("U0LENA", HELP, WISH)
        with in_trouble(place, part, fault, slow):
            place.work()
        handoff = place.last_handoff().id
        row = message(place, f"{part}:handoff:{handoff}")
        assert row.state == ("stored" if trouble == "rate-limited" else "sending"), part
        if trouble == "rate-limited":
            assert row.due_at > now() + timedelta(seconds=25), part
        upkeep.deliver_messages(place.ctx)
        missing = part if trouble in ("down", "rate-limited") else None  # the pause is not over
        until_done(place, handoff, part, missing)
        recover(place)
        goes_on(place, opened(place, ts))


def until_done(place: Place, handoff: int, part: str, missing: str | None) -> None:
    """Wait until Slack has done what it was asked for; see that what it refused is not there before its time."""
    name = f"{part}:handoff:{handoff}"
    deadline = time.monotonic() + 120
    while missing is None and not standing(place).keys[name] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert standing(place).keys[name] == (missing is None), part


@pytest.mark.parametrize("opens", OPENINGS)
def test_slack_may_be_away_for_the_whole_opening(place: Place, opens: Opens) -> None:
    """Nothing can be said, nor who asks be found out: all of it arrives once when Slack is back, and in order."""
    ts = place.front.say("U0LENA", HELP, OPENINGS[opens])
    place.front.faults({"method": "*", "kind": "http_500", "times": -1})
    opens(place, ts)
    recover(place)
    assert standing(place).keys == {}
    place.front.faults()
    recover(place)
    goes_on(place, opened(place, ts))


def message(place: Place, key: str) -> Message:
    """Return a message by its key."""
    [found] = [row for row in place.front.rows(Message) if row.key == key]
    return found


def test_redis_may_lose_everything(place: Place) -> None:
    """Its jobs and its sums: the shortcut, the claim, the answer and the turn after giving back are found in SQL."""
    ts = place.front.say("U0LENA", HELP, PAYDAY)
    place.front.redis.flushall()
    place.front.act("shortcut", "U0LENA", channel=HELP, ts=ts, callback_id="hand_to_person")
    place.front.redis.flushall()
    recover(place)
    card = opened(place, ts)
    place.front.act("click", "U0PRIYA", **button(card.message, QUEUE, "claim"))
    place.front.redis.flushall()
    recover(place)
    answers(place, card, "U0PRIYA")
    place.front.press("U0PRIYA", place.front.refreshed(card), "give_back")
    view = place.front.sees("U0PRIYA")["view"]
    note = {"note": {"note": {"type": "plain_text_input", "value": "She only asks when payday is."}}}
    assert place.front.act("submit", "U0PRIYA", view_id=view["id"], values=note)["ok"]
    place.front.redis.flushall()
    recover(place)
    assert place.last_turn().outcome in ("reply", "handoff")
    assert standing(place).of(card.handoff) == (1, 1, 1)


@pytest.mark.parametrize("how", [{"archived": True}, {"bot_member": False}], ids=["archived", "not-a-member"])
def test_a_closed_queue_sends_the_card_to_the_owner(place: Place, how: Json) -> None:
    """They are told why it comes to them, may claim it there, and answer; the requester notices nothing."""
    place.front._change(QUEUE, **how)
    ts = place.front.say("U0LENA", HELP, WISH)
    place.work()
    recover(place)
    assert standing(place).of(place.last_handoff().id) == (1, 1, 1)
    card, transcript = owners(place)
    assert "I could not post this in <#C0QUEUE>" in card["text"]
    assert (transcript["thread_ts"], place.queue()) == (card["ts"], [])
    channel = place.front.world.state.dm("U0OLIVIA").id
    place.front.choose("U0OLIVIA", card, channel, "claim")
    place.front.say("U0LENA", HELP, "it is urgent", thread_ts=ts)
    place.front.choose("U0OLIVIA", owners(place)[0], channel, "reply")
    assert place.front.fill("U0OLIVIA", REPLY)["ok"]
    assert "it is urgent" in str(owners(place)[2:])
    notice, claimed, reply = place.thread("U0LENA", ts)
    assert "called in a person" in notice
    assert "<@U0OLIVIA> has your request" in claimed
    assert "come by with your badge" in reply
    assert standing(place).of(place.last_handoff().id) == (1, 1, 1)


def owners(place: Place) -> list[Json]:
    """Return what the bot has said in the owner's direct messages."""
    channel = place.front.world.state.dm("U0OLIVIA").id
    return [one for one in place.front.sees("U0OLIVIA")["messages"].get(channel, []) if one.get("bot_id")]


def test_a_queue_that_closes_while_it_is_told_ends_with_the_owner(place: Place) -> None:
    """The card stands in it already: what belongs below goes to the owner, who can claim and answer."""

    def closes(moment: str) -> None:
        if moment.startswith("call chat.postMessage transcript"):
            place.front.archive(QUEUE)

    ts = place.front.say("U0LENA", HELP, WISH)
    with watched(place.ctx, closes):
        place.work()
    recover(place)
    seen = standing(place).of(place.last_handoff().id)
    assert seen == (1, 1, 1)
    assert "could not post this" in owners(place)[0]["text"]
    place.front.press_at_home("U0PRIYA", "claim", place.last_handoff().id)
    place.front.work()
    assert HAS_IT in place.thread("U0LENA", ts)[-1]


def test_a_request_deleted_before_its_handoff_is_posted_is_nobodys(place: Place) -> None:
    """Slack was away, so that nothing of it stands yet: all of it says that nobody is needed, once."""
    ts = place.front.say("U0LENA", HELP, WISH)
    place.front.faults({"method": "chat.postMessage", "kind": "http_500", "times": -1})
    place.work()
    place.front.act("delete", "U0LENA", channel=HELP, ts=ts)
    place.front.faults()
    recover(place)
    handoff = place.last_handoff()
    assert (handoff.state, standing(place).of(handoff.id)) == ("cancelled", (1, 1, 1))
    [card, *below] = place.queue()
    assert "talk to a person" not in str(below)
    assert not [one for one in card["blocks"] if one["type"] == "actions"]
    told = [one for one in place.front.directly("U0LENA") if "you no longer need this" in one]
    assert len(told) == 1, "its thread is gone, so it is told directly"


def test_a_request_deleted_while_its_handoff_is_open_is_taken_back(place: Place) -> None:
    """The card and the notice that stand already say so."""
    ts = place.front.say("U0LENA", HELP, WISH)
    place.work()
    card = opened(place, ts)
    place.front.act("delete", "U0LENA", channel=HELP, ts=ts)
    place.front.work()
    assert place.front.stands(card) == ("cancelled", None)
    assert standing(place).of(card.handoff) == (1, 1, 1)
    assert [one for one in place.thread("U0LENA", ts) if "called in a person" in one] == []
    assert "no longer needs help" in place.front.said_below(card)[-1]
    place.front.press("U0PRIYA", card, "claim", forge=True)
    assert place.front.stands(card) == ("cancelled", None)


def test_a_request_deleted_while_somebody_has_it_is_theirs(place: Place) -> None:
    """Who has it is told, once, in words of their own that Slack notifies them of, and may go on."""
    ts = place.front.say("U0LENA", HELP, WISH)
    place.work()
    card = opened(place, ts)
    place.front.press("U0PRIYA", card, "claim")
    place.front.act("delete", "U0LENA", channel=HELP, ts=ts)
    gone = {"type": "message", "subtype": "message_deleted", "channel": HELP, "deleted_ts": ts, "ts": "1.1"}
    assert place.front.event(gone, event_id="Ev0AGAIN") == 200
    place.front.work()
    assert place.front.stands(card) == ("claimed", "U0PRIYA")
    [told] = [one for one in place.front.said_below(card) if "has deleted" in one]
    assert "<@U0PRIYA>" in told
    answers(place, card, "U0PRIYA")


def test_a_holder_may_leave(place: Place) -> None:
    """Deactivated in the middle of a claim: the clock frees it, and another one claims and answers."""
    ts = place.front.say("U0LENA", HELP, WISH)
    place.work()
    card = opened(place, ts)
    place.front.press("U0PRIYA", card, "claim")
    place.front.act("user", "U0PRIYA", deleted=True)
    for _ in range(2):
        clock.look(place.ctx)
    recover(place)
    assert place.front.stands(card) == ("open", None)
    seen = [one for one in place.front.sees("U0BEN")["messages"][QUEUE] if one["ts"] == card.message["ts"]]
    place.front.choose("U0BEN", seen[0], QUEUE, "claim")
    assert place.front.stands(card) == ("claimed", "U0BEN")
    assert standing(place).of(card.handoff) == (1, 1, 1)
    said = place.front.said_in(card)
    assert [sum(words in one for one in said) for words in (HAS_IT, "whole team again", "<@U0BEN> has")] == [1, 1, 1]


def test_a_claim_after_an_expiry_is_a_claim_like_any(place: Place) -> None:
    """The one before cannot answer any more, in the form that they had open; the next one can."""
    ts = place.front.say("U0LENA", HELP, WISH)
    place.work()
    card = opened(place, ts)
    place.front.press("U0PRIYA", card, "claim")
    place.front.press("U0PRIYA", place.front.refreshed(card), "reply")
    with place.front.database.write() as session:
        session.execute(update(Handoff).values(lease_until=now() - LONG_AGO))
    for _ in range(2):
        clock.look(place.ctx)
    recover(place)
    place.front.press("U0BEN", place.front.refreshed(card), "claim")
    [error] = place.front.fill("U0PRIYA", REPLY)["errors"].values()
    assert "somebody else has it now" in error
    assert place.front.stands(card) == ("claimed", "U0BEN")
    answers(place, card, "U0BEN")
    place.front.press("U0PRIYA", card, "claim", forge=True)
    assert place.front.stands(card) == ("claimed", "U0BEN")
    assert [row.expiries for row in place.front.rows(Handoff)] == [1]
