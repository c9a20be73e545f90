"""Budgets: a soft cap is passed, a hard cap is met and raised by its owner, and the digest shows the cost.

The tour overrides the caps of the budget file with `CAPS`, which are so low that one request meets them.
"""

import json
import sys
import time
from datetime import timedelta

from bot.ground import Kind
from bot.sandbox.demo.processes import CannotRun, Program
from bot.sandbox.demo.scenes.checks import Json, Unexpected, change, check, facts, holding
from bot.sandbox.demo.scenes.stage import Stage, Thread, typed
from bot.slack.mrkdwn import dollars
from bot.slack.sentences import say
from bot.store.figures import folding
from bot.store.money import ledger, reviews, soft_cap_alerts
from bot.store.outbox import messages
from bot.store.schema import BudgetReview, MessageKind, TurnOutcome, now
from bot.store.tickets import turns
from bot.store.tickets.ticket_history import TicketHistory

CAPS: dict[str, Json] = {
    "D0MAYA": {"window": "day", "hard": "0.05", "soft": [2]},
    "D0GRACE": {"window": "day", "hard": "0.005"},
}
"Caps by channel: a request costs more than 2 % of the first; not one step of a request fits under the second."
OWNER, HOME = "U0OLIVIA", "D0OLIVIA"
LOCKED_OUT = "I'm locked out of my account."
WEEK = timedelta(weeks=1)
MORE, WHY = "1.00", "Month end: everybody signs in at once."
WAITS, GONE_ON = "*1 request waits.*", "The agent goes on with 1 request."
GOES_ON = say("handoff.goes_on", "en")


def budget_soft(stage: Stage) -> Json:
    """Maya's request passes a soft cap: she reads it below the answer, and the owner is told once."""
    stage.lock("acc-maya")
    thread = stage.ask("U0MAYA", LOCKED_OUT, private=True)
    first, took = stage.answer(thread)
    history = stage.done(thread)
    footer = "2 % of what I may spend in this conversation today is used."
    check(footer in json.dumps(first["blocks"], ensure_ascii=False), f"{footer!r} below the answer", first["blocks"])
    told = stage.wait("the owner to be told", lambda: holding(_directly(stage), "2 % of the daily budget"))
    stage.heard(f"deskhand to {stage.name(OWNER)}", told)
    passed = stage.read(lambda session: soft_cap_alerts.of_turn(session, history.turns[-1].id))
    check(len(passed) == 1 and passed[0].told_at, "one notice, told", [one.percent for one in passed])
    said = [one for one in _directly(stage) if one["text"] == told["text"]]
    check(len(said) == 1, "one message to the owner", len(said))
    changed = change(history, account="acc-maya", before="locked", after=stage.account("acc-maya"))
    return facts(history, ms=took, percent=passed[0].percent, limit_nusd=passed[0].limit_nusd, **changed)


def budget_hard(stage: Stage) -> Json:
    """Grace's request fits under no budget and goes to a person; the owner raises it, and the agent goes on."""
    before = stage.account("acc-grace")
    thread = stage.ask("U0GRACE", LOCKED_OUT, private=True)
    first, took = stage.answer(thread)
    history = stage.done(thread)
    check(history.turns[-1].outcome is TurnOutcome.HANDOFF, "a handoff", history.turns[-1].outcome)
    check(history.handoffs[-1].reason == "budget", "the reason budget", history.handoffs[-1].reason)
    check("person" in first["text"] and "again from" in first["text"], "a person, and when", first["text"])
    check("$" not in first["text"], "no amounts", first["text"])
    check(history.cost_nusd == 0, "nothing spent", history.cost_nusd)
    stage.heard("in #access-queue", stage.card(thread))
    changed = change(history, account="acc-grace", before=before, after=stage.account("acc-grace"))
    raised_ms = _raised(stage, thread)
    again = _gone_on(stage, thread)
    return facts(history, ms=took, reason="budget", **changed, raised_ms=raised_ms, after_the_raise=again)


def digest(stage: Stage) -> Json:
    """The owner is sent the digest of the week before, once."""
    thread = stage.ask("U0RUTH", "When is the next payday?", private=True)
    stage.answer(thread)
    history = stage.done(thread)
    stage.say("  (a week passes for this request)")
    _a_week_ago(stage, history)
    sent = _sent_digest(stage)
    key = f"digest:{sent['period']}:{OWNER}"
    told = stage.wait("the owner to be sent it", lambda: _standing(stage, key))
    stage.heard(f"deskhand to {stage.name(OWNER)}", told)
    shown = [block["type"] for block in told["blocks"]]
    check({"data_visualization", "data_table"} <= set(shown), "a chart and a table", shown)
    check(dollars(sent["now"]["cost_nusd"]) in told["text"], "what it cost", told["text"])
    check(sent["now"]["tickets"] == 1, "the one request of that week", sent["now"])
    again = _sent_digest(stage)["sent"]
    check(again == [], "nobody to be sent it again", again)
    said = [one for one in _directly(stage) if one["text"] == told["text"]]
    check(len(said) == 1, "one message to the owner", len(said))
    return facts(history, period=sent["period"], sent=1)


