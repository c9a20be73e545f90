"""What is told of each move of a handoff: `bot.slack.handoffs.handoff_messages`, as rows and as Slack shows them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.escalation import EscalationAction
from bot.principals import Reason
from bot.sandbox.slack import blocks
from bot.slack.api.client import WebClient
from bot.slack.handoffs import handoff_messages, handoff_transcript, queue_card, relay, transcript
from bot.slack.outbox import enclosures, outbox
from bot.slack.sentences import say
from bot.store.db import Database, Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.outbox import messages
from bot.store.schema import ExpiryCause, Handoff, Message
from bot.store.tickets import tickets
from tests.support import factories
from tests.support.block_checks import check, shown
from tests.support.factories import FIRST, accept, heard, message, rows
from tests.support.local_workspace import LocalWorkspace
from tests.support.told_handoffs import claim_and_tell, open_and_tell, tell_everybody

OURS = ("<@U0MAYA>", "<@U0PRIYA>")
GROUP = "<!subteam^S0ONCALL>"


def kinds(found: Sequence[Message]) -> list[tuple[str, str, str]]:
    """Return what messages are and where they go."""
    return [(one.kind, one.channel, one.lane) for one in found]


def test_everybody_is_told_of_a_handoff_once(database: Database) -> None:
    """Responders get the card and below it the transcript, the requester a notice in their thread; told once."""
    handoff = open_and_tell(database)
    with database.write() as session:
        tell_everybody(session, handoff)
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
    for fact in ("A lost phone.", "look up account", "account is locked", "$0.0015", "Only a person may do this"):
        assert fact in shown(card.body)


def test_what_a_card_leaves_out_stands_first_in_its_thread(database: Database) -> None:
    """The summary to its last word, each step with all that it returned, and the calls: above the transcript."""
    handoff = open_and_tell(database)
    told = " ".join(f"word{number}" for number in range(700))
    with database.write() as session:
        again = session.get_one(Handoff, handoff.id)
        again.summary = told
        again.context = replace(again.context, calls=3, tried=(("look_up_my_account", "status: locked"),) * 9)
        ticket = tickets.lock(session, handoff.ticket_id)
        handoff_messages.show_card(session, again, ticket)
        handoff_transcript.retell(session, again)
    card = shown(message(database, "card:handoff:1").body)
    assert "word5 " in card
    assert "word60" not in card
    below = message(database, "transcript:handoff:1").body
    check(below, ours=OURS)
    first, *rest = below["blocks"]
    assert first["text"]["text"].startswith("*Summary*\n> word0 word1 ")
    text = shown(below)
    assert [word for word in text.split() if word.startswith("word")] == told.split()
    assert text.count("> look up account: status: locked") == 9
    assert "*What it has cost until then*\n> $0.0015 (3 model calls)" in text
    assert [block["type"] for block in rest][-1] == "container"


def test_who_hands_off_what_is_with_people_changes_nothing(database: Database) -> None:
    """What came since is copied below the card, and is not in the transcript too when a line of that is edited."""
    handoff = open_and_tell(database)
    before = [(one.key, one.revision) for one in rows(database, Message)]
    accept(database, heard(2))
    with database.write() as session:
        again = session.get_one(Handoff, handoff.id)
        known = again.context
        tell_everybody(session, again, opens_at=datetime(2026, 11, 23, 8, tzinfo=UTC))
        handoff_transcript.retell(session, again)
        assert again.context == known
    assert [(one.key, one.revision) for one in rows(database, Message)] == before


@pytest.mark.parametrize(("words", "filed"), [(3_000, False), (6_000, True)])
def test_the_transcript_is_complete(database: Database, words: int, *, filed: bool) -> None:
    """Every word of the requester and the agent is in it: in a few messages, or in a file below as many as are read."""
    long = " ".join(f"word{number}" for number in range(words))
    open_and_tell(database, long)
    parts = [one.body for one in rows(database, Message) if one.kind == "transcript"]
    assert [enclosures.is_file(part) for part in parts] == [False] * (len(parts) - 1) + [filed]
    assert 1 < len(parts) <= transcript.MOST
    told = parts[-1]["file"]["content"] if filed else "\n".join(map(shown, parts))
    assert long.split() == [word for word in told.split() if word.startswith("word")]
    for part in parts:
        check(part, ours=OURS)


def test_a_claim_changes_the_card_and_tells_the_requester(database: Database) -> None:
    """The card has who it is and the buttons of a claimed one; the notice loses its button, by a person's leave."""
    handoff = open_and_tell(database)
    assert buttons(database, "notice:handoff:1") == ["handoff.cancel"]
    claim_and_tell(database, handoff)
    card = message(database, "card:handoff:1")
    assert card.revision == 2
    assert "With <@U0PRIYA>" in shown(card.body)
    moves = ["reply", "resolve", "give_back", "reassign", "unclaim"]
    assert buttons(database, "card:handoff:1") == [f"handoff.{move}" for move in moves]
    assert buttons(database, "notice:handoff:1") == []
    told = rows(database, Message)[-1]
    assert (told.kind, told.channel, told.thread_ts, told.bot_voice) == ("claimed", "C0HELP", FIRST.ts, False)
    check(told.body, ours=OURS)


