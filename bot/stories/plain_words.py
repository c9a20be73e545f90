"""The words that people read where a row has a name of ours, such as that of a decision or of a state. Pure."""

from collections.abc import Mapping

from bot.policy import Allowed, Denied, NeedsApproval, NotNeeded
from bot.store.schema import StepStatus

DECISIONS: Mapping[str, str] = {
    Allowed.__name__: "allowed",
    Denied.__name__: "denied",
    NeedsApproval.__name__: "left to an approver",
    NotNeeded.__name__: "not needed",
}
"By the name under which the audit log holds a decision."
STEPS: Mapping[StepStatus, str] = {
    StepStatus.STARTED: "not answered yet",
    StepStatus.OK: "ok",
    StepStatus.REFUSED: "refused",
    StepStatus.FAILED: "failed",
    StepStatus.UNSEEN: "its result was not seen",
}


def decision(name: str) -> str:
    """Return a decision in words; the name itself if only another version of Deskhand knows it."""
    return DECISIONS.get(name, name)


def plain(name: str) -> str:
    """Return the name of a state, a kind or a reason as words: `handed_off` becomes `handed off`."""
    return name.replace("_", " ")
