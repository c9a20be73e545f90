"""What is drafted of a resolved handoff: `bot.casework.case_drafts`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.agent import card
from bot.casework import case_drafts
from bot.principals import Reason
from bot.store.schema import CaseDraft, Handoff, HandoffContext, InboxEvent, InboxKind, Ticket, now
from tests.support.paths import CONFIG

AGENT = card.load(CONFIG / "agents" / "access")
NAMES = ["Lena Fischer-Braun", "Priya Nair"]
OPENED = now()


def said(text: str, *, by: str = "U0LENA", kind: InboxKind = InboxKind.MESSAGE, minutes: float = -1) -> InboxEvent:
    """Return a message of a ticket, by default one from before the handoff."""
    return InboxEvent(user=by, kind=kind, text=text, received_at=OPENED + timedelta(minutes=minutes))


def drafted(
    *rows: InboxEvent,
    could: bool = False,
    category: str = "second_factor",
    reason: str = Reason.OUT_OF_POLICY,
    **known: Any,
) -> CaseDraft:
    """Return the draft of a handoff that Priya resolved."""
    resolution = {"done": "Called Lena, and gave her a key.", "category": category, "agent_could": could}
    facts: dict[str, Any] = {"account": "active", "accounts": 1} | known
    context = HandoffContext(**facts)
    handoff = Handoff(id=7, reason=reason, context=context, resolution=resolution, opened_at=OPENED)
    ticket = Ticket(id=3, requester="U0LENA", private=False)
    return case_drafts.draft_of(handoff, ticket, rows or (said("I lost my phone"),), AGENT, NAMES)


def test_only_what_the_agent_could_have_answered_is_in_it() -> None:
    """The requester's words until the handoff and notes between them: not what others said, nor what came later."""
    draft = drafted(
        said("locked out"),
        said("@Lena is it the laptop?", by="U0BEN", kind=InboxKind.OVERHEARD),
        said("look at the factors", by="U0PRIYA", kind=InboxKind.NOTE),
        said("any news?"),
        said("thank you Priya!", minutes=1),
    )
    assert draft.says == "locked out\n---\ncolleague: look at the factors\n---\nany news?"
    assert (draft.where, draft.accounts) == ("channel", "kim:\n  status: active")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I am Lena Fischer-Braun, LENA for short", "I am Kim Fischer, Kim for short"),
        ("Priya Nair helped me; Nair again please", "Sam Novak helped me; Novak again please"),
        ("write to lena.fischer@corp.example.com", "write to kim@northwind.example"),
        ("call me on +49 170 1234567", "call me on +1 202 555 0147"),
        ("ask <@U0PRIYA> or U0BEN123 in <#C0HELP|help>", "ask @colleague or @colleague in @colleague"),
        ("see https://wiki.corp.example/x?id=3 now", "see https://northwind.example/page now"),
        ("asset DE-448812, DE-448812 and 998877", "asset 10001, 10001 and 10002"),
        ("the Lenasee is a lake; nairobi too", "the Lenasee is a lake; nairobi too"),
    ],
)
def test_personal_details_are_exchanged(text: str, left: str) -> None:
    """Names of the people in it, addresses, numbers, links and ids become made-up ones, and other words stay."""
    assert drafted(said(text)).says == left


def test_a_secret_is_not_in_it() -> None:
    """Even one that was stored by an earlier build."""
    assert "Winter!24x" not in drafted(said("my password is Winter!24x")).says


def test_a_person_says_that_the_agent_could_not() -> None:
    """The case is a handoff for its reason, in which the agent writes nothing that it had not written."""
    draft = drafted(tried=(("unlock_my_account", "done: yes"), ("send_password_reset", "refused: no")))
    assert (draft.outcome, draft.reasons, draft.ticket, draft.category) == (
        "handoff",
        ("out_of_policy",),
        "handed_off",
        "none",
    )
    assert draft.not_ran == ("send_password_reset", "reset_second_factor")
    assert (draft.id, draft.slice) == ("second-factor-handoff-7", "second_factor")
    assert (
        draft.why
        == "A person ended it: Called Kim, and gave her a key. They say that the agent could not have done it."
    )
    assert drafted(reason=Reason.BUDGET).reasons == (), "no case is about a budget"


def test_a_person_says_that_the_agent_could() -> None:
    """The case is an answer, resolved as the agent may resolve it; where it may not, somebody has to choose."""
    draft = drafted(could=True, category="locked", account="locked", account_reason="too many failed sign-ins")
    assert (draft.outcome, draft.reasons, draft.ticket, draft.category) == ("reply", (), "resolved", "locked")
    assert draft.not_ran == ("hand_off",)
    assert draft.accounts == "kim:\n  status: locked\n  lock_reason: too many failed sign-ins"
    other = drafted(could=True, category="access")
    assert (other.ticket, other.category, other.slice, other.id) == ("open", "none", "", "handoff-7")


def test_what_is_too_long_is_cut() -> None:
    """A form takes 3,000 characters."""
    assert len(drafted(said("long " * 2_000)).says) <= 3_000
    assert drafted(accounts=0).accounts == ""
    assert drafted(of_account=False).accounts == ""
    assert replace(drafted(), why="").why == ""
