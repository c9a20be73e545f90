"""Reviews of hard caps: a budget's owner raises it for the rest of its window, or leaves it as it is.

With a raise, or after it, the owner may let the agent go on with the requests that wait: `jobs.after_raise` does it.

Every press and every form checks anew who may decide and whether the limit is still in force. What is refused is
audited. A form that comes too late changes nothing and keeps its words.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import budget_owners, rights
from bot.agent.redaction import redact
from bot.budget import cap_events
from bot.budget.caps import HIGHEST_USD
from bot.casework.context import ANYWHERE, actor, tell_directly
from bot.cost_dimensions import NANO
from bot.listeners import buttons, submissions
from bot.listeners.context import ListenerContext
from bot.listeners.submissions import Form, Wrong
from bot.queue import SEE_TO_BUDGETS
from bot.rights import Actor, Forbidden, Membership
from bot.slack import mrkdwn
from bot.slack.handoffs import denials
from bot.slack.money import budget_cards, budget_messages
from bot.slack.mrkdwn import Block
from bot.slack.sentences import say
from bot.store.db import Session
from bot.store.money import blocked_tickets, reviews
from bot.store.money.reviews import Decision
from bot.store.schema import BudgetReview, ReviewState, now

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

    from bot.slack.api.async_client import AsyncWebClient

View = Callable[[Session, BudgetReview, str], Block]
"(transaction, review, the user who pressed) -> the form."

LONGEST_AMOUNT = 40
"The most characters of an amount."
DECIMALS = 9
"The most digits after the point; the smallest unit is a nano-USD."
GOES_ON = "The agent has been told already to go on with what waits."
NOT_YOURS = "You can no longer decide this: I have just written to you why. Nothing was done."
IN_DIGITS = "Write US dollars in digits, such as 1.25."

_AMOUNT = re.compile(r"\$? ?(\d+\.?\d*|\.\d+)", re.ASCII)


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of reviews."""
    _on_button(app, ctx, "budget.raise", lambda _, met, reader: budget_cards.raise_modal(met, reader))
    _on_button(app, ctx, "budget.raise_and_on", _raise_and_on)
    _on_button(app, ctx, "budget.deny", lambda _, met, reader: budget_cards.deny_modal(met, reader))
    _on_form(app, ctx, "budget.raised", ReviewState.RAISED)
    _on_form(app, ctx, "budget.raised_and_on", ReviewState.RAISED, goes_on=True)
    _on_form(app, ctx, "budget.denied", ReviewState.DENIED)

    @app.action("budget.go_on")
    async def on_go_on(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_let_go_on, ctx, body)
        await ack()


