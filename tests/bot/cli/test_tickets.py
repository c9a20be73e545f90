"""`deskhand ticket`: everything that happened to one ticket, as a page and as JSON."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.cli import main
from bot.principals import Reason
from bot.store import audit, db
from bot.store.db import Database
from bot.store.installation import revisions
from bot.store.outbox import messages
from bot.store.schema import (
    AccountRow,
    DirectoryWrite,
    Feedback,
    InboxKind,
    LedgerRow,
    MessageKind,
    StepKind,
    StepStatus,
    now,
)
from bot.store.tickets import steps, ticket_history, tickets
from bot.stories.ticket_story import HEARD, SAID, TicketStory
from tests.support.factories import FIRST, accept, finish, hand_off, heard, new_turn, running
from tests.support.handoff_moves import move


@pytest.fixture
def lived(database: Database) -> Database:
    """A ticket that the agent unlocked, that went to a person, and whose requester was not pleased."""
    turn = new_turn(database)
    attempt = running(database, turn)
    tool = "unlock_my_account"
    with database.write() as session:
        session.add(AccountRow(id="acc", email="maya@example.com", name="Maya", status="active"))
        session.flush()
        intent = audit.append(
            session, "tool.intended", actor="agent:access@1", subject=FIRST.user, ticket_id=1, tool=tool,
            decision="Allowed", why="granted by the card",
        )  # fmt: skip
        steps.start(session, attempt, seq=1, kind=StepKind.TOOL, name=tool, request={})
    with database.write() as session:
        steps.finish(session, attempt, seq=1, status=StepStatus.OK, response={"content": {"status": "active"}})
        audit.append(session, "tool.finished", actor="agent:access@1", ticket_id=1, intent_id=intent)
        session.add(
            DirectoryWrite(key=f"turn:{turn}:1", account_id="acc", action="unlock", before="locked", after="active")
        )
        session.add(LedgerRow(
            rid="r1", state="settled", team="T1", channel="C0HELP", user="U0MAYA", agent="access", release="access@1",
            ticket_id=1, turn_id=turn, step=0, model="m", price_version="1", accounts=[], reserved_nusd=9,
            cost_nusd=1_200_000, lease_until=now(),
        ))  # fmt: skip
        body = {"text": "Your account is open\x1b[2J again."}
        messages.add(
            session, key="reply:turn:1", kind=MessageKind.REPLY, lane="l", channel="C0HELP", body=body, ticket_id=1
        )
        session.add(Feedback(turn_id=turn, user="U0MAYA", good=False, words="still locked"))
    finish(database, attempt)
    hand_off(database, 1)
    move(database, "claim", "U0PRIYA")
    accept(database, heard(2, text="are you there?"))
    return database


def test_the_page_has_each_thing_that_happened_in_order(lived: Database) -> None:
    """Words, turns, tools, audit, directory, handoff, thumb and cost, each once, with names where they are known."""
    with lived.read() as session:
        history = ticket_history.of_ticket(session, 1)
    assert history is not None
    head, _, rows = (
        TicketStory(history, {"U0MAYA": "Maya Okafor", "U0PRIYA": "Priya"}).text().partition("\ntimes are UTC\n")
    )
    assert head.startswith("Ticket 1: handed off, with Priya\n  requester  Maya Okafor\n")
    assert "cost       $0.0012 in 1 model call\n  handoff 1  claimed, requested" in head
    for once in (
        "Maya Okafor     wrote: I cannot sign in",
        "turn 1 begins",
        "audit 1: tool.intended unlock_my_account for Maya Okafor (allowed: granted by the card)",
        "calls unlock_my_account: ok",
        "audit 2: tool.finished, closes 1",
        "unlock: locked -> active",
        "answered (stored): Your account is open[2J again.",
        "turn 1 ends: reply by access@1",
        "thumb down: still locked",
        "Priya           handoff 1 claimed",
        "wrote: are you there?",
    ):
        assert rows.count(once) == 1, (once, rows)
    stamps = re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", rows, re.MULTILINE)
    assert len(stamps) == len(rows.splitlines())
    assert stamps == sorted(stamps)


def test_what_happened_is_told_in_words_and_not_by_the_names_of_classes_and_states(database: Database) -> None:
    """A call that waits for an approver, one whose result nobody saw, and a handoff with its reason and its moves."""
    turn = new_turn(database)
    attempt = running(database, turn)
    tool = "reset_second_factor"
    with database.write() as session:
        why = "an approver has not decided yet"
        audit.append(
            session, "tool.intended", actor="agent:access@1", ticket_id=1, tool=tool, decision="NeedsApproval", why=why
        )
        steps.start(session, attempt, seq=1, kind=StepKind.TOOL, name=tool, request={})
    with database.write() as session:
        steps.finish(session, attempt, seq=1, status=StepStatus.UNSEEN, response={})
    finish(database, attempt)
    hand_off(database, 1, reason=Reason.OUT_OF_POLICY)
    move(database, "claim", "U0PRIYA")
    with database.read() as session:
        history = ticket_history.of_ticket(session, 1)
    assert history is not None
    text = TicketStory(history).text()
    assert "tool.intended reset_second_factor (left to an approver: an approver has not decided yet)" in text
    assert "calls reset_second_factor: its result was not seen" in text
    assert "handoff 1  claimed, out of policy" in text


def test_the_json_has_every_row(lived: Database) -> None:
    """Each list of it is as long as its table; times are UTC, amounts nano-USD."""
    with lived.read() as session:
        history = ticket_history.of_ticket(session, 1)
        assert history is not None
        told = json.loads(json.dumps(ticket_history.as_json(history)))
    counted = {name: len(rows) for name, rows in told.items() if isinstance(rows, list)}
    assert counted == {
        "heard": 2, "turns": 1, "steps": 1, "messages": 1, "handoffs": 1, "moves": 2, "writes": 1, "feedback": 1,
        "audit": counted["audit"], "calls": 1, "approvals": 0,
    }  # fmt: skip
    assert counted["audit"] >= 2
    assert told["cost_nusd"] == told["calls"][0]["cost_nusd"] == 1_200_000
    assert datetime.fromisoformat(told["ticket"]["created_at"]).utcoffset() == timedelta(0)
    assert told["ticket"]["requester"] == "U0MAYA"


def test_a_ticket_is_found_by_any_message_of_it(lived: Database) -> None:
    """A request, a later message and an answer lead to it; a place where nothing was said does not."""
    with lived.write() as session:
        said = messages.by_key(session, "reply:turn:1")
        assert said is not None
        said.ts = "1700000009.000009"
    for ts in (FIRST.ts, heard(2).ts, "1700000009.000009"):
        with lived.read() as session:
            found = ticket_history.of_message(session, "C0HELP", str(ts))
            assert found is not None
            assert found.ticket.id == 1
            assert ticket_history.of_message(session, "C0HELP", "1.000000") is None
            assert ticket_history.of_message(session, "C0OTHER", str(ts)) is None


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An installation with one ticket, for the command."""
    folder = tmp_path_factory.mktemp("installed")
    url = f"sqlite:///{folder / 'deskhand.db'}"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATABASE_URL", url)
    revisions.migrate(url)
    database = db.connect(url)
    with database.write() as session:
        tickets.accept(session, FIRST, agent="access")
    yield database
    database.close()


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr("sys.argv", ["deskhand", "ticket", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


LINK = f"https://example.slack.com/archives/C0HELP/p{FIRST.ts.replace('.', '')}?thread_ts={FIRST.ts}&cid=C0HELP"


@pytest.mark.usefixtures("installed", "quiet_logs")
@pytest.mark.parametrize("which", ["1", LINK])
def test_the_command_takes_a_number_or_a_link(
    which: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both show the same ticket, as text and as JSON."""
    assert run(monkeypatch, which) == 0
    assert capsys.readouterr().out.startswith("Ticket 1: open\n")
    assert run(monkeypatch, which, "--json") == 0
    assert json.loads(capsys.readouterr().out)["ticket"]["id"] == 1


@pytest.mark.usefixtures("installed", "quiet_logs")
@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("2", "there is no ticket 2; the newest is 1"),
        ("0", "there is no ticket 0; the newest is 1"),
        ("9" * 30, "the newest is 1"),
        ("C0HELP", "expected the number of a ticket or the link of a Slack message, found 'C0HELP'"),
        ("-1", "No such option"),
        ("https://example.slack.com/archives/C0HELP/p1700000099000001", "no message of a ticket is at"),
    ],
)
def test_what_is_no_ticket_is_one_sentence(
    which: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what was expected, and which ticket is the newest."""
    assert run(monkeypatch, which) == 2
    assert said in capsys.readouterr().err


def test_the_history_is_of_no_other_ticket(lived: Database) -> None:
    """A second ticket shares nothing with the first."""
    new_turn(lived, heard(7, thread_ts=None, ts="1700000777.000001", user="U0SAM"))
    with lived.read() as session:
        other = ticket_history.of_ticket(session, 2)
        assert other is not None
        told = ticket_history.as_json(other)
    assert [event["user"] for event in told["heard"]] == ["U0SAM"]
    assert told["cost_nusd"] == 0
    assert not any(told[name] for name in ("messages", "handoffs", "moves", "writes", "feedback", "audit", "calls"))
    assert datetime.now(UTC) > datetime.fromisoformat(told["ticket"]["created_at"])


def test_every_kind_of_event_and_message_has_its_words() -> None:
    """None of them stops the page of a ticket, whichever kinds are still to come."""
    assert (set(HEARD), set(SAID)) == (set(InboxKind), set(MessageKind))
