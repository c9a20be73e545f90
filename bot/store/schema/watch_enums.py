"""What is watched in an agent's turns, why its owners are alerted, and what the dashboard adds up."""

from enum import StrEnum


class DriftStream(StrEnum):
    """What is compared with an agent's own past: one value for each ticket, all of its first turn."""

    OUTCOME = "outcome"
    "How the turn ended: reply, handoff or refused."
    FIRST_TOOL = "first_tool"
    "The first tool that it called on the directory; handing off and resolving are no such tools."
    TOOL_SEQUENCE = "tool_sequence"
    "All such tools that it called, in order."
    MODEL_CALLS = "model_calls"
    "How often it asked the model."
    LATENCY = "latency"
    "Seconds from the message to the end of the turn."
    OUTPUT_TOKENS = "output_tokens"
    "Tokens that the model wrote in it."


class AlertKind(StrEnum):
    """Why an agent's owners are alerted; each cause is told once, and so is its end."""

    DRIFT = "drift"
    "The release behaves differently from its own past."
    LOOP = "loop"
    "A turn repeated itself."
    MODEL_CHANGED = "model_changed"
    "A response came from another model than the one that was asked for."
    EVALUATION_STALE = "evaluation_stale"
    "The verdict of the release is old, or it has none."
    NO_TRAFFIC = "no_traffic"
    "Nobody has asked anything in a span in which there were requests in each of the four weeks before."
    PROBES_WORSE = "probes_worse"
    "The probes of the release pass less often than in its own evaluation."
    NO_PROBE = "no_probe"
    "No run of the probes has ended in a day."
    SILENT = "silent"
    "A part of Deskhand that should report regularly has not."
    SAMPLE_FAILED = "sample_failed"
    "In a turn that was looked at again something did not hold that must always hold."
    SAMPLED_QUALITY = "sampled_quality"
    "The turns of a release go worse than the plays of the baseline."
    WRITE_DIVERGED = "write_diverged"
    "The directory does not show what a write should have left."
    WRITES_UNKNOWN = "writes_unknown"
    "It has been unknown for long whether the directory shows what writes should have left."


class CountedEvents(StrEnum):
    """Which events the dashboard's figures add up; see `bot.store.figures.folding`."""

    ACTIVITY = "activity"
    "Turns that ended, tickets that were opened and model calls that left."
    CLOSINGS = "closings"
    "Handoffs that were closed."
    THUMBS = "thumbs"
    "Thumbs for answers. One that is changed later has its earlier day counted anew (`bot.store.tickets.recounts`)."