def _raised(stage: Stage, thread: Thread) -> int:
    """Let the owner raise the budget with the form; return the milliseconds until everybody knows."""
    button = "budget.raise_and_on"
    card = stage.wait("the owner to be asked", lambda: holding(_directly(stage), button))
    check(WAITS in json.dumps(card["blocks"]), f"{WAITS!r} on the card", card["blocks"])
    stage.heard(f"deskhand to {stage.name(OWNER)}", card)
    block = next(one["block_id"] for one in card["blocks"] if one["type"] == "actions")
    stage.act("click", user=OWNER, channel=HOME, ts=card["ts"], block_id=block, action_id=button)
    view = stage.modal(OWNER, "budget.raised_and_on")
    values = {"amount": {"amount": typed(MORE)}, "why": {"why": typed(WHY)}}
    began = time.monotonic()
    answer = stage.act("submit", user=OWNER, view_id=view["id"], values=values)
    check(answer["ok"], "the form to be taken", answer)
    stage.say(f"  {stage.name(OWNER)} raises it by ${MORE} and lets the agent go on: {WHY}")
    stage.heard("in the queue thread", stage.below(thread, "raised the budget, so the agent goes on with this"))
    shown = stage.wait("the owner's card to show it", lambda: holding(_directly(stage), GONE_ON))
    stage.heard(f"deskhand to {stage.name(OWNER)}", shown)
    check("budget.raise" not in json.dumps(_directly(stage)), "no button to be left", _directly(stage))
    took = round((time.monotonic() - began) * 1000)
    review = _review(stage, thread)
    decided = (review.state, review.decided_by, review.raised_nusd)
    check(decided == ("raised", OWNER, 10**9), "one review, raised by her", decided)
    return took


def _review(stage: Stage, thread: Thread) -> BudgetReview:
    """Return the review that a thread's request has opened."""
    [asked] = [one for one in stage.history(thread).messages if one.kind is MessageKind.REVIEW]
    found = stage.read(lambda session: reviews.find(session, int(asked.key.split(":")[1])))
    if found is None:
        raise Unexpected("the review is gone")
    return found


def _gone_on(stage: Stage, thread: Thread) -> Json:
    """See the agent go on, now that it can be paid for; the account is locked again for the following scenes."""
    began = time.monotonic()
    stage.wait("the agent to go on", lambda: len(stage.history(thread).turns) > 1)
    history = stage.done(thread)
    took = round((time.monotonic() - began) * 1000)
    said = stage.replies(thread)
    told = [one for one in said if one["text"] == GOES_ON]
    check(len(told) == 1, "Grace to be told once that the agent goes on", [one["text"] for one in said])
    stage.heard("deskhand", told[0])
    stage.heard("deskhand", said[-1])
    check(history.turns[-1].outcome is TurnOutcome.REPLY, "an answer", history.turns[-1].outcome)
    ended = (history.handoffs[-1].state, history.handoffs[-1].claimed_by)
    check(ended == ("returned", None), "nobody to have claimed it", ended)
    changed = change(history, account="acc-grace", before="locked", after=stage.account("acc-grace"))
    check(changed["directory"]["writes"] == ["unlock"], "the account to be unlocked once", changed)
    stage.lock("acc-grace")
    return {"ticket": history.ticket.id, "outcome": "reply", "ms": took, "cost_nusd": history.cost_nusd}


def _directly(stage: Stage) -> list[Json]:
    """Return the bot's direct messages to the owner."""
    return [one for one in stage.sees(OWNER)["messages"].get(HOME, []) if one.get("bot_id")]


def _a_week_ago(stage: Stage, history: TicketHistory) -> None:
    """Move the money and the turns of a ticket a week back."""
    with stage.running_demo.database.write() as session:
        turns.backdate(session, [turn.id for turn in history.turns], WEEK)
        ledger.backdate(session, history.ticket.id, WEEK)
        today = now().date()
        folding.start_over(session, [today - timedelta(days=ago) for ago in (0, 1, 7, 8)])


def _sent_digest(stage: Stage) -> Json:
    """Run `deskhand digest --send`; the clock may have been faster, but even then it is sent only once."""
    state = stage.running_demo.supervisor.logs.parent
    url = stage.running_demo.database.engine.url.render_as_string(hide_password=False)
    told = {"DATABASE_URL": url, "DESKHAND_CONFIG": str(state / "config"), "DESKHAND_GROUND": Kind.DEMO}
    command = [sys.executable, "-m", "bot.cli", "digest", "--send", "--json"]
    lines: list[str] = []
    stage.say("  deskhand digest --send")
    try:
        stage.running_demo.supervisor.run(
            Program("digest", command, told),
            show=lines.append,
        )
    except CannotRun as failed:
        raise Unexpected(str(failed)) from failed
    found: Json = json.loads(lines[-1])
    return found


def _standing(stage: Stage, key: str) -> Json | None:
    """Return the message to the owner with this key, once it is posted."""
    stored = stage.read(lambda session: messages.by_key(session, key))
    return next((one for one in _directly(stage) if stored is not None and one["ts"] == stored.ts), None)