def told_of(database: Database, before: int) -> list[tuple[str, str, bool, str]]:
    """Return what was told since: kind, channel, whether only the bot's voice says it, and the words."""
    found = rows(database, Message)[before:]
    for one in found:
        check(one.body, ours=(*OURS, "<@U0BEN>", GROUP))
    return [(one.kind, one.channel, one.bot_voice, shown(one.body)) for one in found]


def buttons(database: Database, key: str) -> list[str]:
    """Return the action ids of a message's buttons."""
    return [one["action_id"] for _, one in blocks.interactive(message(database, key).body["blocks"])]


Tell = Callable[[Session, Moved], None]
Go = Callable[[Session, int], Moved | NotMoved]
MOVES: dict[str, tuple[Go, Tell, list[str], tuple[str, str], tuple[str, bool, str] | None]] = {
    "unclaimed": (
        lambda session, number: handoffs.unclaim(session, number, "U0PRIYA"),
        lambda session, moved: handoff_messages.unclaimed(session, moved, "U0PRIYA", call=("S0ONCALL",)),
        ["handoff.claim"],
        ("nobody has this now", f"unclaimed this, so nobody has it now. {GROUP} please claim it."),
        ("notice", True, "<@U0PRIYA> could not go on with your request"),
    ),
    "expired": (
        lambda session, number: handoffs.expire(session, number, holder="U0PRIYA", why=ExpiryCause.LEFT),
        lambda session, moved: handoff_messages.expired(
            session, moved, "U0PRIYA", call=("S0ONCALL",), why=ExpiryCause.LEFT
        ),
        ["handoff.claim"],
        ("A claim of it expired.", f"no longer a member of this workspace, so nobody has this now. {GROUP} please"),
        ("notice", True, "<@U0PRIYA> could not go on with your request"),
    ),
    "reassigned": (
        lambda session, number: handoffs.reassign(
            session, number, holder="U0PRIYA", to="U0BEN", by="U0PRIYA", lease_minutes=30
        ),
        lambda session, moved: handoff_messages.reassigned(
            session, moved, by="U0PRIYA", holder="U0PRIYA", why="She knows."
        ),
        [f"handoff.{move}" for move in ("reply", "resolve", "give_back", "reassign", "unclaim")],
        ("With <@U0BEN> until", "<@U0PRIYA> gave it to you.\n> She knows."),
        ("claimed", False, "<@U0BEN> has your request"),
    ),
    "returned": (
        lambda session, number: handoffs.give_back(session, number, "U0PRIYA", note="Go on."),
        lambda session, moved: handoff_messages.returned(session, moved, "U0PRIYA", note="Go on."),
        [],
        ("is back with the agent* · <@U0MAYA> · by <@U0PRIYA>", "which now goes on with:\n> Go on."),
        ("notice", True, "<@U0PRIYA> has looked at this and asked me to go on with it."),
    ),
    "warned": (
        lambda session, number: handoffs.warn(session, number, lease_until=lease(session, number)),
        handoff_messages.warned,
        [f"handoff.{move}" for move in ("reply", "resolve", "give_back", "reassign", "unclaim")],
        ("With <@U0PRIYA> until", "<@U0PRIYA> your claim ends at"),
        None,
    ),
}


