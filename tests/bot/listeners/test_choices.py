"""A direct message that several agents could answer: its writer chooses one, and nothing is lost or said twice."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.casework import choices
from bot.queue import RUN_TURN
from bot.slack.requesters.choices import CHOOSE
from bot.store.schema import InboxEvent, InboxKind, Message, Ticket, Turn
from jobs import undeliverable
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.web_steps import answer_newest_turn, let_time_pass, write_directly
from tests.support.workspace_names import HELP

LINES = ("hi", "I need a licence", "for Figma")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Return a configuration with a second agent that hears direct messages."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    folder = Path(shutil.copytree(config / "agents/access", config / "agents/software"))
    known = yaml.safe_load((folder / "card.yaml").read_text())
    known |= {"name": "software", "purpose": "Gets you software.", "channels": ["C0RANDOM"]}
    known["handoff"] |= {"queue_channel": "C0SHARED"}
    (folder / "card.yaml").write_text(yaml.safe_dump(known))
    return config


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, two: Path) -> Iterator[FrontDoor]:
    """Open the door to two agents."""
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=two) as front:
        yield front


def asked(front: FrontDoor, user: str = "U0MAYA") -> list[Json]:
    """Return the questions that stand in somebody's direct conversation."""
    undeliverable.deliver(0)
    where = front.act("dm", user)["channel"]
    return [one for one in front.sees(user)["messages"].get(where, []) if one.get("bot_id")]


def press(front: FrontDoor, question: Json, agent: str, user: str = "U0MAYA", **more: Any) -> Json:
    """Press the button of an agent."""
    [block] = [one for one in question["blocks"] if one.get("accessory", {}).get("value") == agent]
    place = {"channel": front.act("dm", user)["channel"], "ts": question["ts"], "block_id": block["block_id"]}
    return front.act("click", user, **place, action_id=CHOOSE, **more)


def kinds(front: FrontDoor) -> list[str]:
    return [row.kind for row in front.rows(InboxEvent)]


def test_the_first_agent_gets_nothing_by_accident(front: FrontDoor) -> None:
    """What is written is kept and asked about, once for lines one below the other: one button an agent."""
    write_directly(front, *LINES)
    assert (kinds(front), front.rows(Ticket), front.jobs(RUN_TURN)) == ([InboxKind.UNASSIGNED] * 3, [], [])
    [question] = asked(front)
    offered = {block["accessory"]["value"]: block["text"]["text"] for block in question["blocks"][1:]}
    purpose = "Gets people who cannot sign in back into their own account."
    assert offered == {"access": purpose, "software": "Gets you software."}
    assert question["thread_ts"] == front.rows(InboxEvent)[0].ts


def test_the_choice_takes_all_of_it_to_one_request(front: FrontDoor) -> None:
    """One ticket of the agent that was chosen, in the thread of the first line; one turn that answers every line."""
    write_directly(front, *LINES)
    press(front, asked(front)[0], "software")
    [ticket], [turn] = front.rows(Ticket), front.rows(Turn)
    assert (ticket.agent, ticket.private, ticket.thread_ts) == ("software", True, front.rows(InboxEvent)[0].ts)
    assert [(one.kind, one.text, one.turn_id) for one in front.rows(InboxEvent)] == [
        ("message", line, turn.id) for line in LINES
    ]
    assert set(front.jobs(RUN_TURN)) == {turn.id}
    [question] = asked(front)
    assert question["text"] == "Thank you, this is for Software. The answer comes here."
    assert [block["type"] for block in question["blocks"]] == ["section"]


def test_two_presses_are_one_request(front: FrontDoor) -> None:
    """At once or one after the other, for the same agent or for another: the second finds nothing left to pass on."""
    write_directly(front, *LINES)
    [question] = asked(front)
    with ThreadPoolExecutor(4) as hands:
        list(hands.map(lambda name: press(front, question, name, forge=True), ["software", "access"] * 2))
    assert len(front.rows(Ticket)) == len(front.rows(Turn)) == 1
    assert kinds(front) == ["message"] * 3
    undeliverable.deliver(0)
    told = [one.body["text"] for one in front.rows(Message) if one.kind == "only_you"]
    assert told == ["There is nothing left to pass on here. If you still need help, please write again."] * 3


