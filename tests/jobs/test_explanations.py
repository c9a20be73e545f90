"""The message shortcut "Why did this happen?": a page for owners, a sentence for all others: `jobs.explanations`."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.slack.sentences import say
from bot.store.schema import AuditRow, InboxEvent, InboxKind, Message, MessageKind
from tests.support.block_checks import check
from tests.support.product_harness import LOCKED, Place, put_agent
from tests.support.workspace_names import HELP, QUEUE, RANDOM, TEAM

OWNER = "U0OLIVIA"


def asks_why(place: Place, user: str, channel: str, ts: str) -> None:
    """Let somebody use the shortcut on a message, as the workspace sends it."""
    place.front.act("shortcut", user, channel=channel, ts=ts, callback_id="why_did_this_happen")
    place.front.work()


def answers(place: Place) -> list[Message]:
    """Return the answers to shortcuts, in order."""
    return [one for one in place.front.rows(Message) if one.key.startswith("response:event:")]


def events(place: Place) -> list[tuple[str, str, Any]]:
    """Return what the audit log has of it: event, actor, and what was explained or why not."""
    rows = [one for one in place.front.rows(AuditRow) if one.event.startswith("explanation.")]
    return [(one.event, one.actor, one.record.get("thing") or one.record.get("why")) for one in rows]


def test_an_owner_gets_the_page_of_any_message_as_a_direct_message(place: Place) -> None:
    """Of the request, of the answer and of the queue card; nobody else sees anything of it, in the channel neither."""
    ts = place.asks("U0MAYA", LOCKED)
    seen = place.front.sees("U0MAYA")["messages"][HELP]
    [reply] = [one for one in place.front.rows(Message) if one.kind is MessageKind.REPLY]
    place.asks("U0LENA", f"{LOCKED}, and I want to talk to a person")
    [card] = [one for one in place.front.rows(Message) if one.kind is MessageKind.CARD]
    for channel, at in ((HELP, ts), (HELP, str(reply.ts)), (QUEUE, str(card.ts))):
        asks_why(place, OWNER, channel, at)
    pages = place.front.directly(OWNER)[-3:]
    assert [page.partition(".")[0] for page in pages] == [
        "Turn 1, which ended in reply",
        "Turn 1, which ended in reply",
        "Ticket 2 of access is handed off",
    ]
    first = answers(place)[0].body
    check(first, ours=("<@U0MAYA>", f"<#{HELP}>", "<@U0OLIVIA>"))
    shown = json.dumps(first["blocks"], ensure_ascii=False)
    assert "<@U0MAYA>" in shown
    assert "owned by <@U0OLIVIA>" in shown
    assert "“I am locked out of my account”" in shown
    assert "deskhand audit explain turn:1" in shown
    assert [one["text"] for one in place.front.sees("U0MAYA")["messages"][HELP]][: len(seen)] == [
        one["text"] for one in seen
    ]
    assert place.front.whispers(OWNER) == place.front.whispers("U0MAYA") == []
    given = [("explanation.given", OWNER, thing) for thing in ("turn:1", "turn:1", "ticket:2")]
    assert events(place) == given


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA", "U0IVAN"])
def test_all_others_read_one_sentence(place: Place, user: str) -> None:
    """The requester of the message, a responder and a bystander learn nothing; the refusal is in the audit log."""
    ts = place.asks("U0MAYA", LOCKED)
    asks_why(place, user, HELP, ts)
    assert place.front.whispers(user) == [say("explain.owners_only", "en")]
    assert events(place) == [("explanation.refused", user, "not a responder")]
    assert len(place.front.directly(user)) == 0


def test_an_owner_of_another_agent_reads_the_same_sentence(place: Place) -> None:
    """They own an agent, and not the one whose message it is: that it is known is not told either."""
    ts = place.asks("U0MAYA", LOCKED)
    access = place.ctx.agents["access"]
    put_agent(place.ctx, replace(access, card=access.card.model_copy(update={"name": "vpn", "owners": ("U0BEN",)})))
    asks_why(place, "U0BEN", HELP, ts)
    assert place.front.whispers("U0BEN") == [say("explain.owners_only", "en")]
    assert events(place) == [("explanation.refused", "U0BEN", "not a responder")]
    assert place.front.directly("U0BEN") == []


def test_a_message_of_no_request_is_nothing_that_is_known(place: Place) -> None:
    """An owner is told so, to them alone."""
    ts = place.front.say("U0IVAN", RANDOM, "good morning")
    asks_why(place, OWNER, RANDOM, ts)
    assert place.front.whispers(OWNER) == [say("explain.nothing", "en")]
    assert events(place) == [("explanation.given", OWNER, None)]


def test_a_question_that_is_sent_three_times_is_answered_once(place: Place) -> None:
    """Slack sends a request again when it has not heard of the first."""
    ts = place.asks("U0MAYA", LOCKED)
    payload = {
        "type": "message_action",
        "callback_id": "why_did_this_happen",
        "trigger_id": "1.2.abc",
        "team": {"id": TEAM},
        "user": {"id": OWNER, "team_id": TEAM},
        "channel": {"id": HELP, "name": "help"},
        "message": {"type": "message", "ts": ts, "text": "locked"},
        "message_ts": ts,
    }
    for _ in range(3):
        assert place.front.payload(payload)[0] == 200
    place.front.work()
    assert [one.kind for one in place.front.rows(InboxEvent)].count(InboxKind.WHY) == 1
    assert len(answers(place)) == 1
    assert len(place.front.directly(OWNER)) == 1
    assert events(place) == [("explanation.given", OWNER, "turn:1")]
