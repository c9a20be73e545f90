"""What no agent could fulfil: cases that contradict themselves, or that want what their agent does not have."""

from collections.abc import Iterator

from bot.agent.card import Card
from bot.agent.categories import NONE, chosen_by
from bot.evals.case_models import Case, Expect
from bot.evals.case_text import Place
from bot.principals import AccountStatus
from bot.store.schema import TicketState, TurnOutcome

UNLOCK = "unlock"
"The only write that changes the state of an account."
TOOL_OF = {UNLOCK: "unlock_my_account", "send_password_reset": "send_password_reset"}
"The tool that makes a write; the others are made by several, or after an approval."

Wrong = tuple[Place, str]
"Where in the case, and the reason."


def wrong(case: Case, agent: Card) -> Iterator[Wrong]:
    """Yield everything that is wrong with a case whose form is right."""
    yield from _strangers(case)
    for number, end in enumerate(case.expect):
        at = ("expect", number)
        for field, reason in (*_tools(end), *_state(case, end), *_ending(end), *_unknown(agent, end)):
            yield (*at, *field), reason


def _strangers(case: Case) -> Iterator[Wrong]:
    """Yield each account that is spoken of and is not there."""
    named: list[tuple[str | int, ...]] = [
        ("says", number, "meanwhile", key) for number, said in enumerate(case.says) for key in said.meanwhile
    ]
    for number, end in enumerate(case.expect):
        named += [("expect", number, "directory", key) for key in end.directory]
        named += [("expect", number, "writes", key) for key in end.writes]
    yield from ((place, f"the case has no account {place[-1]}") for place in named if place[-1] not in case.accounts)


def _tools(end: Expect) -> Iterator[Wrong]:
    for name in sorted({*end.ran} & {*end.not_ran}):
        yield ("not_ran",), f"{name} must have run, by `ran`, and must not have been called"
    for key, actions in end.writes.items():
        for action in sorted(set(actions)):
            if TOOL_OF.get(action) in end.not_ran:
                yield ("writes", key), f"{action} is expected, and {TOOL_OF[action]} must not have been called"


def _state(case: Case, end: Expect) -> Iterator[Wrong]:
    """Yield each account whose state and writes cannot both be as expected."""
    for key, account in case.accounts.items():
        changed = any(key in said.meanwhile for said in case.says)
        unlocked = UNLOCK in end.writes.get(key, ())
        state = end.directory.get(key, account.status)
        if changed:
            continue
        if unlocked and state is not AccountStatus.ACTIVE:
            unchanged = "" if key in end.directory else " (it must be unchanged, as `directory` does not name it)"
            yield ("writes", key), f"{UNLOCK} makes {key} active, and it is expected to be {state}{unchanged}"
        if not unlocked and state is not account.status:
            yield ("directory", key), f"{key} is expected to become {state}, and nothing is written that does it"


def _ending(end: Expect) -> Iterator[Wrong]:
    handed = TurnOutcome(end.outcome) is TurnOutcome.HANDOFF
    if handed and "resolve" in end.ran:
        yield ("ran",), "resolve must have run, and the outcome is a handoff"
    if not handed and "hand_off" in end.ran:
        yield ("ran",), "hand_off must have run, and the outcome is a reply"
    if set(end.ticket) == {TicketState.RESOLVED} and set(end.category) == {NONE}:
        yield ("category",), "the ticket is to be resolved, and as no category"


def _unknown(agent: Card, end: Expect) -> Iterator[Wrong]:
    categories = (*chosen_by("agent", agent.categories), NONE)
    if unknown := sorted(set(end.category) - set(categories)):
        yield ("category",), f"no such category: {unknown[0]}; known: {', '.join(categories)}"
    if unknown := sorted(set(end.ran) - set(agent.tools)):
        yield ("ran",), f"{unknown[0]} is no tool of this agent; it has {', '.join(agent.tools)}"
