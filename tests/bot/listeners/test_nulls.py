"""What Slack may leave out, or send as null or as another thing: nothing is lost by it over either door.

Every field of every request that is heard is taken away, through the web door with a real signature, and made null and
something of another type, through Socket Mode. What is needed, since without it no one knows what to do, is refused on
purpose; whatever else cannot be read, what was asked is done.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, delete, func, select, update
from structlog.testing import capture_logs

from bot.listeners import buttons, rate_limit, reading
from bot.slack.requesters import replies
from bot.store import members
from bot.store.handoffs import handoffs
from bot.store.outbox import messages
from bot.store.schema import Base, Feedback, Handoff, Home, InboxEvent, Message, MessageKind, Turn
from bot.store.tickets import tickets
from bot.store.tickets.tickets import Heard
from tests.support.json_object import Json
from tests.support.request_delivery import DOORS, DeliverRequest, deliver_request, delivering_over
from tests.support.slack_requests import REQUEST_KINDS, paths_in, with_field
from tests.support.volumes import volume
from tests.support.web_harness import Card, FrontDoor, opened_for_all
from tests.support.workspace_names import HELP, TEAM

Path = tuple[str | int, ...]
Understood = Callable[[], bool]
Case = tuple[Json, Understood]


def put(body: Json, **fields: Any) -> Json:
    """Return a request with other values, each at its place: `event__ts="1.2"`."""
    for way, value in fields.items():
        *outer, last = way.split("__")
        at = body = json.loads(json.dumps(body))
        for name in outer:
            at = at[int(name)] if name.isdigit() else at[name]
        at[last] = value
    return body


def sent(front: FrontDoor, number: int, *, kind: str = "mention") -> tuple[Json, str, str]:
    """Return a mention of its own, its ts and who wrote it."""
    ts, user = f"{number}.000100", f"U0NEW{number}"
    body = put(REQUEST_KINDS[kind], event_id=f"Ev0{number}", event__ts=ts, event__user=user)
    return with_field(body, ("event", "thread_ts"), None, gone=True), ts, user


def heard(front: FrontDoor, channel: str, ts: str) -> InboxEvent | None:
    with front.database.read() as session:
        return session.scalars(
            select(InboxEvent).where(InboxEvent.channel == channel, InboxEvent.ts == ts)
        ).one_or_none()


def mention(front: FrontDoor, number: int) -> Case:
    body, ts, user = sent(front, number)
    return body, lambda: (row := heard(front, HELP, ts)) is not None and row.user == user


def direct(front: FrontDoor, number: int) -> Case:
    body, ts, user = sent(front, number, kind="message")
    channel = f"D0NEW{number}"
    body = put(body, event__channel=channel, event__channel_type="im")
    return body, lambda: (row := heard(front, channel, ts)) is not None and row.user == user


def first_said(front: FrontDoor, number: int) -> str:
    """Let somebody of their own have asked; return the ts."""
    body, ts, user = sent(front, number)
    said = Heard(body["event_id"], TEAM, HELP, ts, None, user, "locked", (), private=False)
    with front.database.write() as session:
        assert tickets.accept(session, said, agent="access") is not None
    return ts


def edit(front: FrontDoor, number: int) -> Case:
    ts = first_said(front, number)
    told = {**REQUEST_KINDS["edit"]["event"]["message"], "ts": ts, "user": f"U0NEW{number}", "text": "edited"}
    body = put(REQUEST_KINDS["edit"], event_id=f"Ev1{number}", event__ts=f"{number}.9", event__message=told)
    return body, lambda: (row := heard(front, HELP, ts)) is not None and row.text == "edited"


def deletion(front: FrontDoor, number: int) -> Case:
    ts = first_said(front, number)
    before = {**REQUEST_KINDS["deletion"]["event"]["previous_message"], "ts": ts}
    body = put(REQUEST_KINDS["deletion"], event_id=f"Ev2{number}", event__deleted_ts=ts, event__previous_message=before)
    return body, lambda: (row := heard(front, HELP, ts)) is not None and row.text == ""


def stop(front: FrontDoor, number: int) -> Case:
    ts = first_said(front, number)
    body = put(REQUEST_KINDS["stop"], event_id=f"Ev3{number}", event__user=f"U0NEW{number}", event__thread_ts=ts)

    def stopped() -> bool:
        row = heard(front, HELP, ts)
        with front.database.read() as session:
            return row is not None and session.get_one(Turn, row.turn_id).outcome == "withdrawn"

    return body, stopped


def home(front: FrontDoor, number: int) -> Case:
    body = put(REQUEST_KINDS["home"], event_id=f"Ev4{number}", event__user=f"U0NEW{number}")
    return body, lambda: amount(front, Home, Home.user == f"U0NEW{number}") == 1


def member(front: FrontDoor, number: int) -> Case:
    user = f"U0NEW{number}"
    with front.database.write() as session:
        members.note_departure(session, user)

    def is_back() -> bool:
        with front.database.read() as session:
            return not members.has_left(session, user)

    return put(REQUEST_KINDS["member"], event_id=f"Ev5{number}", event__user__id=user), is_back


def amount(front: FrontDoor, table: type[Base], which: ColumnElement[bool]) -> int:
    """Count rows."""
    with front.database.read() as session:
        return session.scalars(select(func.count()).select_from(table).where(which)).one()


def kept(front: FrontDoor, kind: str) -> Callable[[], bool]:
    before = amount(front, InboxEvent, InboxEvent.kind == kind)
    return lambda: amount(front, InboxEvent, InboxEvent.kind == kind) == before + 1


def command(front: FrontDoor, number: int) -> Case:
    body = put(REQUEST_KINDS["command"], trigger_id=f"1.2.{number}", user_id=f"U0NEW{number}")
    return body, kept(front, "command")


def shortcut(front: FrontDoor, number: int) -> Case:
    body = put(REQUEST_KINDS["shortcut"], trigger_id=f"1.2.{number}", user__id=f"U0NEW{number}")
    return body, kept(front, "shortcut")


def card_of(front: FrontDoor) -> Card:
    """Return the one handoff of a test, in whichever state the last case has left it."""
    with front.database.read() as session:
        found = session.scalars(select(Handoff.id)).all()
    return Card(found[0], "U0LENA", "", {"ts": "1.1"}) if found else front.hand_off()


def held(front: FrontDoor) -> Card:
    """Return the one handoff of a test, which Priya has."""
    card = card_of(front)
    with front.database.write() as session:
        handoffs.claim(session, card.handoff, "U0PRIYA", lease_minutes=30)
    return card


def pressed(kind: str, number: int, card: Card) -> Json:
    return put(REQUEST_KINDS[kind], user__id="U0PRIYA", trigger_id=f"1.2.{number}", actions__0__value=str(card.handoff))


def claim(front: FrontDoor, number: int) -> Case:
    card = card_of(front)
    with front.database.write() as session:
        handoffs.unclaim(session, card.handoff, "U0PRIYA")
    return pressed("claim", number, card), lambda: front.stands(card) == ("claimed", "U0PRIYA")


def form_asked_for(front: FrontDoor, number: int) -> Case:
    """Press a button that opens a form by a trigger that Slack does not know, so that who pressed it is told."""
    body = pressed("reply", number, held(front))
    with front.database.write() as session:
        session.execute(delete(Message).where(Message.kind == "only_you"))
    return body, lambda: front.only() == [("U0PRIYA", buttons.NOT_OPENED)]


def reply(front: FrontDoor, number: int) -> Case:
    card = held(front)
    values = {"text": {"text": {"type": "plain_text_input", "value": f"Come by, {number}."}}}
    view = {
        **REQUEST_KINDS["resolved"]["view"],
        "callback_id": "handoff.replied",
        "private_metadata": str(card.handoff),
    }
    body = put(
        REQUEST_KINDS["resolved"], user__id="U0PRIYA", view={**view, "id": f"V{number}", "state": {"values": values}}
    )
    with front.database.write() as session:
        session.execute(delete(Message).where(Message.kind == "human_reply"))

    def replied() -> bool:
        with front.database.read() as session:
            said = session.scalars(select(Message).where(Message.kind == "human_reply")).all()
        return any(f"Come by, {number}." in row.body["text"] for row in said)

    return body, replied


def thumb(front: FrontDoor, number: int) -> Case:
    ts = first_said(front, number)
    row = heard(front, HELP, ts)
    assert row is not None
    with front.database.write() as session:
        session.execute(delete(Feedback))
        answer = messages.add(
            session,
            key=replies.answer_key(int(row.turn_id or 0)),
            kind=MessageKind.REPLY,
            lane=f"ticket:{row.ticket_id}",
            channel=HELP,
            thread_ts=ts,
            body=replies.only_you("Done."),
            ticket_id=row.ticket_id,
        )
        session.execute(update(Message).where(Message.id == answer).values(state="posted", ts=f"{number}.7"))
    where = {"type": "message", "channel_id": HELP, "message_ts": f"{number}.7", "thread_ts": ts}
    message = {**REQUEST_KINDS["thumb"]["message"], "ts": f"{number}.7", "thread_ts": ts}
    body = put(REQUEST_KINDS["thumb"], container=where, message=message, channel__id=HELP, user__id=f"U0NEW{number}")
    return put(body, actions__0__value=f"good:{row.turn_id}"), lambda: bool(front.rows(Feedback))


TYPED = " ".join(
    f"view.state{more}" for more in ("", ".values", ".values.text", ".values.text.text", ".values.text.text.value")
)
PREPARE: dict[str, tuple[Callable[[FrontDoor, int], Case], str]] = {
    "mention": (mention, "event event.type event.user event.channel event.ts"),
    "direct": (direct, "event event.type event.user event.channel event.ts"),
    "edit": (
        edit,
        "event event.type event.subtype event.channel event.message event.message.ts event.message.text",
    ),
    "deletion": (deletion, "event event.type event.subtype event.channel"),
    "stop": (stop, "event event.type event.user event.thread_ts"),
    "home": (home, "event event.type event.user"),
    "member": (member, "event event.type event.user event.user.id event.user.deleted"),
    "command": (command, "command user_id"),
    "shortcut": (shortcut, "callback_id user user.id channel channel.id message"),
    "claim": (claim, "user user.id actions actions.0 actions.0.action_id actions.0.value"),
    "form": (form_asked_for, "user user.id actions actions.0 actions.0.action_id actions.0.value"),
    "reply": (reply, f"user user.id view view.callback_id view.private_metadata {TYPED}"),
    "thumb": (thumb, "user user.id actions actions.0 actions.0.action_id actions.0.value"),
}
"By kind: what prepares one, and the fields without which no one knows what is meant."

EACH = volume(0, long=1)
"Whether a field is everything odd that it can be, or one thing of it."
NUMBERS = count(1000)
"Of the people and messages of each case."
ANYTHING: st.SearchStrategy[Any] = st.sampled_from([None, None, 5, "x", [], {}, [5], {"text": []}])

INSTEAD = {
    "deletion": "event.deleted_ts",
    "stop": "event.channel",
    "shortcut": "message_ts",
    "thumb": "channel channel.id message message.ts",
}
"What is kept of several places that tell the same."


COUNTS_AGAINST = frozenset({"is_ext_shared_channel", "event.user_profile.team"})
"Whatever else than nothing, false or our team stands there, it says that the sender is none of ours."


def needed(kind: str, path: Path) -> bool:
    """Return whether a request of a kind cannot be understood without a field."""
    return path == ("type",) or ".".join(map(str, path)) in PREPARE[kind][1].split()


@pytest.fixture(scope="module")
def shared(_sqlite: File, _shared_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """Serve one door for all cases, which are about people and messages of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limit, "AT_ONCE", 1_000_000)
        with opened_for_all(_sqlite, _shared_redis, tmp_path_factory.mktemp("nulls")) as front:
            yield front


