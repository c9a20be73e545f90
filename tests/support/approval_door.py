"""An approval between the web door and a workspace: opened for a real request, posted, pressed and filled in."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.casework import approvals as casework
from bot.principals import ProofKind
from bot.sandbox.slack import blocks
from bot.slack.approvals import approval_messages
from bot.store.approvals import approvals
from bot.store.schema import Approval, AuditRow, Message, Proof, Turn, now
from bot.store.tickets import threads
from jobs import undeliverable
from tests.support.approval_rows import REQUEST, call_of
from tests.support.approver_codes import APPROVER_KEY
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.workspace_names import BOT, HELP, QUEUE

NAMED = re.compile(r"approvers: \[[^\]]*\]")
TWO_APPROVERS = "approvers: [U0PRIYA, U0BEN]"


@contextmanager
def approvals_opened(
    environ: pytest.MonkeyPatch, folder: Path, *, database_url: str, redis_url: str
) -> Iterator[FrontDoor]:
    """Serve the door of an agent with two approvers, and a key that opens their secrets."""
    shutil.copytree(CONFIG, folder / "config")
    file = folder / "config/agents/access/card.yaml"
    written, found = NAMED.subn(TWO_APPROVERS, file.read_text("utf-8"))
    assert found == 1
    file.write_text(written, "utf-8")
    environ.setenv("DESKHAND_APPROVER_KEY", APPROVER_KEY)
    with web_opened(environ, database_url=database_url, redis_url=redis_url, config=folder / "config") as front:
        yield front


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str, redis_url: str) -> Iterator[FrontDoor]:
    """Serve the door of an agent with two approvers on a real Redis and SQLite."""
    with approvals_opened(monkeypatch, tmp_path, database_url=sqlite_url, redis_url=redis_url) as opened:
        yield opened


@dataclass(frozen=True)
class AskedApproval:
    """An approval that was opened for a request, as people see it."""

    front: FrontDoor
    approval_id: int
    turn_id: int
    requester: str

    def row(self) -> Approval:
        """Return the approval as it is now."""
        [found] = [one for one in self.front.rows(Approval) if one.id == self.approval_id]
        return found

    def state(self) -> tuple[str, str | None]:
        """Return its state, and who decided it."""
        row = self.row()
        return row.state, row.decided_by

    def proof(self) -> Proof:
        """Return the newest proof."""
        return [one for one in self.front.rows(Proof) if one.approval_id == self.approval_id][-1]

    def card(self) -> Json:
        """Return the card as it stands in the queue channel now."""
        return self._message(approval_messages.card_key(self.approval_id), "U0PRIYA")

    def notice(self) -> Json:
        """Return the notice as it stands in the requester's thread now."""
        return self._message(approval_messages.notice_key(self.approval_id), self.requester)

    def question(self) -> Json:
        """Return the question as it stands in the manager's conversation now."""
        proof = self.proof()
        return self._message(approval_messages.question_key(proof.id), str(proof.asked_of))

    def press(self, user: str, action: str, message: Json | None = None, **more: Any) -> None:
        """Press a button of a message as it was when it was read, by default of the card now."""
        seen = self.card() if message is None else message
        block = next(block for block, one in blocks.interactive(seen["blocks"]) if one["action_id"] == action)
        where = {"channel": seen["channel"], "ts": seen["ts"], "block_id": block, "action_id": action}
        self.front.act("click", user, **{**where, **more})
        self.front.work()

    def refused(self) -> list[tuple[str, str, str]]:
        """Return who was refused what, and why, in the audit log."""
        found = [row for row in self.front.rows(AuditRow) if row.event == "approval.refused"]
        return [(row.actor, row.record["act"], row.record["why"]) for row in found]

    def waits(self) -> bool:
        """Return whether its turn still waits."""
        [turn] = [one for one in self.front.rows(Turn) if one.id == self.turn_id]
        return turn.suspended

    def time_is_up(self) -> None:
        """Let its time be over, without any clock that has looked."""
        with self.front.database.write() as session:
            session.execute(update(Approval).where(Approval.id == self.approval_id).values(expires_at=now()))

    def ask(self, kind: ProofKind, **more: Any) -> Proof:
        """Ask for a proof."""
        with self.front.database.write() as session:
            proof = casework.ask_proof(session, self.approval_id, kind, **{"asked_of": None, "minutes": 10, **more})
        assert proof is not None
        self.deliver()
        return proof

    def deliver(self) -> None:
        """Say what is stored to be said."""
        undeliverable.deliver(self.row().ticket_id)
        self.front.work()

    def _message(self, key: str, reader: str) -> Json:
        with self.front.database.read() as session:
            row = session.scalars(select(Message).where(Message.key == key)).one()
        seen = self.front.sees(reader)["messages"]
        [found] = [one for said in seen.values() for one in said if one["ts"] == row.ts]
        return {**found, "channel": row.channel}


def ask_approval(
    front: FrontDoor, requester: str = "U0LENA", *, account_id: str = "acc-lena", **changes: Any
) -> AskedApproval:
    """Let somebody ask for what needs an approval; approvers are asked at once unless it is said otherwise."""
    ts = front.say(requester, HELP, f"<@{BOT}> I lost my phone. Please reset my second factor.")
    with front.database.write() as session:
        ticket = threads.ticket_at(session, HELP, ts)
        assert ticket is not None
        turn = session.scalars(select(Turn).where(Turn.ticket_id == ticket.id)).one()
        session.execute(update(Turn).where(Turn.id == turn.id).values(suspended_at=now()))
        request = replace(REQUEST, **{"needs_proof": False, **changes})
        call = call_of(turn.id, account_id=account_id)
        asked = approvals.open_for(session, ticket.id, call, request, intent_id=1)
        casework.opened(session, asked.id, queue_channel=QUEUE)
        opened = AskedApproval(front, asked.id, turn.id, requester)
    opened.deliver()
    return opened
