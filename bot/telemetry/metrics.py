"""Every metric that Deskhand has, by its name: what a process counts, and what the clock reads from database and Redis.

No label names a person, a thread or a ticket. A counter whose labels are known has all of them at 0 from the start:
otherwise Prometheus sees no increase when the first one is counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from bot.cost_dimensions import NANO, SCOPES
from bot.principals import Reason

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series of every counter, and nobody reads them
REGISTRY = CollectorRegistry()
"What `/metrics` of this process answers with."
ProcessCollector(registry=REGISTRY)

UNKNOWN_TOOL = "unknown"
"The label of a tool that the model made up: its name is the model's own word."


class ToolStatus(StrEnum):
    """How a tool call ended."""

    OK = "ok"
    "It was done."
    REFUSED = "refused"
    "The policy, the tool or its arguments were against it."
    FAILED = "failed"
    "The directory did not answer, or whether it was done is not known."


class Delivered(StrEnum):
    """How one try to send a message to Slack ended."""

    POSTED = "posted"
    "Slack shows it."
    DELAYED = "delayed"
    "Slack did not take it; it is tried again."
    UNCONFIRMED = "unconfirmed"
    "Slack may have it; it is looked up before the next try."
    REJECTED = "rejected"
    "Slack will never take it where it was to go."


class SpanEnd(StrEnum):
    """What became of a span."""

    SENT = "sent"
    "The collector has it."
    LOST = "lost"
    "The collector did not take it, or too many waited."


REQUESTS = Counter("agent_requests_total", "Turns that ended, by outcome.", ["outcome"], registry=REGISTRY)
DURATION = Histogram(
    "agent_request_duration_seconds",
    "Time from a request's acceptance to the outcome of its turn.",
    buckets=(0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300),
    registry=REGISTRY,
)
TURNS = Histogram(
    "agent_turns", "Model calls that one turn took.", buckets=(0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20), registry=REGISTRY
)
TOOL_CALLS = Counter("agent_tool_calls_total", "Tool calls, by tool and end.", ["tool", "status"], registry=REGISTRY)
TOKENS = Counter(
    "agent_llm_tokens_total",
    "Tokens of model calls that answered people; `cache` says what of the prompt was read from it or written to it.",
    ["direction", "cache"],
    registry=REGISTRY,
)
COST = Counter("agent_llm_cost_usd_total", "What model calls were charged, evaluations included.", registry=REGISTRY)
HANDOFFS = Counter("agent_handoffs_total", "Handoffs opened, by reason.", ["reason"], registry=REGISTRY)
LOOPS = Counter("agent_loop_detected_total", "Turns that ended since the agent repeated itself.", registry=REGISTRY)
BUDGET_STOPS = Counter(
    "agent_budget_stops_total",
    "Model calls that did not fit under a hard cap, once for each of them.",
    ["scope"],
    registry=REGISTRY,
)
MESSAGES = Counter(
    "deskhand_messages_total", "Tries to send a message to Slack, by their end.", ["result"], registry=REGISTRY
)
REFUSED = Counter(
    "deskhand_refused_requests_total", "Requests that the web process refused unread.", ["reason"], registry=REGISTRY
)
SPANS = Counter("deskhand_spans_total", "Spans of traces, by what became of them.", ["result"], registry=REGISTRY)
PROCESS = Gauge("deskhand_process_info", "What this process is; always 1.", ["process", "version"], registry=REGISTRY)

_TOKENS = [TOKENS.labels("input", cache) for cache in ("none", "read", "write")] + [TOKENS.labels("output", "none")]


@dataclass(frozen=True, slots=True)
class GaugeName:
    """A metric that the clock reads when it is asked."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


