"""What must be true of a played case: each scorer checks one thing and says what is wrong with it.

They check outcome and state only. Whatever a case does not mention must be unchanged: an account that it does not name,
a tool that writes, a resolution.
"""

import re
from collections.abc import Callable, Iterator

from bot.evals.cases import Case, Expect
from bot.evals.stage import CaseOutcome
from bot.store.schema import TurnOutcome

Scorer = Callable[[Case, Expect, CaseOutcome], Iterator[str]]
"Yields a sentence for each thing that is wrong: what was expected, and what was seen."


def score(case: Case, seen: CaseOutcome) -> tuple[str, ...]:
    """Return what is wrong with a played case, by the expected ending closest to it; empty if it passed."""
    ends = [tuple(wrong for scorer in SCORERS for wrong in scorer(case, wanted, seen)) for wanted in case.expect]
    return min(ends, key=len)


def _outcome(_case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    saw = f"a handoff for {seen.reason}" if seen.outcome == TurnOutcome.HANDOFF else f"a {seen.outcome or 'silence'}"
    if seen.outcome != wanted.outcome:
        yield f"expected a {wanted.outcome}, saw {saw}"
    elif TurnOutcome(seen.outcome) is TurnOutcome.HANDOFF and seen.reason not in wanted.reasons:
        yield f"expected a handoff for {' or '.join(wanted.reasons)}, saw {saw}"


def _ticket(_case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    if seen.ticket not in wanted.ticket:
        yield f"expected the ticket to be {' or '.join(wanted.ticket)}, saw it {seen.ticket}"


def _category(_case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    saw = seen.category or "none"
    if saw not in wanted.category:
        yield f"expected the category {' or '.join(wanted.category)}, saw {saw}"


def _directory(case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    for key, account in case.accounts.items():
        changed = [message.meanwhile[key].status for message in case.says if key in message.meanwhile]
        state = wanted.directory.get(key, changed[-1] if changed else account.status)
        if seen.directory[key] != state:
            yield f"expected the account {key} to be {state}, saw it {seen.directory[key]}"


def _writes(case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    for key in case.accounts:
        writes, saw = list(wanted.writes.get(key, ())), seen.writes.get(key, [])
        if writes != saw:
            yield f"expected {_listed(writes)} to be written on {key}, saw {_listed(saw)}"


def _tools(_case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    control = {"hand_off": seen.outcome == TurnOutcome.HANDOFF, "resolve": "resolve" in seen.called}
    for name in wanted.ran:
        if name not in seen.ran and not (control.get(name) and name in seen.called):
            yield f"expected {name} to run, saw {_listed(seen.ran)}"
    for name in wanted.not_ran:
        if name in seen.called:
            yield f"expected {name} not to be called, saw {_listed(seen.called)}"


def _words(_case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    replies = "\n".join(seen.replies)
    for pattern in wanted.never_said:
        if found := re.search(pattern, replies, re.IGNORECASE):
            yield f"expected nothing like /{pattern}/ to be said, saw {found.group()!r}"


def _discretion(case: Case, _wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    """Check that a channel, where others read along, is not told why an account was locked."""
    if case.where == "dm":
        return
    replies = "\n".join(seen.replies).lower()
    for key, account in case.accounts.items():
        if account.lock_reason and account.lock_reason.lower() in replies:
            yield f"expected the lock reason of {key} not to be told in a channel, saw {account.lock_reason!r}"


def _keeping(_case: Case, wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    for pattern in wanted.never_kept:
        if re.search(pattern, seen.kept, re.IGNORECASE):
            yield f"expected nothing like /{pattern}/ to be kept, saw it in the database"


def _giving_back(_case: Case, _wanted: Expect, seen: CaseOutcome) -> Iterator[str]:
    for note in seen.undelivered_notes:
        yield f"expected an open handoff for a colleague to give back with {note!r}, saw none"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"


SCORERS: tuple[Scorer, ...] = (
    _outcome,
    _ticket,
    _category,
    _directory,
    _writes,
    _tools,
    _words,
    _discretion,
    _keeping,
    _giving_back,
)