@pytest.fixture(scope="module", params=DOORS)
def bring(shared: FrontDoor, request: pytest.FixtureRequest) -> Iterator[DeliverRequest]:
    """Return what delivers a request, over the web door and over Socket Mode."""
    with delivering_over(shared, request.param) as delivers:
        yield delivers


@dataclass(frozen=True)
class Sending:
    """What becomes of one field of a request."""

    instead: Any
    gone: bool

    def of(self, body: Json, path: Path) -> Json:
        """Return a request with its field so."""
        return with_field(body, path, self.instead, gone=self.gone)


def others(value: Any) -> list[Any]:
    """Return what is of another type than what stands in a field."""
    match value:
        case str():
            return [5, [], {"text": 5}]
        case bool() | int() | None:
            return ["yes", [5]]
        case list():
            return ["x", {}, [5]]
        case _:
            return ["x", [], 5]


def reading_of(body: Json) -> str:
    """Return what is read of a request; of one that is refused, nothing."""
    try:
        return json.dumps(reading.validated(body), sort_keys=True)
    except reading.Malformed:
        return ""


def readings(body: Json, path: Path, *, gone: bool) -> list[Sending]:
    """Return how to send a request without a field, or with null and other types of things there: once a reading.

    What is read alike is done alike, so it is delivered once.
    """
    if gone:
        return [Sending(None, gone=True)]
    value: Any = body
    for name in path:
        value = value[name]
    variants = [Sending(odd, gone=False) for odd in (None, *others(value))]
    read = [reading_of(one.of(body, path)) for one in variants]
    assert read[0] == reading_of(Sending(None, gone=True).of(body, path))
    return list(dict(zip(reversed(read), reversed(variants), strict=True)).values())


