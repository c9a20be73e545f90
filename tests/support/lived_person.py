"""A database in which one person has been everything: requester, responder, approver, owner; beside two neighbours.

Maya asks in private and in a channel, answers Noah as a responder, and decides about a call for him. Lena has nothing
to do with her. What is written here is what the processes write, row by row.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase

from bot.store import audit
from bot.store import schema as s
from bot.store.audit import people
from bot.store.db import Database, Session
from tests.support.factories import everything

HER, HELPED, UNRELATED, HER_ADDRESS, HER_NAME = (
    "U0MAYA",
    "U0NOAH",
    "U0LENA",
    "maya.lindqvist@example.com",
    "Maya Lindqvist",
)
SHE_ASKED, SHE_ANSWERED, SHE_DENIED = (
    "my xylophone does not open the door",
    "I have put the quince right",
    "the papaya is not hers",
)
TELLING = (
    HER,
    "D0MAYA",
    "Lindqvist",
    "lindqvist",
    "acc-maya",
    "xylophone",
    "quince",
    "papaya",
    "1700000777",
    "EvMaya",
)
"What shows a trace of Maya."
LONG_BEFORE = datetime(2026, 9, 1, 9, tzinfo=UTC)
LATER = LONG_BEFORE + timedelta(days=31)
HELPED_TICKET, UNRELATED_TICKET = 3, 4
"The tickets of the neighbours."


class LivedIn:
    """Writes the rows down, each with what the columns without a default need."""

    def __init__(self, session: Session) -> None:
        """Begin."""
        self.session = session

    def add(self, table: type[DeclarativeBase], **values: Any) -> Any:
        """Add a row and return it."""
        row = table(**values)
        self.session.add(row)
        self.session.flush()
        return row

    def ticket(self, number: int, user: str, channel: str, *, said: str, ts: str) -> None:
        """Add a ticket that the agent has answered and then handed off, with all that hangs on it."""
        place = {"team": "T1", "channel": channel}
        account = f"acc-{user[2:].lower()}"
        self.add(
            s.Ticket,
            id=number,
            thread_ts=ts,
            private=channel.startswith("D"),
            requester=user,
            agent="access",
            **place,
            account=account,
            state="resolved",
            category="locked",
            created_at=LONG_BEFORE,
            resolved_at=LONG_BEFORE,
        )
        done = {"state": "done", "outcome": "handoff", "release": "access@1", "finished_at": LONG_BEFORE}
        self.add(s.Turn, id=number, ticket_id=number, created_at=LONG_BEFORE, **done)
        self.add(
            s.InboxEvent,
            event_id=f"Ev{user[2:].title()}{number}",
            kind="message",
            ts=ts,
            user=user,
            text=said,
            **place,
            ticket_id=number,
            turn_id=number,
            files=[{"name": f"{said}.png", "link": None}],
            detail={"quoted": [{"by": user, "kind": "forwarded", "text": said}]},
            received_at=LONG_BEFORE,
        )
        prompt = {"messages": [{"role": "user", "content": f"<{user}> {said}"}], "system": "Help."}
        answer = {"content": [{"type": "text", "text": f"You say: {said}"}], "usage": {"model": "m"}, "ok": True}
        self.step(number, 0, "model", prompt, answer)
        called = {"intent": 1, "decision": "Allow", "arguments": {"account": account}}
        result = {"content": {"status": "locked", "name": f"{account} of {user}"}, "ok": True, "ends": None}
        self.step(number, 1, "tool", called, result)
        self.handoff(number, user, said=said)
        self.message(f"reply:turn:{number}", "reply", number, channel, body={"text": f"As you say: {said}"}, ts=ts)
        self.add(s.Feedback, turn_id=number, user=user, good=False, words=said, at=LONG_BEFORE)
        sampled = {"turn_id": number, "ticket_id": number, "agent": "access", "release": "access@1"}
        scored = {"failures": [["one_answer", said]], "judgement": {"tone": 4, "because": said}}
        week = {"week": "2026-08-31", "finished_at": LONG_BEFORE, "kept_for": "loop", "draw": 0.5}
        self.add(s.Sample, **sampled, **week, **scored)
        self.approval(number, user, account, said=said)
        self.money(number, user, channel)
        self.add(s.Requester, team="T1", user=user, heard_at=LONG_BEFORE)

    def step(self, turn: int, seq: int, kind: str, request: Any, response: Any) -> None:
        """Add a finished step of a turn."""
        of = {"turn_id": turn, "seq": seq, "attempt": 1, "kind": kind, "name": "look_up_my_account", "status": "ok"}
        self.add(s.Step, **of, request=request, response=response, cost_nusd=7, input_tokens=3)

    def message(self, key: str, kind: str, ticket: int | None, channel: str, *, body: Any, **more: Any) -> None:
        """Add a message that was posted."""
        sent = {"key": key, "kind": kind, "lane": f"lane:{channel}", "ticket_id": ticket, "channel": channel}
        self.add(s.Message, **sent, body=body, state="posted", shown_revision=1, created_at=LONG_BEFORE, **more)

    def handoff(self, ticket: int, user: str, *, said: str) -> None:
        """Add the handoff of a ticket, which Maya has claimed and resolved, unless it is Lena's."""
        holder = HER if user == HELPED else "U0PRIYA"
        done = SHE_ANSWERED if user == HELPED else "done"
        context = s.HandoffContext(tried=(("look_up", said),), account_reason=said, cost_nusd=7, calls=1)
        times = {"waiting_since": LONG_BEFORE, "opened_at": LONG_BEFORE, "closed_at": LONG_BEFORE}
        self.add(
            s.Handoff,
            id=ticket,
            ticket_id=ticket,
            turn_id=ticket,
            reason="requested",
            state="resolved",
            **{"summary": f"{user} says: {said}", "context": context, "queue_channel": "C0QUEUE", **times},
            claimed_by=holder,
            resolution={"done": done, "category": "locked", "agent_could": False},
        )
        for move, detail in (("claimed", {}), ("reassigned", {"to": holder, "holder": "U0BEN"}), ("resolved", {})):
            self.add(s.HandoffMove, handoff_id=ticket, move=move, actor=holder, detail=detail, at=LONG_BEFORE)
        self.message(f"card:handoff:{ticket}", "card", ticket, "C0QUEUE", body={"text": f"<@{user}>: {said}"})
        draft = s.CaseDraft(says=said, why=f"of {user}")
        proposed = {"handoff_id": ticket, "ticket_id": ticket, "assignee": holder, "proposed_by": holder}
        self.add(s.CaseProposal, agent="access", draft=draft, **proposed)

    def approval(self, number: int, user: str, account: str, *, said: str) -> None:
        """Add a denied approval of a ticket, decided by Maya if it is Noah's."""
        decider = HER if user == HELPED else "U0PRIYA"
        evidence = s.ApprovalEvidence(name=f"{account} of {user}", status_reason=said)
        hashes = {"arguments_sha256": "0", "policy_sha256": "0", "account_version": f"{account} hashed"}
        self.add(
            s.Approval,
            id=number,
            ticket_id=number,
            turn_id=number,
            step=1,
            intent_id=number,
            agent="access",
            **{"release": "access@1", "team": "T1", "requester": user, "tool": "reset_second_factor", **hashes},
            arguments={"factor": said},
            account_id=account,
            plan=[f"Reset {account}"],
            evidence=evidence,
            second_step="code",
            expires_minutes=30.0,
            state="denied",
            decided_by=decider,
            reason=SHE_DENIED if decider == HER else "no",
            link=f"https://example.slack.com/archives/C0HELP/p{number}",
            created_at=LONG_BEFORE,
        )
        detail = {"to": decider}
        self.add(s.ApprovalMove, approval_id=number, what="denied", actor=decider, detail=detail, at=LONG_BEFORE)
        manager = {"manager": "acc-maya" if user == HELPED else "acc-ceo"}
        answered = {"answered_by": decider, "words": SHE_DENIED if decider == HER else "no", **manager}
        asked = {"approval_id": number, "kind": "manager", "state": "refused", "asked_of": decider}
        self.add(s.Proof, **asked, **answered, expires_at=LONG_BEFORE, asked_at=LONG_BEFORE)
        self.add(s.AccountWatch, approval_id=number, began_at=LONG_BEFORE)

    def money(self, number: int, user: str, channel: str) -> None:
        """Add a paid call, and a cap that it passed."""
        keys = [f"budget:a:user:{user}:2026-09-01", f"budget:a:channel:{channel}:2026-09-01"]
        charged = {"rid": f"r{number}", "state": "settled", "team": "T1", "channel": channel, "user": user}
        of = {"agent": "access", "release": "access@1", "ticket_id": number, "turn_id": number, "step": 0}
        money = {"model": "m", "price_version": "1", "reserved_nusd": 9, "cost_nusd": 7 + number, "accounts": keys}
        self.add(s.LedgerRow, **charged, **of, **money, at=LONG_BEFORE, lease_until=LONG_BEFORE)
        window = {"window_start": LONG_BEFORE, "resets_at": LONG_BEFORE, "limit_nusd": 1, "spent_nusd": 2}
        cap = {"account": f"user:{user}:2026-09-01", "scope": "user", "holder": user, **window}
        self.add(s.BudgetNotice, **cap, percent=80 + number, turn_id=number, at=LONG_BEFORE)
        review = {"held_nusd": 0, "needed_nusd": 3, "agent": "access", "channel": channel, "user": user}
        decided = {"state": "denied", "decided_by": HER if user == HELPED else "U0OLIVIA"}
        why = SHE_DENIED if user == HELPED else "enough"
        self.add(s.BudgetReview, **cap, **review, **decided, why=why, ticket_id=number, opened_at=LONG_BEFORE)
        write = {"account": f"acc-{user[2:].lower()}", "tool": "unlock", "ticket_id": number, "turn_id": number}
        self.add(s.AccountWrite, **write, step=1, state="done", at=LONG_BEFORE)
        if not self.session.get(s.BoundedAccount, write["account"]):
            self.add(s.BoundedAccount, account=write["account"])

    def person(self, user: str, address: str, name: str) -> None:
        """Add what is known of somebody beside tickets, and their account with what hangs on it."""
        account = f"acc-{user[2:].lower()}"
        owned = {"id": account, "email": address, "slack_user": user, "name": name, "status": "active"}
        self.add(s.AccountRow, **owned, factors=[])
        self.add(s.SignInRow, account_id=account, at=LONG_BEFORE, ok=True)
        self.add(s.AccountSession, account_id=account, device="a laptop", began_at=LONG_BEFORE)
        self.add(s.MemberRow, user=user, said={"id": user, "email": address}, asked_at=LONG_BEFORE)
        self.add(s.SpokenLanguage, user=user, locale="sv-SE")
        self.add(s.Home, user=user, team="T1", opened_at=LONG_BEFORE, due_at=LONG_BEFORE)
        self.add(s.Departed, user=user, at=LONG_BEFORE)
        self.add(s.Approver, user=user, secret="sealed", enrolled_by="operator", enrolled_at=LONG_BEFORE)
        self.add(s.DashboardLink, id=f"link-{user}", user=user, expires_at=LONG_BEFORE, made_at=LONG_BEFORE)
        self.add(s.DashboardSession, hash=f"hash-{user}", user=user, expires_at=LONG_BEFORE, opened_at=LONG_BEFORE)

    def office(self, owner: str) -> None:
        """Add what an owner does for an agent."""
        self.add(s.AgentRow, name="access", reviewed_by=owner)
        self.add(s.Suspension, agent="access", cause=SHE_ANSWERED, by=owner, over_by=owner, over_at=LONG_BEFORE)
        self.add(s.Release, fingerprint="access@1", agent="access", body={})
        signed = {
            "owner": owner,
            "reason": SHE_DENIED,
            "ends_at": LONG_BEFORE,
            "revoked_by": owner,
            "revoked_at": LONG_BEFORE,
        }
        self.add(s.Waiver, release="access@1", suite="1", run_id=1, **signed)
        self.add(s.Promotion, agent="access", number=1, release="access@1", suite="1", by=owner)
        card = f"owners: [{owner}]\n"
        sha = hashlib.sha256(card.encode()).hexdigest()
        self.add(s.FileText, sha=sha, text=card)
        self.add(s.KeptFile, owner="access@1", name="card.yaml", sha=sha)
        self.add(s.EvalRun, release="access@1", suite="1", repeats=1, cases=1, started_by=owner, shown_to=owner)
        counted = {"good": 1, "good_found": 1, "bad": 1, "bad_found": 1}
        self.add(s.JudgeCalibration, agent="access", model="m", judge="j", **counted, by=owner)
        self.add(s.OwnerAlert, agent="access", kind="loop", subject="x", detail={"how": f"{owner} asked twice"})
        self.message(f"digest:week:{owner}", "digest", None, owner, body={"text": f"<@{owner}> spent 3"})
        self.message(f"limit:T1:{owner}:9", "only_you", None, "C0HELP", body={"text": "Later."}, user=owner)

    def answers(self) -> None:
        """Let Maya answer Noah in his ticket, with every copy of that."""
        place = {"team": "T1", "channel": "C0QUEUE", "ts": "1700000777.000300", "user": HER}
        draft = {"detail": {"handoff": HELPED_TICKET}, "state": "sent", "received_at": LONG_BEFORE}
        self.add(
            s.InboxEvent,
            event_id="EvMaya300",
            kind="draft",
            text=SHE_ANSWERED,
            ticket_id=HELPED_TICKET,
            **place,
            **draft,
        )
        self.message(
            "human:300", "human_reply", HELPED_TICKET, "C0HELP", body={"text": SHE_ANSWERED, "username": HER_NAME}
        )
        self.message("sent:300", "copy", HELPED_TICKET, "C0QUEUE", body={"text": f"{HER_NAME}: {SHE_ANSWERED}"})
        prompt = {"messages": [{"role": "user", "content": f"A colleague wrote: {SHE_ANSWERED}"}]}
        self.step(HELPED_TICKET, 2, "model", prompt, {"content": [], "usage": {}})
        asks = {"kind": "command", "channel": "C0HELP", "user": HER, "text": "/agent-cost quince"}
        self.add(s.InboxEvent, event_id="EvMaya301", team="T1", **asks, state="answered", received_at=LONG_BEFORE)


