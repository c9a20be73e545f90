"""The spans of a turn: its model calls, its tools, its handoff and its messages in Slack, each the child of the turn.

A span is a record that is made when its work has ended, and handed on without waiting. While no traces are made,
nothing of it is. No span holds what people or the model wrote: only names of ours, counts and ids.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Literal, NamedTuple, Self

from bot.telemetry import attributes as named
from bot.telemetry.trace_ids import TraceIds
from bot.telemetry.turn_record import RECORD, TurnTrace, Value

Kind = Literal["internal", "client"]
NANOSECONDS = 1_000_000_000
_NOTHING: Mapping[str, Value] = MappingProxyType({})


class SpanRecord(NamedTuple):
    """A span that has ended; times are nanoseconds since 1970. A tuple, which is made in a tenth of the time."""

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    kind: Kind
    started_ns: int
    ended_ns: int
    own: Mapping[str, Value]
    shared: Mapping[str, Value] = _NOTHING
    "Further attributes, the very object that other spans of its turn have too: it is encoded once for all of them."

    @property
    def attributes(self) -> dict[str, Value]:
        """Return all that it says."""
        return {**self.shared, **self.own}


@dataclass(frozen=True, slots=True)
class Tracing:
    """How this process makes traces."""

    ids: TraceIds
    take: Callable[[SpanRecord], None]
    "Takes a span that has ended; it neither waits nor raises."


@dataclass(slots=True)
class _Switch:
    tracing: Tracing | None = None


_SWITCH = _Switch()


def switch(tracing: Tracing | None) -> None:
    """Make traces from now on, or none."""
    _SWITCH.tracing = tracing


@dataclass(slots=True)
class OpenSpan:
    """Work of a turn that is under way.

    Leaving the block ends it, with the class of the error if one was raised.
    """

    tracing: Tracing | None
    turn_id: int
    name: str
    kind: Kind
    attributes: dict[str, Value]
    "Its own."
    shared: Mapping[str, Value]
    "Those that it has from its turn."
    started_ns: int = field(default_factory=time.time_ns)

    def __enter__(self) -> Self:
        """Begin it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End it."""
        if self.tracing is None:
            return
        if kind is not None:
            self.attributes[named.ERROR_TYPE] = kind.__name__
        _emit(self.tracing, self)

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        if self.tracing is not None:
            self.attributes.update(attributes)

    def drop(self) -> None:
        """Make no span of it: nothing was done after all."""
        self.tracing = None


_NONE = OpenSpan(None, 0, "", "internal", {}, _NOTHING, 0)
"What stands for a span while no traces are made."


def of_turn(turn_id: int, *, ticket_id: int, attempt: int, agent: str, release: str, model: str) -> TurnTrace | None:
    """Return which trace the spans of a turn belong to; None while no traces are made."""
    tracing = _SWITCH.tracing
    if tracing is None:
        return None
    about: dict[str, Value] = {
        named.PROVIDER: named.ANTHROPIC,
        named.AGENT_NAME: agent,
        named.AGENT_ID: agent,
        named.AGENT_VERSION: release,
        named.CONVERSATION: tracing.ids.conversation(ticket_id),
        named.REQUEST_MODEL: model,
        named.ATTEMPT: attempt,
    }
    return TurnTrace(turn_id, agent, about)


def model_call(model: str, *, max_tokens: int) -> OpenSpan:
    """Return the span of one request to the model, in the turn on this thread."""
    here = _here()
    if here is None:
        return _NONE
    trace, tracing = here
    own: dict[str, Value] = {named.OPERATION: named.CHAT, named.REQUEST_MAX_TOKENS: max_tokens}
    shared = trace.about if trace.about[named.REQUEST_MODEL] == model else {**trace.about, named.REQUEST_MODEL: model}
    return OpenSpan(tracing, trace.turn_id, f"{named.CHAT} {model}", "client", own, shared)


def tool_call(name: str) -> OpenSpan:
    """Return the span of one tool call, in the turn on this thread; the name is one of ours."""
    here = _here()
    if here is None:
        return _NONE
    trace, tracing = here
    return _tool_span(tracing, trace.turn_id, name, trace.about)


def message(turn_id: int | None, *, kind: str, op: str, tries: int) -> OpenSpan:
    """Return the span of one try to send a message to Slack; it belongs to the turn that the message is of, if any.

    Args:
        turn_id: the turn that the message answers or whose handoff it tells of.
        kind: what kind of message it is.
        op: what is done in Slack.
        tries: which try it is, from 1.
    """
    tracing = _SWITCH.tracing
    if tracing is None or turn_id is None:
        return _NONE
    attributes: dict[str, Value] = {named.MESSAGE_KIND: kind, named.MESSAGE_OP: op, named.MESSAGE_TRIES: tries}
    return OpenSpan(tracing, turn_id, f"{named.SLACK} {op}", "client", attributes, _NOTHING)


def handed_off(turn_id: int | None, *, agent: str, reason: str) -> None:
    """Make the span of a handoff that was opened at the end of a turn, whoever decided it."""
    tracing = _SWITCH.tracing
    if tracing is None or turn_id is None:
        return
    here = _here()
    shared = here[0].about if here is not None and here[0].turn_id == turn_id else _NOTHING
    span = _tool_span(tracing, turn_id, named.HAND_OFF, shared)
    span.set({named.HANDOFF_SOURCE: agent, named.HANDOFF_TARGET: named.RESPONDERS, named.HANDOFF_REASON: reason})
    _emit(tracing, span)


def turn_ended(
    turn_id: int, *, outcome: str, reason: str | None, accepted_at: datetime, waited: timedelta = timedelta()
) -> None:
    """Make the span of the turn itself, from its acceptance to now: the parent of all others, whoever made them.

    Args:
        turn_id: the turn.
        outcome: how it ended.
        reason: why it went to a person, if it did.
        accepted_at: when it was opened.
        waited: for how much of that time it waited for approvals; zero when none was needed.
    """
    here, record = _here(), RECORD.get()
    if here is None or record is None or here[0].turn_id != turn_id:
        return
    trace, tracing = here
    own: dict[str, Value] = {
        named.OPERATION: named.INVOKE_AGENT,
        named.OUTCOME: outcome,
        named.TURNS: record.model_calls,
        named.TOOL_SEQUENCE: tuple(record.tools),
    }
    if reason is not None:
        own[named.HANDOFF_REASON] = reason
    if waited:
        own[named.APPROVAL_WAIT_MS] = round(waited / timedelta(milliseconds=1))
    name, began = f"{named.INVOKE_AGENT} {trace.agent}", round(accepted_at.timestamp() * NANOSECONDS)
    trace_id, span_id = tracing.ids.of_turn(turn_id)
    tracing.take(SpanRecord(trace_id, span_id, None, name, "internal", began, time.time_ns(), own, trace.about))


def _tool_span(tracing: Tracing, turn_id: int, tool: str, shared: Mapping[str, Value]) -> OpenSpan:
    own: dict[str, Value] = {
        named.OPERATION: named.EXECUTE_TOOL,
        named.TOOL_NAME: tool,
        named.TOOL_TYPE: named.FUNCTION,
    }
    return OpenSpan(tracing, turn_id, f"{named.EXECUTE_TOOL} {tool}", "internal", own, shared)


def _here() -> tuple[TurnTrace, Tracing] | None:
    """Return the trace of the turn on this thread; None while no traces are made, or outside of a turn."""
    tracing, record = _SWITCH.tracing, RECORD.get()
    if tracing is None or record is None or record.trace is None:
        return None
    return record.trace, tracing


def _emit(tracing: Tracing, span: OpenSpan) -> None:
    trace_id, parent_id = tracing.ids.of_turn(span.turn_id)
    own_id, ended = random.getrandbits(64) or 1, time.time_ns()
    tracing.take(
        SpanRecord(
            *(trace_id, own_id, parent_id, span.name, span.kind, span.started_ns, ended, span.attributes, span.shared)
        )
    )
