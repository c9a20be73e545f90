"""The metrics by name, and what counts them: `bot.telemetry.metrics`."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.principals import Reason
from bot.store import db
from bot.store.db import Database
from bot.store.money import ledger
from bot.store.money.ledger import CallTokens, Used
from bot.store.schema import LedgerRow, LedgerState, Purpose, TurnOutcome
from bot.store.tickets import turns
from bot.telemetry import metrics
from tests.support.factories import finish, hand_off, new_turn, running
from tests.support.metric_values import counted, label_names, samples

OF_THE_DESIGN = {
    "agent_requests_total": {"outcome"},
    "agent_request_duration_seconds_count": set(),
    "agent_turns_count": set(),
    "agent_tool_calls_total": {"tool", "status"},
    "agent_llm_tokens_total": {"direction", "cache"},
    "agent_llm_cost_usd_total": set(),
    "agent_handoffs_total": {"reason"},
    "agent_loop_detected_total": set(),
    "agent_budget_stops_total": {"scope"},
    "agent_release_info": {"release", "model", "verdict"},
    "agent_eval_pass_ratio": {"suite"},
    "agent_eval_pass_hat_k": {"suite", "k"},
    "agent_drift_p_value": {"stream", "window"},
    "rq_jobs": {"queue", "status"},
    "rq_workers": {"name", "queues", "state"},
}
"The names that dashboards of others already use; the last two are those of rq-exporter."


def ledger_row(rid: str, *, reserved: int, at: datetime) -> LedgerRow:
    """Return the row of a call that is about to leave."""
    return LedgerRow(
        rid=rid,
        state=LedgerState.SENT,
        team="T0",
        channel="C0HELP",
        user="U0MAYA",
        agent="access",
        release="access@1",
        purpose=Purpose.TURN,
        ticket_id=None,
        turn_id=None,
        step=0,
        model="stand-in-1",
        price_version="1",
        accounts=[],
        reserved_nusd=reserved,
        at=at,
        lease_until=at + timedelta(minutes=2),
    )


def test_the_metrics_have_the_agreed_names_and_labels() -> None:
    """A renamed metric or label would leave a dashboard empty without a word."""
    metrics.know_tools(["look_up_my_account"])
    found = label_names()
    assert {name: found.get(name) for name in OF_THE_DESIGN} == OF_THE_DESIGN


def test_no_label_is_a_persons_a_threads_or_a_tickets() -> None:
    """Such a label would tell a metrics store who asked for help, and would have a series for each of them."""
    allowed = {
        *("outcome", "tool", "status", "direction", "cache", "reason", "scope", "result", "process", "version"),
        *("release", "model", "verdict", "suite", "k", "queue", "queues", "name", "state", "age", "source", "le"),
        *("stream", "window", "cause"),
    }
    assert {label for labels in label_names().values() for label in labels} <= allowed


def test_what_has_not_happened_yet_is_counted_as_nothing() -> None:
    """Each known label stands at 0 before its first count, so that `increase()` sees the first one."""
    found = samples()
    expected = {
        *(f"agent_requests_total{{outcome={one}}}" for one in TurnOutcome),
        *(f"agent_handoffs_total{{reason={one}}}" for one in Reason),
        *(f"agent_budget_stops_total{{scope={one}}}" for one in ("channel", "user", "team", "agent")),
        *(f"deskhand_messages_total{{result={one}}}" for one in ("posted", "delayed", "unconfirmed", "rejected")),
        *(f"deskhand_refused_requests_total{{reason={one}}}" for one in ("signature", "slow", "http", "connections")),
        "agent_llm_tokens_total{cache=read,direction=input}",
        "agent_loop_detected_total",
        "agent_llm_cost_usd_total",
    }
    assert expected <= found.keys()


def test_a_turn_is_counted_when_its_end_is_committed(database: Database) -> None:
    """With its outcome, once, and with how long it took."""
    attempt = running(database, new_turn(database))
    with counted() as since:
        finish(database, attempt, TurnOutcome.REPLY)
        seen = since()
    assert seen["agent_requests_total{outcome=reply}"] == 1
    assert seen["agent_request_duration_seconds_count"] == 1
    assert seen["agent_turns_count"] == 1
    assert 0 <= seen["agent_request_duration_seconds_sum"] < 60


def broken_end(session: db.Session, attempt: turns.Attempt) -> None:
    """End a turn, and fail before it is committed."""
    turns.finish(session, attempt, outcome=TurnOutcome.HANDOFF, reason="error", category=None, release="access@1")
    raise ZeroDivisionError


def test_what_is_rolled_back_is_not_counted(database: Database) -> None:
    """A turn whose end could not be committed ends again, and only that end counts."""
    attempt = running(database, new_turn(database))
    with counted() as since:
        with pytest.raises(ZeroDivisionError), database.write() as session:
            broken_end(session, attempt)
        assert since() == {}
        with database.write() as session:
            stopped = turns.stop(session, attempt.ticket.id)
            assert stopped == attempt.turn_id
        assert since() == {"agent_requests_total{outcome=withdrawn}": 1}


def test_what_follows_a_commit_is_done_once(database: Database) -> None:
    """And in its order, after the rows are there for others."""
    done: list[str] = []
    with database.write() as session:
        db.after_commit(session, lambda: done.append("first"))
        db.after_commit(session, lambda: done.append("second"))
        assert done == []
    assert done == ["first", "second"]


def test_a_handoff_is_counted_by_its_reason(database: Database) -> None:
    """Whoever opens it; a ticket that people have already opens no second one."""
    attempt = running(database, new_turn(database))
    with counted() as since:
        hand_off(database, attempt.ticket.id, reason=Reason.BUDGET)
        hand_off(database, attempt.ticket.id, reason=Reason.REQUESTED)
        assert since() == {"agent_handoffs_total{reason=budget}": 1}


def test_money_is_counted_once_and_whatever_becomes_of_a_call(database: Database) -> None:
    """What is settled counts at its cost with its tokens; what is charged at its worst case counts at that."""
    at = datetime.now(UTC)
    with database.write() as session:
        for rid in ("settled", "lost"):
            ledger.record(session, ledger_row(rid, reserved=5_000_000_000, at=at))
    used = Used(CallTokens(fresh=10, cache_read=20, cache_write_5m=3, cache_write_1h=4, output=50))
    with counted() as since:
        for _ in range(2):
            with database.write() as session:
                ledger.settle(session, "settled", cost_nusd=1_500_000_000, used=used, at=at)
        assert since() == {
            "agent_llm_cost_usd_total": 1.5,
            "agent_llm_tokens_total{cache=none,direction=input}": 10,
            "agent_llm_tokens_total{cache=read,direction=input}": 20,
            "agent_llm_tokens_total{cache=write,direction=input}": 7,
            "agent_llm_tokens_total{cache=none,direction=output}": 50,
        }
        for _ in range(2):
            with database.write() as session:
                ledger.charge_overdue(session, at + timedelta(hours=1))
        assert since()["agent_llm_cost_usd_total"] == 6.5