def lived_in(database: Database) -> None:
    """Fill a database."""
    with database.write() as session:
        house = LivedIn(session)
        for user, address, name in (
            (HER, HER_ADDRESS, HER_NAME),
            (HELPED, "noah@example.com", "Noah Berg"),
            (UNRELATED, "lena@example.com", "Lena Roth"),
        ):
            house.person(user, address, name)
        house.ticket(1, HER, "D0MAYA", said=SHE_ASKED, ts="1700000777.000100")
        session.query(s.Requester).delete()
        session.query(s.BoundedAccount).delete()
        house.ticket(2, HER, "C0HELP", said=SHE_ASKED, ts="1700000777.000200")
        house.ticket(HELPED_TICKET, HELPED, "C0HELP", said="my badge is gone", ts="1700000555.000100")
        house.ticket(UNRELATED_TICKET, UNRELATED, "C0HELP", said="I am locked out", ts="1700000555.000200")
        if session.get_bind().dialect.name == "postgresql":  # which has not numbered these rows itself
            for table in ("tickets", "turns", "handoffs", "approvals"):
                session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 9)"))
        house.office(HER)
        house.answers()
        audit.append(session, "ticket.resolved", actor=HER, subject=HELPED, ticket_id=HELPED_TICKET)
        about: dict[str, Any] = {
            "account": people.of_person("acc-maya"),
            "in_answer_to": ["D0MAYA", "1700000666.000100"],
        }
        claims = {"sub": f"slack:T1:{HER}", "req": {"channel": "D0MAYA"}}
        audit.append(session, "tool.intended", actor="agent:access@1", subject=HER, ticket_id=1, **about, claims=claims)


def traces(database: Database, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return the rows with a trace of Maya, by table, without some tables."""
    found = {name: [str(row) for row in rows if shows(row)] for name, rows in everything(database).items()}
    return {name: rows for name, rows in found.items() if rows and name not in but}


def shows(row: dict[str, Any]) -> bool:
    """Return whether a row has a trace of Maya."""
    return any(trace in str(row) for trace in TELLING)
