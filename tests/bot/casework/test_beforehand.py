"""What a turn comes to before the agent plays it: `bot.casework.beforehand`."""

import time
from pathlib import Path

import pytest

from bot.agent.thanks import Tone, tone_of
from bot.store.handoffs import handoffs
from bot.store.schema import Handoff, Message, Ticket
from tests.support.product_harness import LOCKED, Place, end_worker
from tests.support.workspace_names import BOT, HELP


def _resolved_by_a_person(place: Place) -> str:
    """Let a person have had a ticket to its end; return its thread."""
    ts = place.asks("U0LENA", f"<@{BOT}> I lost my phone")
    with place.front.database.write() as session:
        handoff = place.last_handoff().id
        handoffs.claim(session, handoff, "U0PRIYA", lease_minutes=30)
        handoffs.resolve(session, handoff, "U0PRIYA", done="New factor.", category="factor", agent_could=False)
    return ts


def test_whoever_comes_back_to_a_persons_ticket_gets_a_person(place: Place) -> None:
    """A new handoff that names the old one, without asking the model."""
    ts = _resolved_by_a_person(place)
    calls, first = len(place.calls()), place.last_handoff().id
    place.asks("U0LENA", "it still does not work", thread_ts=ts)
    again = place.last_handoff()
    assert (again.reason, again.previous_id, again.state) == ("reopened", first, "open")
    assert len(place.calls()) == calls
    assert place.front.rows(Ticket)[0].contradicted_at is not None


def test_a_screenshot_alone_reopens_too(place: Place) -> None:
    """A file without a word is no thank-you."""
    ts = _resolved_by_a_person(place)
    file = {"id": "F1", "name": "still-broken.png", "title": "still-broken.png", "mimetype": "image/png"}
    event = {
        "type": "message",
        "subtype": "file_share",
        "user": "U0LENA",
        "channel": HELP,
        "text": "",
        "ts": f"{time.time():.6f}",
    }
    place.front.event({**event, "thread_ts": ts, "files": [file]}, event_id="Ev1FILE")
    place.work()
    assert place.last_handoff().reason == "reopened"


@pytest.mark.parametrize(
    "words", ["Thank you so much! :+1:", "works again, thanks <@U0PRIYA>!", "Vielen Dank, Priya", "works like a charm"]
)
def test_thanks_fetch_nobody(place: Place, words: str) -> None:
    """A friendly word, no model call, no new handoff, and the ticket stays resolved, however often it is said."""
    ts = _resolved_by_a_person(place)
    calls = len(place.calls())
    for _ in range(2):
        place.asks("U0LENA", words, thread_ts=ts)
    assert place.thread("U0LENA", ts)[-2:] == ["You're welcome."] * 2
    assert len(place.calls()) == calls
    assert len(place.front.rows(Handoff)) == 1
    assert place.front.rows(Ticket)[0].state == "resolved"


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        ("thanks a zillion, the gizmo hums", []),
        ("back to square one", ["reopened"]),
        ("thanks but it is locked", ["reopened"]),
    ],
)
@pytest.mark.parametrize("able", [True, False])
def test_what_code_cannot_tell_a_model_judges(
    place: Place, config: Path, words: str, reasons: list[str], *, able: bool
) -> None:
    """By one call, and only then: a "but" is clear. Without a model that may serve, a person looks again."""
    ts, calls = _resolved_by_a_person(place), len(place.calls())
    if not able:
        _suspend(place, config)
    place.asks("U0LENA", words, thread_ts=ts)
    unclear = tone_of(words) is Tone.UNCLEAR
    assert [row.reason for row in place.front.rows(Handoff)][1:] == (reasons if able else ["reopened"])
    assert len(place.calls()) == calls + (unclear and able)
    assert place.thread("U0LENA", ts)[-1].startswith(
        "You're welcome." if able and not reasons else "Thank you for writing again"
    )


def test_who_resolved_it_is_thanked_in_peace_and_can_be_asked_again(place: Place) -> None:
    """What begins with their name is theirs: the agent keeps out of thanks, and more than thanks opens it again."""
    ts = _resolved_by_a_person(place)
    said = len(place.thread("U0LENA", ts))
    place.asks("U0LENA", "<@U0PRIYA> thank you so much!", thread_ts=ts)
    assert (len(place.thread("U0LENA", ts)), place.front.rows(Ticket)[0].state) == (said, "resolved")
    place.asks("U0LENA", "<@U0PRIYA> it is still locked", thread_ts=ts)
    assert (place.last_handoff().reason, place.front.rows(Ticket)[0].state) == ("reopened", "handed_off")


def test_thanks_for_what_the_agent_did_need_neither_model_nor_release(place: Place, config: Path) -> None:
    """They contradict nothing, and fetch no person because the agent may not serve by now."""
    ts = place.asks("U0MAYA", LOCKED)
    calls = len(place.calls())
    _suspend(place, config)
    place.asks("U0MAYA", "Perfect, I'm back in. Thanks!", thread_ts=ts)
    [ticket] = place.front.rows(Ticket)
    assert place.thread("U0MAYA", ts)[-1] == "You're welcome."
    answers = [row.body["blocks"][-1]["type"] for row in place.front.rows(Message) if row.kind == "reply"]
    assert answers == ["context_actions", "markdown"]  # nobody is asked to judge a courtesy
    assert (ticket.state, ticket.contradicted_at, place.front.rows(Handoff)) == ("resolved", None, [])
    assert len(place.calls()) == calls


@pytest.mark.parametrize("barred", ["unevaluated", "suspended"])
@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        ("Thank you so much!", []),
        ("it still does not work", ["reopened"]),
        ("I want to talk to a person", ["reopened"]),
    ],
)
def test_a_ticket_that_a_person_resolved_needs_no_release(
    bare: Place, config: Path, barred: str, words: str, reasons: list[str]
) -> None:
    """Whoever comes back is thanked, or their ticket is reopened, though the agent may not serve."""
    ts = _resolved_by_a_person(bare)
    if barred == "suspended":
        _suspend(bare, config)
    bare.asks("U0LENA", words, thread_ts=ts)
    assert [row.reason for row in bare.front.rows(Handoff)][1:] == reasons
    assert (bare.thread("U0LENA", ts)[-1] == "You're welcome.") == (not reasons)


@pytest.mark.parametrize("barred", ["unevaluated", "suspended"])
def test_who_wants_a_person_is_told_just_that(bare: Place, config: Path, barred: str) -> None:
    """They get what they asked for, and read nothing of a release that may not serve."""
    if barred == "suspended":
        _suspend(bare, config)
    ts = bare.asks("U0MAYA", f"<@{BOT}> I want to talk to a person")
    assert bare.last_handoff().reason == "requested"
    assert bare.thread("U0MAYA", ts)[0].startswith("Of course.")


def _suspend(place: Place, config: Path) -> None:
    file = config / "agents/access/card.yaml"
    file.write_text(file.read_text().replace("status: active", "status: suspended"))
    end_worker(place.ctx)
