"""Tickets of the past for a demo: written as rows that nobody has asked, played or paid for."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from bot.store.figures import folding
from bot.store.figures.first_turns import FirstTurn
from bot.store.schema import Step, StepKind, StepStatus, Ticket, TicketState, Turn, TurnOutcome, TurnState

NOBODY, NOWHERE = "U0PAST", "T0PAST"
"The requester and the workspace of these tickets; Slack has no such ids."


def write(
    session: Session, history: Sequence[FirstTurn], *, agent: str, release: str, model: str, channel: str
) -> None:
    """Write down tickets with their first turns and steps; the database gives their ids, whatever `history` says.

    Args:
        session: the open write transaction.
        history: the tickets in the order of their ends; no two end at the same moment.
        agent: the agent that served them.
        release: its release.
        model: the model that answered.
        channel: where they were written.
    """
    tickets = session.scalars(
        insert(Ticket).returning(Ticket.id, sort_by_parameter_order=True),
        [_ticket(one, agent, channel) for one in history],
    ).all()
    turns = session.scalars(
        insert(Turn).returning(Turn.id, sort_by_parameter_order=True),
        [_turn(one, ticket, release) for one, ticket in zip(history, tickets, strict=True)],
    ).all()
    session.execute(
        insert(Step),
        [step for one, turn in zip(history, turns, strict=True) for step in _steps(one, turn, model)],
    )
    ended = [one.finished_at.date() for one in history]
    folding.start_over(
        session, [*ended, *((one.finished_at - timedelta(seconds=one.seconds)).date() for one in history)]
    )


def _ticket(one: FirstTurn, agent: str, channel: str) -> dict[str, object]:
    ends = one.finished_at
    return {
        "team": NOWHERE,
        "channel": channel,
        "thread_ts": f"{ends.timestamp():.6f}",
        "private": False,
        "requester": NOBODY,
        "agent": agent,
        "state": TicketState.RESOLVED,
        "created_at": ends - timedelta(seconds=one.seconds),
        "resolved_at": ends,
    }


def _turn(one: FirstTurn, ticket: int, release: str) -> dict[str, object]:
    began = one.finished_at - timedelta(seconds=one.seconds)
    return {
        "ticket_id": ticket,
        "state": TurnState.DONE,
        "attempt": 1,
        "outcome": TurnOutcome(one.outcome),
        "release": release,
        "created_at": began,
        "started_at": began,
        "finished_at": one.finished_at,
    }


def _steps(one: FirstTurn, turn: int, model: str) -> list[dict[str, object]]:
    """Return the calls of the model, with those of tools after the first ones, one each."""
    steps: list[tuple[StepKind, str]] = []
    for number in range(one.model_calls):
        steps.append((StepKind.MODEL, model))
        steps += [(StepKind.TOOL, tool) for tool in one.tools[number : number + 1]]
    steps += [(StepKind.TOOL, tool) for tool in one.tools[one.model_calls :]]
    return [
        {
            "turn_id": turn,
            "seq": seq,
            "attempt": 1,
            "kind": kind,
            "name": name,
            "status": StepStatus.OK,
            "request": {},
            "response": {"content": [], "usage": {"model": model}},
            "started_at": one.finished_at,
            "finished_at": one.finished_at,
            "output_tokens": one.output_tokens if seq == 0 else 0,
        }
        for seq, (kind, name) in enumerate(steps)
    ]
