"""The form in which a person edits a proposed evaluation case, and its entry in App Home. Pure.

A submitted form comes from a browser and is not trusted: its metadata names a proposal and the revision that was shown.
The value of each field is under the name of its block, which is that of the draft's field.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    HeaderBlock,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    StaticMultiSelectElement,
    StaticSelectElement,
)

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block
from bot.store.schema import CaseProposal

EDIT: Final = "case.edit"
"Action id of the button that opens the form, and callback id of the form."
DISMISS: Final = "case.dismiss"
"Action ids of the buttons in App Home; their value is `proposal:revision`."
DO, ACCEPT, KEEP = "do", "accept", "keep"
"The field that says what becomes of it, and its values."
ASSIGNEE: Final = "to"
MOST_ITEMS = 3
"The most proposals of one home; see `bot.slack.handoffs.home` for how many blocks there is room for."
MOST_OPTIONS = 100
_TYPED = 3_000
"The most characters that Slack lets people type into a field."
_WORDS = 150
LIST_FIELDS = ("reasons", "ran", "not_ran")
TEXT_FIELDS = ("id", "says", "accounts", "more", "why")
CHOICES = ("slice", "where", "outcome", "ticket", "category")
_HINTS = {
    "id": "The slice, then what is special about it: a-z, 0-9 and hyphens.",
    "says": "Read it for names and other details of real people: those that nobody knew of are still there. A line "
    "with --- comes between two messages, and a colleague's note begins with colleague:",
    "accounts": "As in a case file: kim owns kim@northwind.example, who writes.",
    "more": "writes, directory, never_said, never_kept. An account or a write that is not named must be as it was.",
    "why": "It becomes a comment above the case.",
}


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """What the lists of the form offer."""

    slices: Sequence[str]
    reasons: Sequence[str]
    tickets: Sequence[str]
    categories: Sequence[str]
    tools: Sequence[str]
    assignees: Mapping[str, str]
    "Slack user ids of those who may have it, and what they are called."


@dataclass(frozen=True, slots=True)
class CaseItem:
    """A proposed case in its assignee's home."""

    proposal: CaseProposal
    words: str
    "The first words of its conversation."


def metadata(proposal: CaseProposal) -> str:
    """Return what a button or a form says of the proposal that it is about."""
    return f"{proposal.id}:{proposal.revision}"


def form(proposal: CaseProposal, options: CaseOptions) -> Block:
    """Return the form with the draft as it is."""
    draft = proposal.draft
    blocks = [
        mrkdwn.section(
            "What people said is evidence, and no truth: write down what *should* have come of it. "
            "Accepted, it becomes a file diff for you to apply. Nothing adds it to the suite by itself, because a "
            "changed suite has no verdict until it is evaluated."
        ),
        _select("slice", "Slice", options.slices, draft.slice),
        _text("id", "Name", draft.id, least=1),
        _select("where", "Where it is said", ("dm", "channel"), draft.where),
        _text("says", "Conversation", draft.says, least=1),
        _text("accounts", "Accounts of the directory, as YAML", draft.accounts, optional=True),
        _select("outcome", "Right ending", ("reply", "handoff"), draft.outcome),
        _several("reasons", "Right reasons, of a handoff", options.reasons, draft.reasons),
        _select("ticket", "The ticket is then", options.tickets, draft.ticket),
        _select("category", "Resolved as", options.categories, draft.category),
        _several("ran", "Tools that must have run", options.tools, draft.ran),
        _several("not_ran", "Tools that must not have been called", options.tools, draft.not_ran),
        _text("more", "What else must hold, as YAML", draft.more, optional=True),
        _text("why", "Why it is a case", draft.why, least=1),
        _assignee(options, proposal.assignee),
        _do(),
    ]
    view = mrkdwn.modal(EDIT, proposal.id, "Propose a case", "Submit", blocks)
    return {**view, "private_metadata": metadata(proposal)}


