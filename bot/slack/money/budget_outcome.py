"""Sentences for an owner about the requests that wait for a used-up budget, and about what a raise did for them."""

from datetime import datetime

from bot.slack.money import budget_names
from bot.store.money import after_raise
from bot.store.money.after_raise import Cause
from bot.store.schema import BudgetReview


def waits(met: BudgetReview) -> str:
    """Return how many unclaimed requests wait for a budget, or an empty text for none."""
    return f" *{_requests(met.waiting)} {_verb(met.waiting, 'wait')}.*" if met.waiting else ""


def asks(waiting: int) -> str:
    """Return what an owner decides about the waiting requests."""
    if not waiting:
        return "No request waits for it by now. One that still comes from before the raise goes on, too."
    whom = "it" if waiting == 1 else "them"
    return (
        f"*{_requests(waiting)} {_verb(waiting, 'wait')}.* Once the budget is raised, the agent goes on with {whom}. "
        "What somebody has claimed meanwhile stays theirs."
    )


def of_raise(met: BudgetReview, reader: str, whose: str) -> str:
    """Return what became of the waiting requests after a raise, or an empty text for none.

    Args:
        met: the raised review.
        reader: the owner who reads this.
        whose: the name of the budget.
    """
    if met.goes_on_by is None:
        return f"{_requests(met.waiting)} {_verb(met.waiting, 'wait')} for a person as before." if met.waiting else ""
    if met.still is None:
        return "The agent is about to go on with the requests that wait."
    left = [_left(cause, count, reader, whose) for cause, count in after_raise.causes(met)]
    went = f"The agent goes on with {_requests(met.gone_on)}"
    if not met.gone_on and not left:  # people have them, or a later raise let them go on
        went = "No request waits for it any more" if met.waiting else "No request waited for it"
    return f"{'; '.join([went, *left])}."


def _left(cause: Cause, count: int, reader: str, whose: str) -> str:
    """Return how many requests still wait for people, and why."""
    return f"{count} still {_verb(count, 'wait')} for people: {_why(cause, reader, whose)}"


def _why(cause: Cause, reader: str, whose: str) -> str:
    match cause.why:
        case "used_up":
            return f"{_other(cause, reader)} is used up as well"
        case "raised_later":
            return f"what becomes of them is decided with {_other(cause, reader)}, which was raised later"
        case "again":
            return f"what was added to {whose} is used up as well"
        case "too_little":
            return f"what is left of {whose} is less than a step of a request may cost"
        case "agent":
            return "the agent does not answer now"


def _other(cause: Cause, reader: str) -> str:
    bounds = (datetime.fromisoformat(cause.window_start), datetime.fromisoformat(cause.resets_at))
    return budget_names.named(cause.scope, cause.holder, bounds, reader=reader, requester=None)


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"


def _verb(count: int, verb: str) -> str:
    return f"{verb}s" if count == 1 else verb