@pytest.mark.parametrize("kind", PREPARE)
@pytest.mark.parametrize(("bring", "gone"), [("http", True), ("socket", False)], indirect=["bring"], ids=str)
def test_whatever_need_not_be_there(shared: FrontDoor, bring: DeliverRequest, kind: str, gone: bool) -> None:  # noqa: FBT001 - a parameter
    """One field at a time is gone, null or of another type: it is done all the same, or refused where it cannot be.

    What is read as it was for another field is delivered again only where another end is wanted. Over the web door each
    field is gone; over Socket Mode each is one odd thing in turn and whatever is refused, or by `make check-long` all.
    """
    prepare, wrong, delivered = PREPARE[kind][0], [], set[tuple[str, bool]]()
    body, understood = prepare(shared, next(NUMBERS))
    assert (bring(body), understood()) == (200, True)
    for number, path in enumerate(paths_in(body)):
        may_fail = needed(kind, path) or (not gone and ".".join(map(str, path)) in COUNTS_AGAINST)
        found = readings(body, path, gone=gone)
        for variant, sending in enumerate(found):
            same = (read := reading_of(sending.of(body, path))), may_fail
            in_turn = EACH or variant == number % len(found)
            if same in delivered or (read and not in_turn):
                continue
            delivered.add(same)
            mine, understood = prepare(shared, next(NUMBERS))
            status = bring(sending.of(mine, path))
            done = (status, understood())
            if status not in (200, 400) or (not may_fail and done != (200, True)):
                wrong.append((".".join(map(str, path)), *done, variant))
    assert wrong == []


