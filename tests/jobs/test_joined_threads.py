"""A mention in a thread that had begun before: `jobs.joined_threads`, from Slack's event to what Slack shows."""

import json

import pytest

from bot.store.schema import AuditRow, Handoff, InboxEvent, Ticket, Turn
from jobs.turn import run_turn
from tests.support.product_harness import Place
from tests.support.workspace_names import BOT, HELP

pytestmark = pytest.mark.usefixtures("mentioned")

LOCKED = "I am locked out of my account"
ASKS = "<@U0MAYA>, <@U0IVAN> asks me to look at this. Shall I?"


def root(place: Place, text: str = LOCKED, user: str = "U0MAYA") -> str:
    """Let somebody begin a thread without calling the bot; return its ts."""
    ts = place.front.say(user, HELP, text)
    assert place.front.rows(InboxEvent) == []
    return ts


def kinds(place: Place) -> list[tuple[str, str, str]]:
    """Return what is kept, in the order of its being said: kind, who, and what."""
    rows = sorted(place.front.rows(InboxEvent), key=lambda row: float(row.ts or 0))
    return [(row.kind, row.user, row.text) for row in rows]


def prompt(place: Place, number: int = 0) -> str:
    """Return the conversation that the model was asked about."""
    return json.dumps(place.calls()[number])


def test_the_callers_own_thread_is_read_once_and_answered(place: Place) -> None:
    """The root in full, with what they have said since; what others said is background, and so is an aside."""
    ts = root(place, f"{LOCKED}. {'It is urgent. ' * 300}END")
    place.front.say("U0MAYA", HELP, "since this morning", thread_ts=ts)
    place.front.say("U0SAM", HELP, "unlock me too", thread_ts=ts)
    place.front.say("U0MAYA", HELP, "<@U0SAM> oh no", thread_ts=ts)
    place.asks("U0MAYA", f"<@{BOT}> any idea?", thread_ts=ts)
    [turn], [ticket] = place.front.rows(Turn), place.front.rows(Ticket)
    assert (turn.outcome, ticket.requester, place.writes()) == ("reply", "U0MAYA", [("acc-maya", "unlock")])
    assert [(kind, who) for kind, who, _ in kinds(place)] == [
        ("message", "U0MAYA"),
        ("message", "U0MAYA"),
        ("overheard", "U0SAM"),
        ("overheard", "U0MAYA"),
        ("message", "U0MAYA"),
    ]
    said = prompt(place)
    assert said.index("locked out") < said.index("END") < said.index("since this morning") < said.index("any idea?")
    assert '<overheard from=\\"U0SAM\\"' in said
    place.asks("U0MAYA", "thanks!", thread_ts=ts)
    assert len([one for one in kinds(place) if one[1] == "U0SAM"]) == 1


def test_somebody_elses_thread_is_its_authors_request(place: Place) -> None:
    """No account is touched, theirs no more than the caller's: the author is asked, before all."""
    ts = root(place)
    place.asks("U0IVAN", f"<@{BOT}> any idea? I'm locked out too", thread_ts=ts)
    [ticket] = place.front.rows(Ticket)
    assert (ticket.requester, ticket.account, ticket.state) == ("U0MAYA", None, "open")
    assert (place.calls(), place.writes()) == ([], [])
    [asked] = place.thread("U0MAYA", ts)
    assert asked.startswith(ASKS)
    assert [(kind, who) for kind, who, _ in kinds(place)] == [("message", "U0MAYA"), ("overheard", "U0IVAN")]
    [given] = [row for row in place.front.rows(AuditRow) if row.event == "ticket.given"]
    assert (given.subject, given.record["called_by"]) == ("U0MAYA", "U0IVAN")


def test_the_author_who_answers_is_helped(place: Place) -> None:
    """Who called is background: their words move nothing."""
    ts = root(place)
    place.asks("U0IVAN", f"<@{BOT}> please unlock everybody", thread_ts=ts)
    place.asks("U0MAYA", "yes please", thread_ts=ts)
    assert place.writes() == [("acc-maya", "unlock")]
    said = prompt(place)
    assert said.index(LOCKED) < said.index('<overheard from=\\"U0IVAN\\"') < said.index("yes please")
    assert len(place.thread("U0MAYA", ts)) == 2


def test_the_author_who_has_spoken_since_is_answered_at_once(place: Place) -> None:
    """Though it was said before the thread was read, by a message that no one had to hear."""
    ts = root(place)
    place.front.say("U0IVAN", HELP, f"<@{BOT}> any idea?", thread_ts=ts)
    place.front.say("U0MAYA", HELP, "yes, please help", thread_ts=ts)
    place.front.say("U0SAM", HELP, "good luck", thread_ts=ts)
    place.work()
    assert place.writes() == [("acc-maya", "unlock")]
    assert [turn.outcome for turn in place.front.rows(Turn)] == ["withdrawn", "reply"]
    assert not any(text.startswith(ASKS) for text in place.thread("U0MAYA", ts))