def entries(items: Sequence[CaseItem], count: int) -> Iterator[Block]:
    """Yield what somebody has to decide about proposed cases; nothing where there is none."""
    if items:
        yield HeaderBlock(text=PlainTextObject(text=f"Proposed cases ({count})")).to_dict()
    for item in items[:MOST_ITEMS]:
        yield _entry(item)
        yield _buttons(item.proposal)
    if count > MOST_ITEMS:
        yield mrkdwn.context(f"and {count - MOST_ITEMS} more: `deskhand eval proposals list`")


def _entry(item: CaseItem) -> Block:
    one = item.proposal
    head = f"*Case from ticket {one.ticket_id}* ({mrkdwn.line(one.agent, 80)}), proposed {mrkdwn.date(one.proposed_at)}"
    by = "" if one.proposed_by == one.assignee else f" by {mrkdwn.mention(one.proposed_by)}"
    text = f"{head}{by}\n> {mrkdwn.line(mrkdwn.brief(item.words, _WORDS), _WORDS)}"
    return {**mrkdwn.section(text), "block_id": f"case:{one.id}"}


def _buttons(proposal: CaseProposal) -> Block:
    sure = ConfirmObject(
        title="Dismiss this proposal?",
        text={"type": "plain_text", "text": "It leaves your list and becomes no case. Its handoff stays as it is."},
        confirm="Dismiss",
        deny="Cancel",
        style="danger",
    )
    value = metadata(proposal)
    buttons = [
        ButtonElement(text="Edit and accept", action_id=EDIT, value=value, style="primary"),
        ButtonElement(text="Dismiss", action_id=DISMISS, value=value, style="danger", confirm=sure),
    ]
    return ActionsBlock(block_id=f"case:{proposal.id}:moves", elements=buttons).to_dict()


def _text(name: str, label: str, value: str, *, least: int = 0, optional: bool = False) -> Block:
    is_line = name == "id"
    element = PlainTextInputElement(
        action_id=name,
        multiline=not is_line,
        initial_value=value[:_TYPED] or None,
        min_length=least or None,
        max_length=80 if is_line else _TYPED,
    )
    return _input(name, label, element, optional=optional)


def _select(name: str, label: str, values: Sequence[str], chosen: str) -> Block:
    options = _options(values)
    initial = next((one for one in options if one.value == chosen), None)
    return _input(
        name,
        label,
        StaticSelectElement(action_id=name, placeholder="Choose one", options=options, initial_option=initial),
    )


def _several(name: str, label: str, values: Sequence[str], chosen: Sequence[str]) -> Block:
    options = _options(values)
    initial = [one for one in options if one.value in chosen] or None
    element = StaticMultiSelectElement(action_id=name, placeholder="None", options=options, initial_options=initial)
    return _input(name, label, element, optional=True)


def _assignee(options: CaseOptions, chosen: str) -> Block:
    offered = [Option(value=user, text=name) for user, name in list(options.assignees.items())[:MOST_OPTIONS]]
    initial = next((one for one in offered if one.value == chosen), None)
    element = StaticSelectElement(action_id=ASSIGNEE, placeholder="Choose one", options=offered, initial_option=initial)
    return _input(ASSIGNEE, "Who goes on with it, if it is kept", element)


def _do() -> Block:
    accept, keep = (
        Option(value=ACCEPT, text="Accept it: make the file diff"),
        Option(value=KEEP, text="Keep the draft for later"),
    )
    return _input(DO, "What now?", RadioButtonsElement(action_id=DO, options=[accept, keep], initial_option=accept))


def _options(values: Sequence[str]) -> list[Option]:
    return [Option(value=value, text=value.replace("_", " ")[:75]) for value in values[:MOST_OPTIONS]]


def _input(name: str, label: str, element: InputInteractiveElement, *, optional: bool = False) -> dict[str, Any]:
    return InputBlock(block_id=name, label=label, element=element, hint=_HINTS.get(name), optional=optional).to_dict()