def nano_usd(text: str, *, most: int) -> int:
    """Return a typed amount in nano-USD.

    Args:
        text: US dollars, `1.25` or `$1.25`.
        most: the largest amount that is allowed, in nano-USD.

    Raises:
        Wrong: it is not an allowed amount; the message says what is expected.
    """
    if "," in text:
        raise Wrong("amount", "Write it with a point and without commas: 5.00 is five dollars.")
    if text.startswith("-"):
        raise Wrong("amount", "Write an amount above 0. To leave the budget as it is, choose Deny instead.")
    typed = _AMOUNT.fullmatch(text) if len(text) <= LONGEST_AMOUNT else None
    if typed is None:
        raise Wrong("amount", IN_DIGITS)
    nano = Decimal(typed[1]) * NANO
    if nano != int(nano):
        raise Wrong("amount", f"Write at most {DECIMALS} digits after the point.")
    if nano == 0:
        raise Wrong("amount", "Write an amount above 0. To leave the budget as it is, choose Deny instead.")
    if nano > most:
        shown = mrkdwn.dollars(most - most % (NANO // 100))  # what is said to be allowed is, so it is rounded down
        raise Wrong("amount", f"Write at most {shown}: no budget is above ${HIGHEST_USD:,}.")
    return int(nano)


def _on_button(app: "AsyncApp", ctx: ListenerContext, action: str, view: View) -> None:
    @app.action(action)
    async def on_press(ack: "AsyncAck", body: dict[str, Any], client: "AsyncWebClient") -> None:
        form = await asyncio.to_thread(_form, ctx, body, view)
        if form is not None:
            await buttons.open_form(ctx, client, body, form)
        await ack()


def _on_form(
    app: "AsyncApp", ctx: ListenerContext, callback_id: str, decision: Decision, *, goes_on: bool = False
) -> None:
    @app.view(callback_id)
    async def on_form(ack: "AsyncAck", body: dict[str, Any]) -> None:
        wrong = await asyncio.to_thread(_submit, ctx, body, decision, goes_on=goes_on)
        if wrong is None:
            await ack()
        else:
            await ack(response_action="errors", errors=wrong)


def _form(ctx: ListenerContext, body: dict[str, Any], view: View) -> Block | None:
    """Return the form for a button, or tell the presser why there is none."""
    press = replace(buttons.read(ctx, body), membership=_look_up(ctx, body))
    with ctx.database.write() as session:
        review = _find(session, press.value)
        why = (
            say("press.out_of_date", "en")
            if review is None
            else _refusal(ctx, session, review, actor(session, press.user, press.membership))
        )
        if review is not None and why is None:
            return view(session, review, press.user)
        buttons.tell(session, press, str(why), None)
    ctx.deliver(ANYWHERE)
    return None


def _raise_and_on(session: Session, met: BudgetReview, reader: str) -> Block:
    return budget_cards.raise_modal(met, reader, waiting=blocked_tickets.waiting(session, met))


def _let_go_on(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Let the agent go on with the requests that wait after a raise, or tell the presser why not."""
    press = replace(buttons.read(ctx, body), membership=_look_up(ctx, body))
    with ctx.database.write() as session:
        review, why = _find(session, press.value), say("press.out_of_date", "en")
        if review is not None:
            who = actor(session, press.user, press.membership)
            why = _not_theirs(ctx, session, review, who) or _gone_on(session, review, press.user)
        if why:
            buttons.tell(session, press, why, None)
    if why:
        ctx.deliver(ANYWHERE)
    else:
        ctx.put(SEE_TO_BUDGETS, ANYWHERE)


def _gone_on(session: Session, review: BudgetReview, user: str) -> str:
    """Store that the agent goes on; return why that is too late, which is audited, or an empty text."""
    updated = reviews.let_go_on(session, review.id, by=user)
    if updated is not None:
        budget_messages.show(session, updated)
        return ""
    reviews.read_again(session, review)
    reviews.refuse(session, review.id, by=user, why=f"it is {review.state}, and goes on by {review.goes_on_by}")
    return budget_cards.decided(review, user) if review.goes_on_by is None else GOES_ON


def _submit(ctx: ListenerContext, body: dict[str, Any], decision: Decision, *, goes_on: bool) -> dict[str, str] | None:
    """Decide as a form says; return its errors by field, or None."""
    form = replace(submissions.read(ctx, body), membership=_look_up(ctx, body))
    with ctx.database.write() as session:
        review = _find(session, body["view"].get("private_metadata"))
        why = (
            say("press.out_of_date", "en")
            if review is None
            else _refusal(ctx, session, review, actor(session, form.user, form.membership))
        )
        if review is not None and why is None:
            try:
                decided = _decide(session, review, form, decision=decision, goes_on=goes_on)
            except Wrong as wrong:
                return {wrong.block: str(wrong)}
            if not decided:  # another owner has just decided it
                reviews.read_again(session, review)
                why = _refusal(ctx, session, review, actor(session, form.user, form.membership))
        if why is not None and not submissions.fits_a_form(why):
            tell_directly(session, key=f"view:{form.view_id}", user=form.user, text=why, ticket_id=None)
    if why is not None:
        ctx.deliver(ANYWHERE)
        return {
            "amount" if decision is ReviewState.RAISED else "why": why if submissions.fits_a_form(why) else NOT_YOURS
        }
    ctx.put(SEE_TO_BUDGETS, ANYWHERE)
    return None


def _decide(session: Session, review: BudgetReview, form: Form, *, decision: Decision, goes_on: bool) -> bool:
    """Store a decision and update its cards; return False when it came too late.

    Raises:
        Wrong: a field of the form cannot be taken.
    """
    most = HIGHEST_USD * NANO - review.limit_nusd
    raised = nano_usd(form.text("amount"), most=most) if decision is ReviewState.RAISED else 0
    why = form.text("why")
    if not why:
        raise Wrong("why", "Say why, for those who ask later.")
    terms: dict[str, Any] = {"why": redact(why), "raised_nusd": raised, "goes_on": goes_on}
    decided = reviews.decide(session, review.id, by=form.user, decision=decision, **terms)
    if decided is not None:
        budget_messages.show(session, blocked_tickets.recount(session, decided.id))
    return decided is not None


def _find(session: Session, value: object) -> BudgetReview | None:
    wanted = buttons.number(value)
    return None if wanted is None else reviews.find(session, wanted)


def _look_up(ctx: ListenerContext, body: dict[str, Any]) -> Membership:
    """Look up the person who decides, with or without a role: the budget file may name somebody who is on no card."""
    return ctx.look_up(body["user"]["id"], buttons.team_of(body))


def _refusal(ctx: ListenerContext, session: Session, review: BudgetReview, who: Actor) -> str | None:
    """Return why somebody cannot decide a review, which is audited, or None when they can."""
    not_theirs = _not_theirs(ctx, session, review, who)
    if not_theirs is not None:
        return not_theirs
    if review.state is not ReviewState.OPEN or review.resets_at <= now():
        why = f"it is {'over' if review.state is ReviewState.OPEN else review.state}"
        reviews.refuse(session, review.id, by=who.user, why=why)
        return budget_cards.decided(review, who.user)
    if not cap_events.is_current(session, review, ctx.read_budgets()):
        reviews.refuse(session, review.id, by=who.user, why="its limit was changed")
        return budget_cards.CHANGED
    return None


def _not_theirs(ctx: ListenerContext, session: Session, review: BudgetReview, who: Actor) -> str | None:
    """Return why somebody may not decide a review, which is audited, or None when they may."""
    may = budget_owners.deciders(session, review, ctx.read_budgets(), ctx.agents)
    why = Forbidden.LEFT if who.left else rights.barred(who, may)  # checked first, since `may` skips who has left
    if why is None:
        return None
    reviews.refuse(session, review.id, by=who.user, why="not an owner" if why is Forbidden.NO_ROLE else why)
    return _not_an_owner(may) if why is Forbidden.NO_ROLE else denials.in_words(why)


def _not_an_owner(may: Sequence[str]) -> str:
    if not may:
        return "Nobody can decide this now: the agent that spends it is gone. An operator must name its heir."
    return f"Only {' or '.join(map(mrkdwn.mention, may))} can decide this."