def lease(session: Session, number: int) -> datetime:
    """Return when a claim ends."""
    until = session.get_one(Handoff, number).lease_until
    assert until is not None
    return until


@pytest.mark.parametrize("move", MOVES)
def test_each_move_is_told_to_whom_it_concerns(database: Database, move: str) -> None:
    """The card shows how it stands with the buttons that work then; the thread below and the requester's say so."""
    go, tell_of, ids, (standing, note), to_them = MOVES[move]
    handoff = open_and_tell(database)
    claim_and_tell(database, handoff)
    before = len(rows(database, Message))
    with database.write() as session:
        moved = go(session, handoff.id)
        assert isinstance(moved, Moved)
        tell_of(session, moved)
        tell_of(session, moved)  # said again, it is the same
    assert standing in shown(message(database, "card:handoff:1").body)
    assert buttons(database, "card:handoff:1") == ids
    assert buttons(database, "notice:handoff:1") == (["handoff.cancel"] if ids == ["handoff.claim"] else [])
    below, *there = told_of(database, before)
    assert below[:2] == ("move", "C0QUEUE")
    assert note in below[3]
    assert [(kind, ours) for kind, _, ours, _ in there] == ([] if to_them is None else [to_them[:2]])
    assert all(channel == "C0HELP" and to_them is not None and to_them[2] in said for _, channel, _, said in there)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (EscalationAction.REMIND, "Nobody has taken this yet."),
        (EscalationAction.MENTION, f"{GROUP} please claim it."),
        (EscalationAction.TELL, "I have told the requester that nobody has been free yet."),
    ],
)
def test_each_escalation_action_is_told(database: Database, action: EscalationAction, words: str) -> None:
    """Below the card; the requester hears only of the last, with an honest time."""
    handoff = open_and_tell(database)
    before = len(rows(database, Message))
    with database.write() as session:
        moved = handoffs.escalate(session, handoff.id, openings=1, level=0, action=action)
        assert isinstance(moved, Moved)
        handoff_messages.escalated(session, moved, action, call=("S0ONCALL",), expected_minutes=45, reminded=True)
    below, *there = told_of(database, before)
    assert words in below[3]
    said = [(channel, ours, "within about 45 minutes" in words) for _, channel, ours, words in there]
    assert said == ([("C0HELP", True, True)] if action is EscalationAction.TELL else [])


def test_two_claims_are_told_twice(database: Database) -> None:
    """What a move says bears the move's number: the next claim of the same person is news again."""
    handoff = open_and_tell(database)
    for _ in range(2):
        claim_and_tell(database, handoff)
        with database.write() as session:
            moved = handoffs.unclaim(session, handoff.id, "U0PRIYA")
            assert isinstance(moved, Moved)
            handoff_messages.unclaimed(session, moved, "U0PRIYA", call=())
    assert [one.kind for one in rows(database, Message)[3:]] == ["claimed", "move", "notice"] * 2


def test_a_withdrawal_changes_the_notice(database: Database) -> None:
    """The requester reads it where they were told that somebody comes, and gets no second message."""
    handoff = open_and_tell(database, footers=("80 % is used.",))
    before = len(rows(database, Message))
    with database.write() as session:
        moved = handoffs.cancel(session, handoff.id, by="U0MAYA")
        assert isinstance(moved, Moved)
        handoff_messages.cancelled(session, moved)
    assert shown(message(database, "notice:handoff:1").body) == say("handoff.cancelled", "en")
    assert "was withdrawn" in shown(message(database, "card:handoff:1").body)
    assert buttons(database, "card:handoff:1") == buttons(database, "notice:handoff:1") == []
    [(kind, channel, _, said)] = told_of(database, before)
    assert (kind, channel) == ("move", "C0QUEUE")
    assert "no longer needs help" in said


