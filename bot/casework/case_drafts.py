"""Drafts an evaluation case from a resolved handoff: what was said, the account, and how a person ended it. Pure.

What people said is evidence and not truth, so a person edits the draft. Secrets were taken out of the texts when they
were stored; here the personal details that are known are replaced by those of made-up people. A name that is not known
stays, so the person who edits the draft is told to look for one.
"""

import re
from collections.abc import Mapping, Sequence

from bot.agent.card import Agent
from bot.agent.categories import NONE, chosen_by
from bot.agent.redaction import redact
from bot.principals import Effect, Reason
from bot.store.schema import CaseDraft, Handoff, HandoffContext, InboxEvent, InboxKind, Message, Ticket

SEPARATOR = "\n---\n"
"Between two messages of a draft."
COLLEAGUE = "colleague:"
"What a colleague's note begins with."
SAYS_CHARACTERS, WHY_CHARACTERS = 2_900, 900
"The most characters of a draft's conversation and of its reason; Slack's fields take 3,000."
STANDS_FOR_NO_CASE = (
    Reason.ERROR,
    Reason.MODEL_UNAVAILABLE,
    Reason.BUDGET,
    Reason.NOT_RELEASED,
    Reason.REOPENED,
)
"Reasons of a handoff that say nothing about the request: a person has to choose the right one."
PEOPLE = (("Kim", "Fischer"), ("Sam", "Novak"), ("Alex", "Weber"), ("Robin", "Costa"), ("Toni", "Meyer"))
"Made-up people who stand for the real ones, the requester's first."
LEAST_NAME = 3
"Shorter parts of names are left: they are words of their own in most languages."
_MAIL, _PHONE = "kim@northwind.example", "+1 202 555 0147"
_KINDS = {"[email]": _MAIL, "[phone]": _PHONE}
"What redaction leaves of an address or a number, and what a case has instead."
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"https?://[^\s<>|)\]]+", re.IGNORECASE)
_SLACK = re.compile(r"<[@#!][^<>]*>|\b[UWCDG]0[A-Z0-9]{5,}\b")
_NUMBER = re.compile(r"(?<![\w.])[A-Za-z]{0,3}[-#]?\d{5,}(?![\w.])")


def draft_of(
    handoff: Handoff, ticket: Ticket, said: Sequence[InboxEvent | Message], agent: Agent, names: Sequence[str]
) -> CaseDraft:
    """Return a draft.

    Args:
        handoff: a resolved handoff.
        ticket: its ticket.
        said: what was said in the ticket, in order.
        agent: the agent that answers for it; its card has the categories and tools.
        names: the names of the people in it, the requester's first; empty if they are not known.
    """
    resolution, context = handoff.resolution or {}, handoff.context
    could, category = bool(resolution.get("agent_could")), str(resolution.get("category", ""))
    slice_ = category if (agent.folder / "evals" / f"{category}.yaml").is_file() else ""
    draft = CaseDraft(
        id=f"{slice_}-handoff-{handoff.id}".strip("-").replace("_", "-"),
        slice=slice_,
        where="dm" if ticket.private else "channel",
        says=_says(handoff, ticket, said, names),
        accounts=_accounts(context, names),
        why=_why(str(resolution.get("done", "")), names, could=could),
    )
    return _as_done(draft, agent, category) if could else _as_handed_off(draft, agent, handoff)


def without_people(text: str, names: Sequence[str]) -> str:
    """Return a text without secrets and without the personal details that are known.

    Args:
        text: what somebody said.
        names: what the people in it are called; each is exchanged for a made-up person.
    """
    text = redact(_LINK.sub("https://northwind.example/page", _ADDRESS.sub(_MAIL, text)))
    for kind, instead in _KINDS.items():
        text = text.replace(kind, instead)
    text = _SLACK.sub("@colleague", text)
    for number, name in enumerate(names):
        text = _renamed(text, name, PEOPLE[number % len(PEOPLE)])
    found: dict[str, str] = {}
    return _NUMBER.sub(lambda one: found.setdefault(one[0], str(10_001 + len(found))), text)


def _renamed(text: str, name: str, person: tuple[str, str]) -> str:
    """Return a text in which a person is called otherwise: by their whole name, and by each part of it."""
    parts = [part for part in re.split(r"[\s,.]+", name) if len(part) >= LEAST_NAME]
    if len(parts) > 1:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ".join(person), text, flags=re.IGNORECASE)
    for number, part in enumerate(parts):
        alone = rf"(?<![^\W_]){re.escape(part)}(?![^\W_])"
        text = re.sub(alone, person[min(number, 1)], text, flags=re.IGNORECASE)
    return text


def _says(handoff: Handoff, ticket: Ticket, said: Sequence[InboxEvent | Message], names: Sequence[str]) -> str:
    """Return what the agent could have answered: the requester's messages until the handoff, and notes between them."""
    kept: list[str] = []
    for row in said:
        if not isinstance(row, InboxEvent) or row.received_at > handoff.opened_at:
            continue
        words = without_people(row.text, names).replace(SEPARATOR, "\n")
        if row.kind is InboxKind.MESSAGE and row.user == ticket.requester and words:
            kept.append(words)
        elif row.kind is InboxKind.NOTE and words and kept:
            kept.append(f"{COLLEAGUE} {words}")
    text = SEPARATOR.join(kept)
    return text if len(text) <= SAYS_CHARACTERS else f"{text[:SAYS_CHARACTERS].rstrip()} …"


def _accounts(context: HandoffContext, names: Sequence[str]) -> str:
    if not context.of_account or context.accounts == 0:
        return ""
    reason = "" if context.account_reason is None else without_people(context.account_reason, names)
    lines = ["kim:", f"  status: {context.account or 'active'}", *([f"  lock_reason: {reason}"] if reason else [])]
    return "\n".join(lines)


def _why(done: str, names: Sequence[str], *, could: bool) -> str:
    could_words = "could" if could else "could not"
    said = without_people(done, names)
    return f"A person ended it: {said} They say that the agent {could_words} have done it."[:WHY_CHARACTERS]


def _as_done(draft: CaseDraft, agent: Agent, category: str) -> CaseDraft:
    """Return the draft of a case in which the agent answers by itself."""
    known = category in chosen_by("agent", agent.card.categories)
    ending: Mapping[str, object] = {
        "outcome": "reply",
        "ticket": "resolved" if known else "open",
        "category": category if known else NONE,
        "not_ran": ("hand_off",) if "hand_off" in agent.card.tools else (),
    }
    return CaseDraft.from_json(draft.to_json() | dict(ending))


def _as_handed_off(draft: CaseDraft, agent: Agent, handoff: Handoff) -> CaseDraft:
    """Return the draft of a case in which a person has to take over, and nothing is written that was not."""
    reason = Reason(handoff.reason)
    done = {tool for tool, got in handoff.context.tried if not got.startswith("refused")}
    writes = [tool.name for tool in agent.tools if tool.effect is Effect.WRITE and tool.name not in done]
    ending: Mapping[str, object] = {
        "reasons": () if reason in STANDS_FOR_NO_CASE else (str(reason),),
        "not_ran": tuple(writes),
    }
    return CaseDraft.from_json(draft.to_json() | dict(ending))
