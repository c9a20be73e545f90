"""Messages about budgets: a soft cap that was passed, a hard cap for its owner to decide, and how it ended.

Invariant: only owners read amounts; requesters and responders read percentages and times. A card is true for the state
that it was built from, and its buttons do something in that state.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    HeaderBlock,
    InputBlock,
    PlainTextInputElement,
    PlainTextObject,
)

from bot.principals import EVALUATIONS
from bot.slack import mrkdwn, sentences
from bot.slack.money import budget_names, budget_outcome
from bot.slack.mrkdwn import Block, Body, dollars
from bot.slack.sentences import Language, say
from bot.store.schema import BudgetNotice, BudgetReview, ReviewState

_WORDS = 500
"The most characters of a reason."
_CENT = 10**7
"A cent in nano-USD."
_TITLES = {
    ReviewState.OPEN: "A budget is used up",
    ReviewState.RAISED: "A budget was raised",
    ReviewState.DENIED: "A budget was left as it is",
    ReviewState.ENDED: "A budget was used up",
    ReviewState.CHANGED: "A budget was changed",
}
CHANGED = "Its limit was changed before anybody decided. When there is no room under the new one, I ask again."
_NOW = {"day": "budget.today", "week": "budget.this_week", "month": "budget.this_month"}


def notice(passed: BudgetNotice, reader: str, *, requester: str | None, over: bool = False) -> Body:
    """Tell a budget's owner that a soft cap was passed.

    Args:
        passed: the soft cap, as it was seen.
        reader: who reads this.
        requester: the requester whose request passed it; None when not known.
        over: whether the window has ended meanwhile.
    """
    whose = _named(passed, reader=reader, requester=requester)
    spent = f"{dollars(passed.spent_nusd)} of {dollars(passed.limit_nusd)}"
    used_up = passed.spent_nusd >= passed.limit_nusd  # at once where the file lowers a limit below what is spent
    what = f"All of {whose}" if used_up else f"{passed.percent} % of {whose}"
    if over:
        ended = f"It reset {mrkdwn.date(passed.resets_at)}."
        return mrkdwn.message(f"*{what} was used:* {spent}. {ended}")
    until = f"It resets {mrkdwn.date(passed.resets_at)}."
    stops = "evaluations cannot go on" if passed.holder == EVALUATIONS else "requests go to people"
    then = f"When nothing is left, {stops}, and I ask you whether to raise it."
    if used_up:
        then = f"Until then {stops}, unless it is raised."
    return mrkdwn.message(f"*{what} is used:* {spent}. {until} {then}")


def footers(passed: Sequence[BudgetNotice], *, private: bool, language: Language = "en") -> list[str]:
    """Return the small print for a requester below the answer that passed soft caps: one line for each budget.

    Args:
        passed: the soft caps; those of teams and agents are left out.
        private: whether it is a direct conversation.
        language: the requester's language.
    """
    where = {"channel": "budget.in_conversation" if private else "budget.in_channel", "user": "budget.on_yours"}
    highest = {one.account: one for one in sorted(passed, key=lambda one: one.percent) if one.scope in where}
    return [
        say(
            "budget.soft_cap",
            language,
            percent=one.percent,
            where=say(where[one.scope], language),
            window=say(_NOW[budget_names.window(one.window_start, one.resets_at)], language),
            date=sentences.date(language, one.resets_at),
        )
        for one in highest.values()
    ]


def review(met: BudgetReview, reader: str) -> Body:
    """Return the card that asks a budget's owner to decide about a hard cap, or that shows how it ended."""
    whose, until = _named(met, reader=reader, requester=met.user), mrkdwn.date(met.resets_at)
    blocks = [HeaderBlock(text=PlainTextObject(text=_TITLES[met.state])).to_dict(), mrkdwn.section(_met(met, whose))]
    match met.state:
        case ReviewState.OPEN:
            sentence = f"Until {until} {_meanwhile(met)}, unless you raise it.{budget_outcome.waits(met)}"
            blocks += [mrkdwn.section(sentence), ActionsBlock(elements=_choices(met)).to_dict()]
        case ReviewState.RAISED:
            total = dollars(met.limit_nusd + met.raised_nusd)
            sentence = f"{_by(met)} raised it by *{dollars(met.raised_nusd)}* to {total} until {until}."
            came = budget_outcome.of_raise(met, reader, whose)
            blocks += [mrkdwn.section(sentence), mrkdwn.section(_why(met)), *map(mrkdwn.section, filter(None, [came]))]
            if met.waiting and met.goes_on_by is None:
                blocks.append(ActionsBlock(elements=[_button("Let the agent go on", "go_on", met)]).to_dict())
            sentence = f"{sentence} {came}".strip()
        case ReviewState.DENIED:
            sentence = f"{_by(met)} left it as it is: {_meanwhile(met)} until {until}."
            blocks += [mrkdwn.section(sentence), mrkdwn.section(_why(met))]
        case ReviewState.CHANGED:
            sentence = CHANGED
            blocks.append(mrkdwn.section(sentence))
        case ReviewState.ENDED:
            sentence = f"Nobody decided before it reset {until}."
            blocks.append(mrkdwn.section(sentence))
        case _:
            assert_never(met.state)
    return mrkdwn.body(f"{_TITLES[met.state]}: {whose}. {sentence}", blocks)


def decided(met: BudgetReview, reader: str) -> str:
    """Return the sentence that tells somebody who comes too late how a review ended."""
    who = "You have" if met.decided_by == reader else f"{_by(met)} has"
    match met.state:
        case ReviewState.RAISED:
            return f"{who} raised this by {dollars(met.raised_nusd)} already."
        case ReviewState.DENIED:
            return f"{who} decided already to leave this as it is."
        case ReviewState.CHANGED:
            return CHANGED
        case ReviewState.OPEN | ReviewState.ENDED:
            return f"This is over: the budget reset {mrkdwn.date(met.resets_at)}."
        case _:
            assert_never(met.state)


