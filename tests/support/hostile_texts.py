"""A ticket in whose every text somebody has put HTML, SVG, CSS and other things that a page could obey."""

from typing import Any

from bot.store import audit
from bot.store.db import Database
from bot.store.figures import drift_checks
from bot.store.figures.drift_checks import DriftReading, Shift
from bot.store.releases import releases
from bot.store.schema import (
    AccountRow,
    DirectoryWrite,
    DriftStream,
    EvalRun,
    Feedback,
    Handoff,
    HandoffMove,
    InboxEvent,
    LedgerRow,
    Message,
    Step,
    Ticket,
    Turn,
    now,
)

PAYLOADS = (
    "<script>window.owned=1</script>",
    '"><img src=x onerror=window.owned=1>',
    "</title></desc></svg><svg onload=window.owned=1>",
    "</pre></style><style>*{display:none}</style>",
    "' onmouseover=window.owned=1 x='",
    "<a href=javascript:window.owned=1>x</a><iframe srcdoc='<script>top.owned=1</script>'>",
    "{{7*7}}${7*7}<!--]]>&lt;b&gt;",
)


class HostileTexts:
    """Gives each field a text of its own, which the page must show as it is."""

    def __init__(self, payload: str) -> None:
        self.payload = payload
        self.given: list[str] = []

    def __call__(self, field: str) -> str:
        """Return the text of a field."""
        self.given.append(f"{field} {self.payload}")
        return self.given[-1]


def write_hostile(database: Database, payload: str) -> HostileTexts:
    """Write down a ticket, and what the overview shows, with a payload in every text; return the texts."""
    text, at = HostileTexts(payload), now()
    place: dict[str, Any] = {"team": "T1", "channel": text("channel"), "thread_ts": "1.1", "private": False}
    with database.write() as session:
        ticket = Ticket(
            id=1,
            agent="access",
            requester=text("requester"),
            account=text("account"),
            state="handed_off",
            assignee=text("assignee"),
            category=text("category"),
            created_at=at,
            **place,
        )
        session.add(ticket)
        session.flush()
        turn = {"release": text("release"), "reason": text("reason"), "category": text("turn category")}
        session.add(Turn(id=1, ticket_id=1, state="done", outcome="handoff", started_at=at, finished_at=at, **turn))
        reply = {"release": text("second release"), "category": text("reply category")}
        session.add(Turn(id=2, ticket_id=1, state="done", outcome="reply", started_at=at, finished_at=at, **reply))
        session.flush()
        session.add(AccountRow(id="acc", email="maya@example.com", name="Maya", status="active"))
        session.flush()
        session.add_all(_of_ticket(text))
        session.flush()
        record = {"tool": text("audited tool"), "decision": text("Decision").lower(), "why": text("why")}
        actor, subject = text("actor"), text("subject")
        audit.append(session, text("event"), actor=actor, subject=subject, ticket_id=1, intent_id=None, **record)
        session.add(HandoffMove(handoff_id=1, move="opened", actor=text("mover"), detail={"to": text("detail")}, at=at))
        fingerprint = text("fingerprint")
        releases.register(session, agent="access", fingerprint=fingerprint, body={})
        reading: dict[str, Any] = {
            "reference_release": text.payload,
            "reference": 500,
            "p_value": 0.1,
            "effect": 0.1,
            "detectable": 0.1,
        }
        moved = (Shift(text("moved"), 0.1, 0.2),)
        reading |= {"stream": DriftStream.OUTCOME, "window": 100, "drifted": True, "moved": moved, "at": at}
        drift_checks.replace(session, "access", fingerprint, [DriftReading(**reading)])
        session.add(EvalRun(release=fingerprint, suite="s", repeats=1, cases=1, started_by=text.payload))
    return text


def _of_ticket(text: HostileTexts) -> list[Any]:
    at, of = now(), {"ticket_id": 1, "turn_id": 1}
    told = {"kind": "message", "team": "T1", "channel": "C0HELP", "received_at": at}
    waited = {"opened_at": at, "waiting_since": at, "open_since": at}
    said = {"role": "user", "content": text("prompt")}
    used = {"type": "tool_use", "name": text("called"), "input": {"why": text("input")}}
    model = {"request": {"messages": [said]}, "response": {"content": [used]}}
    tool = {"request": {"arguments": {"a": text("argument")}}, "response": {"content": {"b": text("result")}}}
    step = {"turn_id": 1, "attempt": 1, "status": "ok", "started_at": at, "finished_at": at}
    spent = {"agent": "access", "team": "T1", "channel": "C0HELP", "user": "U0MAYA", "price_version": "1"}
    return [
        InboxEvent(event_id="Ev1", ts="1.1", user=text("writer"), text=text("words"), **told, **of),
        Step(seq=0, kind="model", name=text("model"), **step, **model),
        Step(seq=1, kind="tool", name=text("tool"), **step, **tool),
        Message(
            key="m1",
            kind="reply",
            lane="l",
            channel="C0HELP",
            body={"text": text("answer")},
            state="failed",
            error=text("error"),
            **of,
        ),
        Handoff(
            id=1,
            ticket_id=1,
            state="open",
            reason=text("handoff reason"),
            summary=text.payload,
            queue_channel="C0Q",
            **waited,
        ),
        Feedback(turn_id=1, user=text("rater"), good=False, words=text("thumb"), at=at),
        DirectoryWrite(
            key="turn:1:1", account_id="acc", action=text("act"), before=text("before"), after=text("after")
        ),
        LedgerRow(
            rid="r1",
            state="settled",
            release="access@1",
            step=0,
            model="m",
            accounts=[],
            reserved_nusd=1,
            cost_nusd=1,
            lease_until=at,
            **spent,
            **of,
        ),
    ]