def test_an_open_request_goes_on_without_a_question(front: FrontDoor) -> None:
    """By its thread, and by the line below: a question of the agent's is answered to that agent."""
    first, *_ = write_directly(front, *LINES)
    press(front, asked(front)[0], "software")
    answer_newest_turn(front)
    where = front.act("dm", "U0MAYA")["channel"]
    front.say("U0MAYA", where, "the free one", thread_ts=first)
    answer_newest_turn(front)
    write_directly(front, "and for my colleague")
    assert {one.agent for one in front.rows(Ticket)} == {"software"}
    assert (len(front.rows(Ticket)), len(asked(front)), kinds(front)) == (1, 1, ["message"] * 5)


def test_what_comes_after_an_answer_is_asked_about_but_for_thanks(front: FrontDoor) -> None:
    """It may be another matter; chosen for the same agent it is the same request, for another one its own."""
    write_directly(front, *LINES)
    press(front, asked(front)[0], "software")
    answer_newest_turn(front)
    front.resolve_all()
    write_directly(front, "thank you!")
    assert (len(front.rows(Ticket)), kinds(front).count(InboxKind.UNASSIGNED)) == (1, 0)
    answer_newest_turn(front)
    front.resolve_all()
    write_directly(front, "and I can't sign in")
    assert kinds(front).count(InboxKind.UNASSIGNED) == 1
    press(front, asked(front)[-1], "access")
    assert [one.agent for one in front.rows(Ticket)] == ["software", "access"]
    write_directly(front, "since this morning")
    assert [one.ticket_id for one in front.rows(InboxEvent)][-2:] == [2, 2]


def test_it_is_asked_again_when_the_question_is_old(front: FrontDoor) -> None:
    """Who comes back later sees it below what they write; a press on either takes all of it."""
    write_directly(front, "hi")
    let_time_pass(front, choices.ASKED_FOR + timedelta(hours=1))
    write_directly(front, "I need a licence")
    old, new = asked(front)
    press(front, old, "software")
    assert kinds(front) == ["message"] * 2
    press(front, new, "software")
    assert len(front.rows(Ticket)) == 1


def test_it_follows_edits_and_deletions(front: FrontDoor) -> None:
    """Before a choice is made: what is passed on is what stands there by then."""
    ts, gone = write_directly(front, "I need a licnce", "never mind")
    where = front.act("dm", "U0MAYA")["channel"]
    front.act("edit", "U0MAYA", channel=where, ts=ts, text="I need a licence")
    front.act("delete", "U0MAYA", channel=where, ts=gone)
    press(front, asked(front)[0], "software")
    assert [one.text for one in front.rows(InboxEvent)] == ["I need a licence"]


def test_what_a_browser_makes_up_chooses_nothing(front: FrontDoor) -> None:
    """An agent that is none, or one that hears no direct messages, gets nothing; the words stay where they are."""
    write_directly(front, *LINES)
    press(front, asked(front)[0], "software", forge=True, value="admin")
    assert (kinds(front), front.rows(Ticket)) == ([InboxKind.UNASSIGNED] * 3, [])
    press(front, asked(front)[0], "software")
    assert [one.agent for one in front.rows(Ticket)] == ["software"]


def test_somebody_else_cannot_choose(front: FrontDoor) -> None:
    """Only what the one who presses has written in that conversation is passed on."""
    write_directly(front, *LINES)
    write_directly(front, "me too", user="U0LENA")
    press(front, asked(front, "U0LENA")[0], "access", user="U0LENA")
    assert [(one.requester, one.agent) for one in front.rows(Ticket)] == [("U0LENA", "access")]
    assert kinds(front).count(InboxKind.UNASSIGNED) == 3


def test_a_flood_is_bounded(front: FrontDoor) -> None:
    """What waits for a choice has the bound that one person's messages have."""
    for number in range(3):
        write_directly(front, *(f"line {number}-{one}" for one in range(34)))
    assert kinds(front) == [InboxKind.UNASSIGNED] * 100


def test_channels_are_asked_about_by_nobody(front: FrontDoor) -> None:
    """There the channel says whose they are."""
    front.say("U0MAYA", HELP, "I am locked out of my account")
    assert [one.agent for one in front.rows(Ticket)] == ["access"]
