"""Whether an agent's suite can take a drafted case: the loader reads the files as they would be.

Invariant: only a copy is written. A case that is accepted loads beside all the others, and tries something new.
"""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from bot.agent.card import Agent
from bot.agent.suite_files import FOLDER
from bot.casework.proposing import CaseDesk, CaseWrong
from bot.errors import ConfigError
from bot.evals import cases, near_duplicates
from bot.evals.case_text import BrokenFiles, Problem
from bot.evals.cases import COVERAGE, Suite
from bot.evals.proposals import diffs, written
from bot.store.schema import CaseDraft

_FIELD_OF = {
    **{one: one for one in ("id", "where", "says", "accounts")},
    **{one: one for one in ("outcome", "reasons", "ticket", "category", "ran", "not_ran")},
    **dict.fromkeys(("directory", "writes", "never_said", "never_kept"), "more"),
}
"Which field of a draft holds a part of a case."


@dataclass(frozen=True, slots=True)
class CheckedCase:
    """A draft that the suite can take."""

    before: dict[str, str]
    "The texts of the files that change, by name below `evals/`."
    after: dict[str, str]
    diff: str
    "The unified diff between them, to be applied in the folder that holds the configuration's."


def slices(agent: Agent) -> tuple[str, ...]:
    """Return the slices of an agent's suite."""
    return tuple(sorted(file.stem for file in (agent.folder / FOLDER).glob("*.yaml") if file.name != COVERAGE))


def check(agent: Agent, draft: CaseDraft, *, handoff: int) -> CheckedCase | tuple[CaseWrong, ...]:
    """Return the files as they would be with a case, or what is wrong with it.

    Args:
        agent: the agent, whose folder has the suite as it is now.
        draft: the case.
        handoff: the handoff from which it was proposed.
    """
    case, names = written.case_of(draft), slices(agent)
    problems = [] if isinstance(case, dict) else list(case)
    if draft.slice not in names:
        problems.append(CaseWrong("slice", f"choose one of {', '.join(names)}"))
    if problems or not isinstance(case, dict):
        return tuple(problems)
    try:
        files = {file.name: file.read_text("utf-8") for file in (agent.folder / FOLDER).glob("*.yaml")}
        indent = diffs.indent_of(files[f"{draft.slice}.yaml"])
        entry = written.as_yaml(draft, case, from_handoff=handoff, indent=indent)
        after = diffs.with_case(files, draft.slice, entry)
        suite = _loaded(agent, after)
    except BrokenFiles as broken:
        return tuple(_of_draft(problem, draft) for problem in broken.problems)
    except (OSError, ConfigError) as error:
        return (CaseWrong("slice", f"the suite cannot be read: {error}"),)
    return _alone(suite, draft) or _made(agent, files, after)


def desk() -> CaseDesk:
    """Return what the form of a proposal asks of the suites of agents."""

    def diff(agent: Agent, draft: CaseDraft, handoff: int) -> str | tuple[CaseWrong, ...]:
        checked = check(agent, draft, handoff=handoff)
        return checked.diff if isinstance(checked, CheckedCase) else checked

    return CaseDesk(slices=slices, check=diff)


def _loaded(agent: Agent, after: dict[str, str]) -> Suite:
    """Return the suite of a copy of an agent's folder with other files in it.

    Raises:
        ConfigError: the loader refuses it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / agent.folder.name
        shutil.copytree(agent.folder / FOLDER, folder / FOLDER)
        for name, text in after.items():
            (folder / FOLDER / name).write_text(text, "utf-8")
        return cases.load(replace(agent, folder=folder))


def _alone(suite: Suite, draft: CaseDraft) -> tuple[CaseWrong, ...]:
    """Return what is wrong with a case beside the others: it is nearly one of them."""
    mine = next(case for case in suite.cases if case.id == draft.id)
    return tuple(
        CaseWrong("says", f"it is nearly {other}: the same is staged and expected, and {share:.0%} of the words are")
        for other, share in near_duplicates.of(mine, suite.cases)
    )


def _made(agent: Agent, files: dict[str, str], after: dict[str, str]) -> CheckedCase:
    before = {name: files[name] for name in after}
    place = f"{agent.folder.parent.parent.name}/{agent.folder.parent.name}/{agent.folder.name}/{FOLDER}"
    return CheckedCase(before, after, diffs.unified(before, after, folder=place))


def _of_draft(problem: Problem, draft: CaseDraft) -> CaseWrong:
    """Return what the loader says of a draft, at the field that it is about."""
    name, separator, rest = problem.reason.partition(": ")
    if not separator or name != draft.id:
        return CaseWrong("slice", f"{problem.file.name}, line {problem.line}: {problem.reason}")
    place, _, reason = rest.partition(": ")
    parts = place.split(".")
    named = reason.partition(":")[0].split(".")
    if named[0] in _FIELD_OF:  # about several fields: it begins with the one that it names
        parts += named
    known = [_FIELD_OF[part] for part in parts if part in _FIELD_OF]
    return CaseWrong(known[-1] if known else "more", f"{place}: {reason}" if len(parts) > 1 else reason)