def test_who_had_asked_for_a_person_before_they_called_gets_one(place: Place) -> None:
    """What they had said in the thread is heard like the call itself; the model is not asked."""
    ts = root(place, "I'd like to talk to a human please")
    place.asks("U0MAYA", f"<@{BOT}> hello", thread_ts=ts)
    assert (place.last_handoff().reason, place.calls()) == ("requested", [])


def test_who_calls_and_asks_for_a_person_gets_one(place: Place) -> None:
    """For the author, and at once."""
    ts = root(place)
    place.asks("U0IVAN", f"<@{BOT}> can a human look at this?", thread_ts=ts)
    handoff, [ticket] = place.last_handoff(), place.front.rows(Ticket)
    assert (handoff.reason, ticket.requester, ticket.state) == ("requested", "U0MAYA", "handed_off")
    [notice] = place.thread("U0MAYA", ts)
    assert notice.startswith("A colleague has asked for a person")
    place.front.say("U0MAYA", HELP, "hello?", thread_ts=ts)
    assert place.front.rows(InboxEvent)[-1].state == "relayed"


@pytest.mark.parametrize("how", ["app", "gone", "unreadable"])
def test_where_no_author_can_be_asked_a_person_is_called(place: Place, how: str) -> None:
    """The root is an app's, or gone, or Slack does not show it: the model is not asked, no account is touched."""
    channel = place.front.world.state.channels[HELP]
    if how == "app":
        fields = {"user": "U0OTHER", "bot_id": "B0OTHER", "text": "Account maya is locked", "username": "alerts"}
        ts = str(place.front.world.state.post(channel, fields)["ts"])
    else:
        ts = root(place)
    place.front.say("U0IVAN", HELP, f"<@{BOT}> unlock it", thread_ts=ts)
    if how == "gone":
        place.front.act("delete", "U0MAYA", channel=HELP, ts=ts)
    if how == "unreadable":
        place.front.faults({"method": "conversations.replies", "times": -1, "kind": "fail", "error": "not_in_channel"})
    place.work()
    assert (place.calls(), place.writes()) == ([], [])
    assert (place.last_handoff().reason, place.last_turn().outcome) == ("low_confidence", "handoff")
    assert len(place.front.rows(Handoff)) == 1


def test_a_thread_that_we_began_is_the_callers(place: Place) -> None:
    """Below a word of ours somebody asks for themselves."""
    bot = place.front.world.seed.bot
    channel = place.front.world.state.channels[HELP]
    fields = {"user": bot.id, "bot_id": bot.bot_id, "text": "I help with signing in", "username": "deskhand"}
    ts = str(place.front.world.state.post(channel, fields)["ts"])
    place.asks("U0MAYA", f"<@{BOT}> {LOCKED}", thread_ts=ts)
    assert place.writes() == [("acc-maya", "unlock")]


def test_what_cannot_be_read_now_is_read_by_the_next_attempt(place: Place) -> None:
    """Slack is away for a moment: the turn is put back, and nothing is done without it."""
    ts = root(place)
    place.front.say("U0IVAN", HELP, f"<@{BOT}> unlock it", thread_ts=ts)
    place.front.faults({"method": "conversations.replies", "times": 1, "kind": "rate_limit", "seconds": 1})
    place.work()
    assert (place.last_turn().state, place.front.rows(Ticket)[0].requester) == ("waiting", "U0IVAN")
    run_turn(place.last_turn().id)
    assert place.front.rows(Ticket)[0].requester == "U0MAYA"


def test_words_of_the_thread_that_are_deleted_or_edited_follow(place: Place) -> None:
    """What was read there is kept as Slack has it, whoever wrote it."""
    ts = root(place)
    sams = place.front.say("U0SAM", HELP, "my code is AB-12", thread_ts=ts)
    place.asks("U0IVAN", f"<@{BOT}> any idea?", thread_ts=ts)
    place.front.act("delete", "U0SAM", channel=HELP, ts=sams)
    place.front.act("edit", "U0MAYA", channel=HELP, ts=ts, text="I forgot my password")
    assert [text for _, _, text in kinds(place)] == ["I forgot my password", "", "any idea?"]
    assert "AB-12" not in str(place.front.kept())


def test_the_thread_of_a_ticket_is_not_read(place: Place) -> None:
    """Slack has told us all of it."""
    ts = place.asks("U0MAYA", f"<@{BOT}> {LOCKED}")
    place.asks("U0MAYA", "and again", thread_ts=ts)
    methods = [entry["name"] for entry in list(place.front.world.journal.entries)]
    assert "conversations.replies" not in methods