@pytest.mark.parametrize("kind", PREPARE)
def test_the_least_that_can_be_understood(shared: FrontDoor, bring: DeliverRequest, kind: str) -> None:
    """Everything is left out at once that need not be there."""
    body, understood = PREPARE[kind][0](shared, next(NUMBERS))
    assert (bring(least(kind, body)), understood()) == (200, True)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(data=st.data())
def test_nothing_that_is_missing_or_odd_is_an_error_of_ours(shared: FrontDoor, data: st.DataObject) -> None:
    """Up to a dozen fields together, whichever: the request is taken or refused, and is no error in the log."""
    kind = data.draw(st.sampled_from(list(REQUEST_KINDS)))
    body = REQUEST_KINDS[kind]
    for path in data.draw(st.lists(st.sampled_from(list(paths_in(body))), min_size=1, max_size=12)):
        with suppress(LookupError, TypeError, AttributeError):  # an earlier one has taken the place away
            body = with_field(body, path, data.draw(ANYTHING), gone=data.draw(st.booleans()))
    with capture_logs() as said:
        assert deliver_request(shared, body) in (200, 400), body
    assert not [one for one in said if one["log_level"] in ("error", "critical")], body


def test_an_edit_that_tells_no_words_changes_none(front: FrontDoor) -> None:
    """The message is null, or has neither words nor anything else: what was said stays as it was."""
    body, _ = edit(front, 1)
    said = front.rows(InboxEvent)[0].text
    wordless = {name: one for name, one in body["event"]["message"].items() if name not in reading.WORDS}
    for message in (None, {}, {"ts": None}, wordless, {**wordless, "text": None, "files": None}):
        assert deliver_request(front, put(body, event__message=message)) == 200
        assert [row.text for row in front.rows(InboxEvent)] == [said]