RELEASE_INFO = GaugeName(
    "agent_release_info", "The release that each agent serves; always 1.", ("release", "model", "verdict")
)
EVAL_PASS_RATIO = GaugeName(
    "agent_eval_pass_ratio", "Share of plays that passed in the last evaluation of each agent's suite.", ("suite",)
)
EVAL_PASS_HAT = GaugeName(
    "agent_eval_pass_hat_k", "Chance that a case passes k times in a row, from the same evaluation.", ("suite", "k")
)
DRIFT_P_VALUE = GaugeName(
    "agent_drift_p_value",
    "How likely a shift of this size is when nothing has changed; of several agents the least.",
    ("stream", "window"),
)
DRIFTED = GaugeName(
    "agent_drifted",
    "Whether an agent has drifted: the shift is large and no chance.",
    ("stream", "window"),
)
SURGES = GaugeName("deskhand_surges", "Surges under way, by what their tickets have in common.", ("cause",))
RQ_JOBS = GaugeName("rq_jobs", "RQ jobs by status.", ("queue", "status"))
RQ_WORKERS = GaugeName("rq_workers", "RQ workers; always 1.", ("name", "queues", "state"))
JOB_AGE = GaugeName("deskhand_oldest_job_seconds", "How long the job at the head of the queue has waited; 0 if none.")
TURNS_LEFT = GaugeName("deskhand_turns", "Turns that are not done.", ("state",))
TURNS_LATE = GaugeName("deskhand_turns_late", "Turns that have been due for over 15 seconds.", ("state",))
TURN_AGE = GaugeName("deskhand_oldest_turn_seconds", "Age of the oldest turn that is not done; 0 if none.", ("state",))
HANDOFFS_LEFT = GaugeName(
    "deskhand_handoffs", "Handoffs that are not closed, by how long ago they last came to be open.", ("state", "age")
)
HANDOFF_AGE = GaugeName(
    "deskhand_oldest_handoff_seconds", "How long ago the oldest one last came to be open; 0 if none.", ("state",)
)
HANDOFFS_UNSEEN = GaugeName("deskhand_handoffs_without_card", "Handoffs that responders cannot see in Slack.")
OUTBOX = GaugeName("deskhand_outbox_messages", "Messages that Slack does not show as it should.", ("state",))
OUTBOX_AGE = GaugeName("deskhand_oldest_message_seconds", "Age of the oldest message still to be sent; 0 if none.")
CALLS_LEFT = GaugeName("deskhand_unsettled_calls", "Model calls whose cost is not known yet.")
COMMANDS_LEFT = GaugeName("deskhand_unanswered_commands", "Slash commands and shortcuts without an answer.")
CLOCK_AGE = GaugeName("deskhand_clock_age_seconds", "Time since a clock last committed its heartbeat.")
SCRAPE_ERRORS = GaugeName(
    "deskhand_scrape_errors", "Whether this source could not be read: its gauges are missing meanwhile.", ("source",)
)
GAUGES = (
    *(RELEASE_INFO, EVAL_PASS_RATIO, EVAL_PASS_HAT, DRIFT_P_VALUE, DRIFTED, SURGES, RQ_JOBS, RQ_WORKERS, JOB_AGE),
    *(TURNS_LEFT, TURNS_LATE, TURN_AGE, HANDOFFS_LEFT, HANDOFF_AGE, HANDOFFS_UNSEEN),
    *(OUTBOX, OUTBOX_AGE, CALLS_LEFT, COMMANDS_LEFT, CLOCK_AGE, SCRAPE_ERRORS),
)
"All that the clock reads."


def start_at_zero(counter: Counter, *labels: Iterable[str]) -> None:
    """Give a counter all of its known labels at 0; each argument is the values of one label."""
    combinations: list[tuple[str, ...]] = [()]
    for values in labels:
        combinations = [(*before, str(value)) for before in combinations for value in list(values)]
    for values in combinations:
        counter.labels(*values)


def know_tools(tools: Iterable[str]) -> None:
    """Start the counts of an agent's tools at 0."""
    start_at_zero(TOOL_CALLS, [*tools, UNKNOWN_TOOL], ToolStatus)


def turn_ended(outcome: str, *, seconds: float | None, model_calls: int) -> None:
    """Count a turn that has ended; `seconds` is None if nobody played it to its end."""
    REQUESTS.labels(outcome).inc()
    if seconds is not None:
        DURATION.observe(seconds)
        TURNS.observe(model_calls)


def charged(cost_nusd: int) -> None:
    """Count what a model call was charged, in nano-USD."""
    COST.inc(cost_nusd / NANO)


def tokens_used(*, fresh: int, cache_read: int, cache_written: int, output: int) -> None:
    """Count the tokens of one model call."""
    for counter, count in zip(_TOKENS, (fresh, cache_read, cache_written, output), strict=True):
        counter.inc(count)


start_at_zero(HANDOFFS, Reason)
start_at_zero(BUDGET_STOPS, SCOPES)
start_at_zero(MESSAGES, Delivered)
start_at_zero(SPANS, SpanEnd)
