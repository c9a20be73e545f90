"""An owner answers for a release whose evaluation is no pass: for days, with a reason, under their own id.

Invariant: nobody waives a failure in a hard slice, and nobody waives what was never played.
"""

from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from bot.agent.card import Agent
from bot.store import members
from bot.store.db import Session
from bot.store.releases import eval_runs, verdicts, waivers
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import Verdict, Waiver, now

MOST_DAYS = 30
"The longest that a waiver may last."
REASON_CHARACTERS = 500


class WaiverRefusal(StrEnum):
    """Why a waiver is not signed."""

    NOT_OWNER = "not_owner"
    "Only an owner whom the card names may answer for a release."
    LEFT = "left"
    "Who has left the workspace answers for nothing."
    NOT_RUN = "not_run"
    "It was never evaluated with these cases, so nobody knows what a waiver would allow."
    PASSED = "passed"
    "It has passed and serves without a waiver."
    HARD_SLICE = "hard_slice"
    "A case of a hard slice failed, and nobody may waive that."
    DAYS = "days"
    "A waiver lasts one to 30 days."
    REASON = "reason"
    "It needs a reason of at most 500 characters, which the audit log keeps."
    NONE_IN_FORCE = "none_in_force"
    "No waiver is in force for it, so there is nothing to revoke."

    @property
    def sentence(self) -> str:
        """Return it as a sentence for the person who wanted to sign."""
        match self:
            case WaiverRefusal.NOT_OWNER:
                return "Only an owner whom the agent's card names may answer for a release."
            case WaiverRefusal.LEFT:
                return "This owner has left the workspace."
            case WaiverRefusal.NOT_RUN:
                return "It was never evaluated with these cases, so nobody knows what a waiver would allow."
            case WaiverRefusal.PASSED:
                return "It has passed its evaluation and serves without a waiver."
            case WaiverRefusal.HARD_SLICE:
                return "A case of a hard slice failed, and nobody may waive that."
            case WaiverRefusal.DAYS:
                return f"A waiver lasts 1 to {MOST_DAYS} days."
            case WaiverRefusal.REASON:
                return f"It needs a reason of 1 to {REASON_CHARACTERS} characters, which the audit log keeps."
            case WaiverRefusal.NONE_IN_FORCE:
                return "No waiver is in force for it, so there is nothing to revoke."
            case _:
                assert_never(self)


def refusal(
    session: Session, agent: Agent, pair: ReleasePair, *, by: str, reason: str, days: int
) -> WaiverRefusal | None:
    """Return why somebody cannot sign a waiver for the verdict that a pair has now, or None."""
    said = _waivable(session, agent, pair, by=by, reason=reason, days=days)
    return said if isinstance(said, WaiverRefusal) else None


def waive(
    session: Session, agent: Agent, pair: ReleasePair, *, by: str, reason: str, days: int
) -> Waiver | WaiverRefusal:
    """Sign a waiver for the verdict that a pair has now, and audit it; or return why not.

    Args:
        session: a transaction that writes.
        agent: the agent, whose card names its owners now.
        pair: the release and the suite in its folder.
        by: Slack user id of who signs.
        reason: why it may serve nevertheless, redacted.
        days: how long the waiver lasts.
    """
    run_id = _waivable(session, agent, pair, by=by, reason=reason, days=days)
    if isinstance(run_id, WaiverRefusal):
        return run_id
    ends = now() + timedelta(days=days)
    return waivers.sign(session, pair, run_id=run_id, owner=by, reason=_written(reason), ends_at=ends)


def revoke(session: Session, agent: Agent, pair: ReleasePair, *, by: str) -> tuple[Waiver, ...] | WaiverRefusal:
    """End every waiver by which a pair serves now, and audit each; or return why not.

    Args:
        session: a transaction that writes.
        agent: the agent, whose card names its owners now.
        pair: the release and the suite in its folder.
        by: Slack user id of the owner who revokes, who need not be the one who signed.
    """
    if (barred := _barred(session, agent, by)) is not None:
        return barred
    run_id = verdicts.standing(session, *pair).run_id
    found = () if run_id is None else waivers.in_force(session, pair, run_id=run_id)
    revoked = tuple(ended for one in found if (ended := waivers.revoke(session, one.id, by)) is not None)
    return revoked or WaiverRefusal.NONE_IN_FORCE


def _waivable(
    session: Session, agent: Agent, pair: ReleasePair, *, by: str, reason: str, days: int
) -> int | WaiverRefusal:
    """Return the run whose verdict may be waived, or why none may."""
    if (barred := _barred(session, agent, by)) is not None:
        return barred
    if not 1 <= days <= MOST_DAYS:
        return WaiverRefusal.DAYS
    if not 1 <= len(_written(reason)) <= REASON_CHARACTERS:
        return WaiverRefusal.REASON
    said = verdicts.standing(session, *pair)
    if said.verdict is Verdict.PASS:
        return WaiverRefusal.PASSED
    if said.verdict is None or said.run_id is None:
        return WaiverRefusal.NOT_RUN
    if eval_runs.tally(session, said.run_id).hard_failures:
        return WaiverRefusal.HARD_SLICE
    return said.run_id


def _barred(session: Session, agent: Agent, by: str) -> WaiverRefusal | None:
    """Return why somebody may neither sign nor revoke for an agent, or None."""
    if by not in agent.card.owners:
        return WaiverRefusal.NOT_OWNER
    return WaiverRefusal.LEFT if members.has_left(session, by) else None


def _written(reason: str) -> str:
    return " ".join(reason.split())