@pytest.mark.parametrize("kind", [mention, direct])
def test_what_cannot_be_read_is_left_out_of_a_message(front: FrontDoor, kind: Callable[[FrontDoor, int], Case]) -> None:
    """The rest is heard; that a field was no such thing is logged, once for the process and without what it held."""
    reading._log_once.cache_clear()
    odd = {"files": "SECRET", "attachments": 5, "user_profile": [], "edited": "yes", "blocks": "SECRET", "team": 7.5}
    with capture_logs() as said:
        for number in (1, 2):
            body, understood = kind(front, number)
            assert deliver_request(front, {**body, "event": {**body["event"], **odd}}) == 200
            assert understood()
    assert [(row.text, row.files, row.detail) for row in front.rows(InboxEvent)] == [("locked", [], {})] * 2
    told = [one for one in said if one["event"] == "field.dropped"]
    assert sorted(one["field"] for one in told) == ["event.files", "event.team"]
    assert "SECRET" not in str(said)
    assert {one["log_level"] for one in told} == {"warning"}


def test_who_has_left_is_not_back_by_saying_nothing(front: FrontDoor) -> None:
    """A change of a person that does not tell if they are a member leaves that as it was."""
    body, is_back = member(front, 1)
    for deleted in (None, True):
        assert deliver_request(front, put(body, event__user__deleted=deleted)) == 200
        assert not is_back()


@pytest.mark.parametrize("channel", [HELP, None])
def test_a_command_without_an_address_is_answered_privately(front: FrontDoor, channel: str | None) -> None:
    """Where it was asked, to nobody else; directly, and about them, where Slack does not say where that was."""
    assert (
        front.form(least("command", REQUEST_KINDS["command"]) | ({"channel_id": channel} if channel else {}))[0] == 200
    )
    [said] = front.whispers("U0MAYA") if channel else front.directly("U0MAYA")
    assert ("in this channel" in said, "for you" in said) == (channel is not None, channel is None)


def test_a_shortcut_without_an_address_is_answered_privately(front: FrontDoor) -> None:
    """Below the message that it was used on."""
    ts = front.say("U0IVAN", HELP, "who else was at the fair?")
    asked = put(REQUEST_KINDS["shortcut"], message__ts=ts, message_ts=ts, message__thread_ts=None, response_url=None)
    assert front.payload(asked)[0] == 200
    assert front.whispers("U0MAYA") == [
        "This is not a request to me, so there is nothing to hand over. Mention me in the help channel first."
    ]


def least(kind: str, body: Json) -> Json:
    """Return a request with nothing but what is needed."""
    keep = [way.split(".") for way in ["type", *PREPARE[kind][1].split(), *INSTEAD.get(kind, "").split()]]

    def kept_of(value: Any, at: list[str]) -> Any:
        if isinstance(value, list):
            return [kept_of(one, [*at, str(index)]) for index, one in enumerate(value)]
        if isinstance(value, dict):
            return {name: kept_of(one, [*at, name]) for name, one in value.items() if [*at, name] in keep}
        return value

    kept_fields: Json = kept_of(body, [])
    return kept_fields