def test_a_resolution_closes_the_card_and_tells_the_requester(database: Database) -> None:
    """What was done is in both; the card keeps only the button that proposes it as a case."""
    handoff = open_and_tell(database)
    claim_and_tell(database, handoff)
    with database.write() as session:
        moved = handoffs.resolve(session, handoff.id, "U0PRIYA", done="New phone.", category="other", agent_could=False)
        assert isinstance(moved, Moved)
        handoff_messages.resolved(session, moved, "U0PRIYA")
    card, told = message(database, "card:handoff:1"), message(database, "resolved:handoff:1")
    assert (card.revision, told.kind, told.bot_voice) == (3, "human_reply", False)
    for body in (card.body, told.body):
        assert "New phone." in shown(body)
    assert buttons(database, "card:handoff:1") == [queue_card.PROPOSE]


def test_small_print_stays_below_the_notice(database: Database) -> None:
    """A claim takes the notice's button and leaves what stands below it."""
    handoff = open_and_tell(database, footers=("80 % is used.",))
    claim_and_tell(database, handoff)
    notice = message(database, "notice:handoff:1").body
    assert [block["type"] for block in notice["blocks"]] == ["section", "context"]
    assert "80 % is used." in shown(notice)


def test_after_hours_the_notice_says_when_people_are_back(database: Database) -> None:
    """Nobody is promised minutes then."""
    opens = datetime(2026, 11, 23, 8, tzinfo=UTC)
    handoff = open_and_tell(database, opens_at=opens)
    notice = shown(message(database, f"notice:handoff:{handoff.id}").body)
    assert f"The team is back <!date^{int(opens.timestamp())}^" in notice
    assert "15 minutes" not in notice


def test_what_a_person_said_is_in_the_next_transcript_under_their_name(database: Database) -> None:
    """A ticket that comes back brings its whole story, and nobody's words pass for the agent's."""
    handoff = open_and_tell(database)
    moved = claim_and_tell(database, handoff)
    with database.write() as session:
        relay.replied(session, moved.handoff, moved.ticket, key="view:V1", text="Try now", user="U0PRIYA")
        relay.replied(session, moved.handoff, moved.ticket, key="view:V2", text="Wrong thread", user="U0PRIYA")
        messages.take_back(session, "human:view:V2")
        handoffs.resolve(session, handoff.id, "U0PRIYA", done="x", category="other", agent_could=False)
    second = factories.hand_off(database, handoff.ticket_id, reason=Reason.REOPENED)
    with database.write() as session:
        tell_everybody(session, second)
    told = shown(message(database, "transcript:handoff:2").body)
    assert "*<@U0MAYA>*" in told
    assert "*<@U0PRIYA>*" in told
    assert "Try now" in told
    assert "Wrong thread" not in told


def test_slack_shows_the_whole_story(database: Database, workspace: LocalWorkspace, client: WebClient) -> None:
    """Delivered to a strict Slack: one card, kept up to date, everything below it in order; the requester's thread."""
    ts = workspace.say("U0MAYA", "C0HELP", "I lost my phone")
    handoff = open_and_tell(database, ts=ts)
    outbox.deliver(database, client)
    moved = claim_and_tell(database, handoff)
    with database.write() as session:
        relay.replied(session, moved.handoff, moved.ticket, key="view:V1", text="On it", user="U0PRIYA")
    outbox.deliver(database, client)
    [card, transcript, copy] = workspace.world.state.channels["C0QUEUE"].messages.values()
    assert "is with a person" in card["text"]
    assert (transcript["thread_ts"], copy["thread_ts"]) == (card["ts"], card["ts"])
    [_, notice, told, said] = workspace.world.state.channels["C0HELP"].messages.values()
    assert {one["thread_ts"] for one in (notice, told, said)} == {ts}
    assert (said["text"], said["username"]) == ("On it", "Priya Nair")
    assert {one.state for one in rows(database, Message)} == {"posted"}