def raise_modal(met: BudgetReview, reader: str, *, waiting: int | None = None) -> Block:
    """Return the view that asks how much more may be spent, and why (values under amount, why).

    Args:
        met: the review.
        reader: the owner who decides.
        waiting: the number of unclaimed requests that the agent is to go on with; None when it is to go on with none.
    """
    whose = _named(met, reader=reader, requester=met.user)
    sentence = f"What you add to {whose} counts until {mrkdwn.date(met.resets_at)}; then its limit is as before."
    amount = PlainTextInputElement(action_id="amount", initial_value=_plain(proposal(met, waiting or 1)), max_length=20)
    hint = f"The request that was refused could cost up to {dollars(met.needed_nusd)}."
    blocks = [
        mrkdwn.section(sentence),
        InputBlock(block_id="amount", label="How much more, in US dollars?", element=amount, hint=hint).to_dict(),
        _reason(),
    ]
    if waiting is None:
        return mrkdwn.modal("budget.raised", met.id, "Raise a budget", "Raise", blocks)
    blocks.insert(1, mrkdwn.section(budget_outcome.asks(waiting)))
    return mrkdwn.modal("budget.raised_and_on", met.id, "Raise and go on", "Raise and go on", blocks)


def deny_modal(met: BudgetReview, reader: str) -> Block:
    """Return the view that asks why a budget is left as it is (value under why)."""
    whose = _named(met, reader=reader, requester=met.user)
    sentence = f"The limit of {whose} stays, and {_meanwhile(met)} until {mrkdwn.date(met.resets_at)}."
    return mrkdwn.modal(
        "budget.denied", met.id, "Leave a budget as it is", "Deny", [mrkdwn.section(sentence), _reason()]
    )


def proposal(met: BudgetReview, requests: int = 1) -> int:
    """Return a sensible raise in nano-USD: a quarter of the limit, but enough for one step of each request.

    Args:
        met: the review.
        requests: the number of requests that are to go on.
    """
    missing = met.spent_nusd + met.held_nusd + requests * met.needed_nusd - met.limit_nusd
    return -(-max(met.limit_nusd // 4, missing, 1) // _CENT) * _CENT


def raised(met: BudgetReview, holder: str | None) -> Body:
    """Return the note for responders that the agent can go on with a ticket for which the budget had no room.

    Args:
        met: the review; if it is not raised, the limit in the budget file was.
        holder: the person who has the ticket; None while nobody has it.
    """
    whose = _named(met, reader=None, requester=met.user)
    did = f"{_by(met)} has raised {whose} until {mrkdwn.date(met.resets_at)}"
    if met.state is ReviewState.CHANGED:
        did = f"The limit of {whose} was changed"
    can = f"{did}, so the agent can work on this again"
    if holder is None:
        return mrkdwn.message(f"{can}: claim it and give it back, or answer it yourself.")
    return mrkdwn.message(f"{mrkdwn.mention(holder)} {can}. You can give it back.")


def _choices(met: BudgetReview) -> list[ButtonElement]:
    """Return the buttons of an open review; the one that helps waiting requests comes first."""
    if not met.waiting:
        return [_button("Raise…", "raise", met, style="primary"), _button("Deny…", "deny", met)]
    go_on = _button("Raise and let the agent go on…", "raise_and_on", met, style="primary")
    return [go_on, _button("Raise…", "raise", met), _button("Deny…", "deny", met)]


def _button(text: str, action: str, met: BudgetReview, *, style: str | None = None) -> ButtonElement:
    return ButtonElement(text=text, action_id=f"budget.{action}", value=str(met.id), style=style)


def _met(met: BudgetReview, whose: str) -> str:
    """Return in words how much of the limit is spent, and which request met it."""
    held = f" and {dollars(met.held_nusd)} set aside for calls under way" if met.held_nusd else ""
    ticket = f" (ticket {met.ticket_id})" if met.ticket_id is not None else ""
    had = "has" if met.state is ReviewState.OPEN else "had"
    return (
        f"{whose[0].upper()}{whose[1:]} {had} no room for the next step of a request: {dollars(met.spent_nusd)} of "
        f"{dollars(met.limit_nusd)} was spent{held}, and that step could cost up to {dollars(met.needed_nusd)}. "
        f"It was {'an evaluation' if _of_evaluation(met) else f'a request of {mrkdwn.mention(met.user)}{ticket}'}."
    )


def _meanwhile(met: BudgetReview) -> str:
    return "evaluations cannot go on" if _of_evaluation(met) else "such requests go to people"


def _of_evaluation(met: BudgetReview) -> bool:
    return met.channel == EVALUATIONS


def _named(met: BudgetNotice | BudgetReview, *, reader: str | None, requester: str | None) -> str:
    bounds = (met.window_start, met.resets_at)
    return budget_names.named(met.scope, met.holder, bounds, reader=reader, requester=requester)


def _by(met: BudgetReview) -> str:
    return mrkdwn.mention(met.decided_by) if met.decided_by else "Somebody"


def _why(met: BudgetReview) -> str:
    return mrkdwn.clamp(mrkdwn.quote(met.why or ""), mrkdwn.SECTION_CHARACTERS)


def _plain(nusd: int) -> str:
    """Return an amount of whole cents as people type it."""
    return str(Decimal(nusd).scaleb(-9).quantize(Decimal("0.01")))


def _reason() -> Block:
    element = PlainTextInputElement(action_id="why", multiline=True, min_length=1, max_length=_WORDS)
    return InputBlock(block_id="why", label="Why?", element=element, hint="Kept with your decision.").to_dict()
