"""A draft as a case: its fields become what a case file holds. Pure."""

from collections.abc import Mapping
from typing import Any

import yaml

from bot import yaml_text
from bot.casework.case_drafts import COLLEAGUE, SEPARATOR
from bot.casework.proposing import CaseWrong
from bot.store.schema import CaseDraft

WIDTH = 112
"The most characters of a line of a case file, without its indent."
_FIELDS = ("outcome", "reasons", "ticket", "category")


def case_of(draft: CaseDraft) -> dict[str, Any] | tuple[CaseWrong, ...]:
    """Return what a case file would hold of a draft; or what is wrong with the YAML in it."""
    problems: list[CaseWrong] = []
    accounts, more = _mapping(draft, "accounts", problems), _mapping(draft, "more", problems)
    problems += [CaseWrong("more", f"{name} has a field of its own") for name in sorted({*more} & {*_OWN_FIELDS})]
    says = _says(draft.says)
    if not says:
        problems.append(CaseWrong("says", "there is no message in it"))
    if problems:
        return tuple(problems)
    expect: dict[str, Any] = {"outcome": draft.outcome, "ticket": draft.ticket, "category": draft.category}
    lists = {"reasons": draft.reasons, "ran": draft.ran, "not_ran": draft.not_ran}
    expect |= {name: list(value) for name, value in lists.items() if value}
    expect = {name: expect[name] for name in (*_FIELDS, "ran", "not_ran") if name in expect}
    where = {"where": draft.where} if draft.where != "dm" else {}
    return {
        "id": draft.id,
        **where,
        **({"accounts": accounts} if accounts else {}),
        "says": says,
        "expect": expect | more,
    }


_OWN_FIELDS = (*_FIELDS, "ran", "not_ran")


def as_yaml(draft: CaseDraft, case: Mapping[str, Any], *, from_handoff: int, indent: str = "  ") -> str:
    """Return the lines of a case as the last entry of a file's `cases`, with its reason as a comment above."""
    dumped = yaml.safe_dump([dict(case)], sort_keys=False, allow_unicode=True, width=WIDTH)
    why = [f"Proposed from handoff {from_handoff}.", *" ".join(draft.why.split("\r")).splitlines()]
    comment = [f"# {line.strip()}" for line in why if line.strip()]
    return "".join(f"{indent}{line}\n" if line else "\n" for line in (*comment, *dumped.splitlines()))


def _says(text: str) -> list[Any]:
    parts, lines = list[str](), list[str]()
    for line in [*text.splitlines(), SEPARATOR.strip()]:
        if line.strip() == SEPARATOR.strip():
            parts.append("\n".join(lines).strip())
            lines = []
        else:
            lines.append(line)
    return [_message(part) for part in parts if part]


def _message(text: str) -> Any:
    if not text.lower().startswith(COLLEAGUE):
        return text
    return {"by": "colleague", "text": text[len(COLLEAGUE) :].strip()}


def _mapping(draft: CaseDraft, field: str, problems: list[CaseWrong]) -> dict[str, Any]:
    """Return the YAML of a field, and note what is wrong with it."""
    text = str(getattr(draft, field))
    try:
        value = yaml_text.load(text)
    except (yaml.YAMLError, ValueError) as error:
        said = " ".join(str(getattr(error, "problem", None) or error).split())
        problems.append(CaseWrong(field, f"this is not YAML: {said}"))
        return {}
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        problems.append(CaseWrong(field, "expected names with values, such as `kim: {status: locked}`"))
        return {}
    return value
