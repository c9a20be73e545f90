"""What is told of each move of a handoff: `bot.slack.handoff_messages`, as rows and as Slack shows them."""

from collections.abc import Sequence
from dataclasses import replace

from slack_sdk import WebClient

from bot.principals import Reason
from bot.slack import handoff_messages, outbox
from bot.store import handoffs, tickets, turns
from bot.store.db import Database, Session
from bot.store.handoffs import Moved
from bot.store.schema import Handoff, InboxEvent, Message
from tests.bot.sandbox.conftest import Served
from tests.bot.slack.strict import check, shown
from tests.bot.store import scenes
from tests.bot.store.scenes import FIRST, accept, heard, message, rows

OURS = ("<@U0MAYA>", "<@U0PRIYA>")
UNTOLD = Handoff(id=4711, ticket_id=1, queue_channel="C0QUEUE")
"A handoff whose card nobody has told."


def opened(database: Database, text: str = "I cannot sign in", **more: object) -> Handoff:
    """Hand a ticket off and tell everybody."""
    scenes.new_turn(database, replace(FIRST, text=text, **more))  # type: ignore[arg-type]  # fields of a message
    with database.write() as session:
        ticket_id = tickets.lock(session, 1).id
        turns.stop(session, ticket_id)
        handoff = handoffs.open_for(
            session,
            ticket_id,
            turn_id=None,
            reason=Reason.OUT_OF_POLICY,
            summary="A lost phone.",
            context={"tried": [["look_up_my_account", "status: locked"]], "account": "locked", "cost_nusd": 1_500_000},
            queue_channel="C0QUEUE",
            actor="agent:access@1",
        )
        tell(session, handoff)
    return handoff


def tell(session: Session, handoff: Handoff) -> None:
    """Tell everybody of a handoff that was opened."""
    handoff_messages.opened(session, handoff, tickets.lock(session, handoff.ticket_id), expected_minutes=15)


def claimed(database: Database, handoff: Handoff) -> Moved:
    """Let Priya claim it, and tell everybody."""
    with database.write() as session:
        moved = handoffs.claim(session, handoff.id, "U0PRIYA", lease_minutes=30)
        assert isinstance(moved, Moved)
        handoff_messages.claimed(session, moved, "U0PRIYA")
    return moved


def kinds(found: Sequence[Message]) -> list[tuple[str, str, str]]:
    """Return what messages are and where they go."""
    return [(one.kind, one.channel, one.lane) for one in found]


def test_everybody_is_told_of_a_handoff_once(database: Database) -> None:
    """Responders get the card and below it the transcript, the requester a notice in their thread; told once."""
    handoff = opened(database)
    with database.write() as session:
        tell(session, handoff)
    found = rows(database, Message)
    assert kinds(found) == [
        ("card", "C0QUEUE", "handoff:1"),
        ("transcript", "C0QUEUE", "handoff:1"),
        ("notice", "C0HELP", "ticket:1"),
    ]
    card, transcript, notice = found
    assert (transcript.thread_of, notice.thread_ts) == (card.id, FIRST.ts)
    assert [one.bot_voice for one in found] == [False, False, True]  # after a claim nobody need be promised a person
    assert "15 minutes" in shown(notice.body)
    for one in found:
        check(one.body, ours=OURS)
    for fact in ("A lost phone.", "look_up_my_account", "status: locked", "$0.0015", "Only a person may do this"):
        assert fact in shown(card.body)


def test_the_transcript_is_complete(database: Database) -> None:
    """Every word of the requester and the agent is in it, in as many messages as Slack needs."""
    long = " ".join(f"word{number}" for number in range(6_000))
    opened(database, long)
    told = "\n".join(shown(one.body) for one in rows(database, Message) if one.kind == "transcript")
    assert [word for word in long.split() if word not in told] == []
    parts = [one for one in rows(database, Message) if one.kind == "transcript"]
    assert len(parts) > 1
    for part in parts:
        check(part.body, ours=OURS)


def test_a_claim_changes_the_card_and_tells_the_requester(database: Database) -> None:
    """The card has who it is and the buttons of a claimed one; the notice goes to the thread, by a person's leave."""
    handoff = opened(database)
    claimed(database, handoff)
    card = message(database, "card:handoff:1")
    assert card.revision == 2
    assert "With <@U0PRIYA>" in shown(card.body)
    assert [one["action_id"] for one in card.body["blocks"][-1]["elements"]] == ["handoff.reply", "handoff.resolve"]
    told = message(database, "claimed:handoff:1:U0PRIYA")
    assert (told.channel, told.thread_ts, told.bot_voice) == ("C0HELP", FIRST.ts, False)
    check(told.body, ours=OURS)


