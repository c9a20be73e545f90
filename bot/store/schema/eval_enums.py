"""What evaluations of releases come to, and who plays them."""

from enum import StrEnum


class Verdict(StrEnum):
    """What an evaluation says about a release."""

    PASS = "pass"  # noqa: S105 - no password
    "It may serve."
    BLOCK = "block"
    "It may not serve."
    INCONCLUSIVE = "inconclusive"
    "The plays show neither; it may not serve until a person signs for it."
    NOT_RUN = "not_run"
    "Only of a run: nothing, too little, or only outages were played, which says nothing about the release."


class RunState(StrEnum):
    """How far an evaluation has got."""

    RUNNING = "running"
    "It is running, or it was interrupted and can go on."
    FINISHED = "finished"
    "It was played to its end: an evaluation has its verdict, and probes have their result."
    INVALID = "invalid"
    "It is over and says nothing about the release: too little was played, or there were outages."


class RunKind(StrEnum):
    """What a run is for."""

    EVALUATION = "evaluation"
    "It gives a release its verdict."
    PROBE = "probe"
    "It plays the pinned probe cases of a release that serves, to see whether it is as it was; it gives no verdict."


class ProbeState(StrEnum):
    """What the probes of a release say at the end of a run of them."""

    AS_BEFORE = "as_before"
    "They pass as often as in the release's own evaluation."
    UNCLEAR = "unclear"
    "They show neither that it is as it was nor that it is worse."
    WORSE = "worse"
    "They pass less often, or one of a hard slice has failed."


class ProposalState(StrEnum):
    """What has become of an evaluation case that somebody proposed from a handoff."""

    PROPOSED = "proposed"
    "Its assignee edits it and decides."
    ACCEPTED = "accepted"
    "It is a file diff, which a person applies or not."
    DISMISSED = "dismissed"
    "It becomes no case."


class PlayedBy(StrEnum):
    """Whose processes play the cases of an evaluation."""

    COMMAND = "command"
    "Those of the command that began it, on a queue of the run's own."
    WORKERS = "workers"
    "The workers of the installation, a few plays at a time beside the turns of people."


class SampledFor(StrEnum):
    """Why a turn of production is looked at again; all but the last are kept for certain."""

    THUMB_DOWN = "thumb_down"
    "Somebody said that its answer did not help."
    ERROR = "error"
    "It ended in an error, or its worker died or crashed."
    HANDOFF = "handoff"
    "It ended in a handoff."
    LOOP = "loop"
    "It repeated itself."
    REFUSED_CALL = "refused_call"
    "A tool call was refused, failed, or was not seen to end."
    HELD_BACK = "held_back"
    "An answer was not sent as the model first wrote it."
    REDACTED = "redacted"
    "A secret or personal data was taken out of what the requester wrote."
    DRAWN = "drawn"
    "It was drawn from the turns of its week for which none of these holds."
