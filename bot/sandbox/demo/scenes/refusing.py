"""Somebody asks who is no full member of the workspace: they read one sentence, and nothing of theirs goes any further.

Petra, of another organisation, has Maya's address in her profile, and Maya's account is locked. Kofi is a guest.
"""

from datetime import timedelta

from bot.sandbox.demo.scenes.checks import Json, check, facts
from bot.sandbox.demo.scenes.stage import BOT, Stage, Thread
from bot.sandbox.demo.scenes.suspending import LOCKED_OUT
from bot.slack.sentences import say
from bot.store import audit
from bot.store.audit import AuditRecord
from bot.store.db import Session
from bot.store.money import spending
from bot.store.money.spending import LedgerFilter
from bot.store.schema import TurnOutcome, now

SHARED = "C0SHARED"
PETRA, KOFI = "U0PETRA", "U0KOFI"


def stranger(stage: Stage) -> Json:
    """Two people who are no full members ask: no model is called and no account is looked up."""
    stage.lock("acc-maya")
    stage.say(f"  {stage.name(PETRA)} in #with-fabrikam: {LOCKED_OUT}")
    ts = str(stage.act("say", user=PETRA, channel=SHARED, text=f"<@{BOT}> {LOCKED_OUT}")["ts"])
    _is_told(stage, PETRA, "refused.shared")
    refused = _refusal(stage, PETRA)
    check(stage.history_so_far(Thread(PETRA, SHARED, ts, 0.0)) is None, "no ticket of a stranger", ts)
    check(stage.account("acc-maya") == "locked", "the account of that address as it was", stage.account("acc-maya"))
    thread = stage.ask(KOFI, LOCKED_OUT)
    _is_told(stage, KOFI, "refused.guest")
    history = stage.done(thread)
    check(history.turns[-1].outcome is TurnOutcome.REFUSED, "a refusal", history.turns[-1].outcome)
    done = [*history.steps, *history.handoffs, *history.writes]
    check(not done and history.ticket.account is None, "nothing else to be done for a guest", done)
    calls = stage.read(lambda session: [_calls(session, user) for user in (PETRA, KOFI)])
    check(calls == [0, 0], "no model call for either", calls)
    return facts(
        history,
        refused={PETRA: refused.record["because"], KOFI: _refusal(stage, KOFI).record["because"]},
        model_calls=sum(calls),
        account=stage.account("acc-maya"),
    )


def _is_told(stage: Stage, user: str, sentence: str) -> None:
    """Wait until somebody reads a sentence that nobody else sees, and check that they read nothing else."""
    seen = stage.wait("a sentence that they alone see", lambda: stage.sees(user)["ephemeral"])
    stage.heard("deskhand", seen[0])
    words = [one["text"] for one in seen]
    check(words == [say(sentence, "en")], f"the sentence {sentence} once", words)


def _refusal(stage: Stage, user: str) -> AuditRecord:
    rows = stage.read(lambda session: audit.of_subject(session, user))
    check([row.event for row in rows] == ["requester.refused"], "one refusal in the audit log", rows)
    return rows[0]


def _calls(session: Session, user: str) -> int:
    everything = LedgerFilter(now() - timedelta(days=1), now(), user=user)
    return spending.summary(session, everything).calls