def test_a_responders_words_go_to_the_requester_and_are_shown_to_responders(database: Database) -> None:
    """Once for their key, under the responder's name, and below the card."""
    moved = claimed(database, opened(database))
    for _ in range(2):
        with database.write() as session:
            handoff_messages.replied(session, moved, key="view:V1", text="Try <now>", user="U0PRIYA")
    with database.read() as session:
        assert [handoff_messages.was_sent(session, key) for key in ("view:V1", "view:V2")] == [True, False]
    said, copy = rows(database, Message)[-2:]
    assert kinds([said, copy]) == [("human_reply", "C0HELP", "ticket:1"), ("copy", "C0QUEUE", "handoff:1")]
    assert (said.body[outbox.AS_USER], said.body["text"]) == ("U0PRIYA", "Try &lt;now&gt;")
    assert copy.thread_of == message(database, "card:handoff:1").id
    assert "Try &lt;now&gt;" in shown(copy.body)


def test_a_requesters_words_are_copied_below_the_card(database: Database) -> None:
    """Each message once, with its files named; nothing is copied where no card was told."""
    handoff = opened(database)
    for number in (2, 3):
        accept(database, heard(number, files=(f"{number}.png",)))
    for _ in range(2):
        with database.write() as session:
            events = [one for one in rows(database, InboxEvent) if one.event_id != "Ev1"]
            handoff_messages.requester_wrote(session, handoff, events)
    copies = [one for one in rows(database, Message) if one.kind == "copy"]
    assert ["2.png" in shown(one.body) for one in copies] == [True, False]
    with database.write() as session:
        handoff_messages.requester_wrote(session, UNTOLD, rows(database, InboxEvent))
    assert len([one for one in rows(database, Message) if one.kind == "copy"]) == 2


def test_a_resolution_closes_the_card_and_tells_the_requester(database: Database) -> None:
    """What was done is in both; the card keeps no button."""
    handoff = opened(database)
    claimed(database, handoff)
    with database.write() as session:
        moved = handoffs.resolve(session, handoff.id, "U0PRIYA", done="New phone.", category="other", agent_could=False)
        assert isinstance(moved, Moved)
        handoff_messages.resolved(session, moved, "U0PRIYA")
    card, told = message(database, "card:handoff:1"), message(database, "resolved:handoff:1")
    assert (card.revision, told.kind, told.bot_voice) == (3, "human_reply", False)
    for body in (card.body, told.body):
        assert "New phone." in shown(body)
    assert [one for one in card.body["blocks"] if one["type"] == "actions"] == []


def test_what_a_person_said_is_in_the_next_transcript_under_their_name(database: Database) -> None:
    """A ticket that comes back brings its whole story, and nobody's words pass for the agent's."""
    handoff = opened(database)
    moved = claimed(database, handoff)
    with database.write() as session:
        handoff_messages.replied(session, moved, key="view:V1", text="Try now", user="U0PRIYA")
        handoffs.resolve(session, handoff.id, "U0PRIYA", done="x", category="other", agent_could=False)
    second = scenes.hand_off(database, handoff.ticket_id, reason=Reason.REOPENED)
    with database.write() as session:
        tell(session, second)
    told = shown(message(database, "transcript:handoff:2:0").body)
    assert "*<@U0MAYA>*" in told
    assert "*<@U0PRIYA>*" in told
    assert "Try now" in told


def test_slack_shows_the_whole_story(database: Database, workspace: Served, client: WebClient) -> None:
    """Delivered to a strict Slack: one card, kept up to date, everything below it in order; the requester's thread."""
    ts = workspace.say("U0MAYA", "C0HELP", "I lost my phone")
    handoff = opened(database, ts=ts)
    outbox.deliver(database, client)
    moved = claimed(database, handoff)
    with database.write() as session:
        handoff_messages.replied(session, moved, key="view:V1", text="On it", user="U0PRIYA")
    outbox.deliver(database, client)
    [card, transcript, copy] = workspace.world.state.channels["C0QUEUE"].messages.values()
    assert "is with a person" in card["text"]
    assert (transcript["thread_ts"], copy["thread_ts"]) == (card["ts"], card["ts"])
    [_, notice, told, said] = workspace.world.state.channels["C0HELP"].messages.values()
    assert {one["thread_ts"] for one in (notice, told, said)} == {ts}
    assert (said["text"], said["username"]) == ("On it", "Priya Nair")
    assert {one.state for one in rows(database, Message)} == {"posted"}
