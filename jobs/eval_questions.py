"""What an owner is asked before they promote, waive or revoke by `/agent-eval`: nothing is done until they are sure.

What cannot be done at all is refused at once. The release and the suite that are shown are stored with the command.
"""

from bot.agent.card import Agent
from bot.agent.redaction import redact
from bot.releases import waiving
from bot.releases.waiving import WaiverRefusal
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.slack.reports import eval_question
from bot.slack.reports.eval_question import SureQuestion
from bot.store.db import Session
from bot.store.releases import baselines, verdicts
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import InboxEvent
from bot.store.tickets import inbox_commands
from jobs import eval_acts
from jobs.process import WorkerContext


def before_promoting(ctx: WorkerContext, agent: Agent, event: InboxEvent) -> Body:
    """Return the question whether what is served is to be the baseline, or why it cannot be."""
    pair = eval_acts.served(ctx, agent)
    with ctx.database.write() as session:
        why = baselines.refusal(session, agent.card.name, pair)
        if why is not None:
            return eval_acts.not_promoted(pair, why)
        before = baselines.current(session, agent.card.name)
        instead = "" if before is None else f" in place of {mrkdwn.line(before.release, 120)}"
        return _asked(
            session,
            event,
            pair,
            SureQuestion(
                text=f"{mrkdwn.line(pair.release, 120)} would become the baseline{instead}.",
                button="Promote",
                title="Promote this release?",
                means="Later releases are held against its plays, and no longer against those of the release before.",
            ),
        )


def before_waiving(ctx: WorkerContext, agent: Agent, event: InboxEvent, *, days: int, reason: str) -> Body:
    """Return the question whether the owner answers for what is served, or why they cannot."""
    pair, written = eval_acts.served(ctx, agent), redact(reason)
    with ctx.database.write() as session:
        why = waiving.refusal(session, agent, pair, by=event.user, reason=written, days=days)
        if why is not None:
            return eval_acts.not_signed(why)
        said = verdicts.standing(session, *pair)
        lasts = "1 day" if days == 1 else f"{days} days"
        return _asked(
            session,
            event,
            pair,
            SureQuestion(
                text=(
                    f"{mrkdwn.line(pair.release, 120)} {said.words}. You would answer for it for {lasts}:\n"
                    f"{mrkdwn.quote(written)}\n"
                ),
                button="Sign the waiver",
                title="Answer for this release?",
                means=f"It answers people for {lasts} though it did not pass. Your name and your reason are shown "
                "wherever its verdict is, and the audit log keeps them.",
                risky=True,
            ),
        )


def before_revoking(ctx: WorkerContext, agent: Agent, event: InboxEvent) -> Body:
    """Return the question whether the waiver of what is served is to end, or that there is none."""
    pair = eval_acts.served(ctx, agent)
    with ctx.database.write() as session:
        waiver = verdicts.standing(session, *pair).waiver
        if waiver is None:
            return eval_acts.not_revoked(WaiverRefusal.NONE_IN_FORCE)
        return _asked(
            session,
            event,
            pair,
            SureQuestion(
                text=f"{mrkdwn.line(pair.release, 120)} serves by a waiver: {mrkdwn.line(waiver.words, 700)}.",
                button="Revoke the waiver",
                title="Revoke this waiver?",
                means="From the next request on every request goes to a person, until a release passes.",
                risky=True,
            ),
        )


def _asked(session: Session, event: InboxEvent, pair: ReleasePair, question: SureQuestion) -> Body:
    inbox_commands.ask_first(session, event, pair)
    return eval_question.asked(question, event.id)
