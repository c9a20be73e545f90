"""The books of one turn, as the processes keep them, and the same without one row."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import DeclarativeBase

from bot.store import audit
from bot.store import schema as s
from bot.store.db import Session

LONG_AGO = datetime(2026, 9, 1, 9, tzinfo=UTC)
PLACE = {"team": "T1", "channel": "C0HELP"}
BY = {"agent": "access", "release": "access@1"}


class _Books:
    """Writes the rows of one turn, one claim and one approval, as the processes do; a test leaves one of them out."""

    def __init__(self, session: Session, left_out: str | None) -> None:
        self.session, self.left_out = session, left_out

    def row(self, table: type[DeclarativeBase], **values: Any) -> None:
        """Add a row."""
        if table.__tablename__ != self.left_out:
            self.session.execute(insert(table).values(**values))

    def record(self, event: str, *, intent_id: int | None = None, **record: Any) -> int:
        """Add a record; return its number, and one that no record has if it is left out."""
        if event == self.left_out:
            return 999
        about: dict[str, Any] = {"actor": "agent:access@1", "ticket_id": 1, "intent_id": intent_id, **record}
        return audit.append(self.session, event, **about)


def keep_books(session: Session, left_out: str | None = None) -> None:
    """Write down a turn that unlocked an account and answered, a handoff that was claimed, a used approval."""
    books = _Books(session, left_out)
    books.row(
        s.Ticket, id=1, **PLACE, thread_ts="1.0", private=False, requester="U0MAYA", agent="access", created_at=LONG_AGO
    )
    outcome = "handoff" if left_out == "outcome" else "reply"
    ended = {"state": "done", "outcome": outcome, "finished_at": LONG_AGO}
    books.row(s.Turn, id=1, ticket_id=1, created_at=LONG_AGO, **({} if left_out == "end" else ended))
    asked = {"turn_id": 1, "attempt": 1, "request": {}, "response": {}, "status": "ok", "started_at": LONG_AGO}
    books.row(s.Step, seq=0, kind="model", name="m", **asked)
    state = "sent" if left_out == "settlement" else "settled"
    paid: dict[str, Any] = {"rid": "r1", "user": "U0MAYA", "model": "m", "price_version": "1", "accounts": []}
    of = {"ticket_id": 1, "turn_id": 1, "step": 0, "reserved_nusd": 9, "at": LONG_AGO, "lease_until": LONG_AGO}
    books.row(s.LedgerRow, state=state, **PLACE, **BY, **paid, **of)
    intent = books.record("tool.intended", turn=1, step=1, tool="unlock_my_account")
    written = {"account": "acc-maya", "tool": "unlock_my_account", "ticket_id": 1, "turn_id": 1, "step": 1}
    books.row(s.AccountWrite, state="done", at=LONG_AGO, **written)
    session.execute(
        insert(s.AccountRow).values(id="acc-maya", email="m@x.example", name="M", status="active", factors=[])
    )
    changed = {"account_id": "acc-maya", "action": "unlock", "before": "locked", "after": "active"}
    for key in ("turn:1:1", "turn:1:1:totp"):  # a change of the account, and one of a factor
        books.row(s.DirectoryWrite, key=key, at=LONG_AGO, **changed)
    books.record("tool.finished", intent_id=intent, tool="unlock_my_account", agreement="matched")
    said = {"ticket_id": 1, "channel": "C0HELP", "body": {"text": "Done."}, "created_at": LONG_AGO, "state": "posted"}
    if left_out != "reply":
        books.row(s.Message, key="reply:turn:1", kind="reply", lane="a", turn_id=1, ts="2.0", **said)
    times = {"waiting_since": LONG_AGO, "opened_at": LONG_AGO, "queue_channel": "C0QUEUE"}
    books.row(s.Handoff, id=1, ticket_id=1, turn_id=1, reason="requested", summary="Help.", **times)
    if left_out != "card":
        books.row(s.Message, key="card:handoff:1", kind="card", lane="b", handoff_id=1, ts="3.0", **said)
    for number, move in enumerate(("opened", "claimed", "unclaimed", "claimed")):
        if f"second {move}" != left_out or number < 2:
            books.record(f"handoff.{move}", handoff=1)
        books.row(s.HandoffMove, handoff_id=1, move=move, actor="U0PRIYA", detail={}, at=LONG_AGO)
    call = {"ticket_id": 1, "turn_id": 1, "step": 1, "intent_id": intent, "tool": "unlock_my_account", "arguments": {}}
    hashes = {"arguments_sha256": "0", "policy_sha256": "0", "account_version": "0", "second_step": "code"}
    wanted = {"team": "T1", "requester": "U0MAYA", "state": "used", "expires_minutes": 9.0, "created_at": LONG_AGO}
    session.execute(insert(s.Approval).values(id=1, **BY, **call, **hashes, **wanted))
    for what in ("opened", "approved", "used"):
        books.record(f"approval.{what}", approval=1)
        books.row(s.ApprovalMove, approval_id=1, what=what, actor="U0PRIYA", detail={}, at=LONG_AGO)
