"""The cases of a suite: `config/agents/<name>/evals/*.yaml`, one slice per file.

`coverage.yaml` says how many cases a verdict needs of each slice, and `probes.yaml` which cases are probes. A wrong
file is refused with its name, the line and the reason, and nothing is played then: a suite that lost a case must not
give a verdict of fewer cases.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from bot import field_errors
from bot.agent import suite_files
from bot.agent.card import Agent, Card
from bot.errors import ConfigError
from bot.evals import case_checks, case_text, probe_ids
from bot.evals.case_models import DOMAIN, REQUESTER, Case, CaseMessage, CasePart, Expect
from bot.evals.case_text import BrokenFiles, Place, Problem, YamlFile
from bot.evals.judge.instructions import instructions_of

__all__ = ["DOMAIN", "REQUESTER", "Case", "CaseMessage", "Expect", "Suite", "load"]

PLAYING = ("case_models.py", "plays.py", "stage.py", "scorers.py")
"The code that plays and scores a case."
COVERAGE = "coverage.yaml"
PROBES = "probes.yaml"
"The ids of the cases that are played again and again while a release serves."

_Valid = TypeVar("_Valid")


class _File(CasePart):
    hard: bool
    fixtures: dict[str, Any] = Field(default_factory=dict)
    "Holds YAML anchors that cases use."
    cases: tuple[dict[str, Any], ...] = Field(min_length=1)


_Coverage = TypeAdapter(Annotated[dict[str, Annotated[int, Field(strict=True, ge=1)]], Field(min_length=1)])
"The least number of cases, by slice."


@dataclass(frozen=True, slots=True)
class Suite:
    """All cases of an agent."""

    cases: tuple[Case, ...]
    fingerprint: str
    "SHA-256 of the case files and the code that plays and scores them; a verdict is valid only for it."
    probes: tuple[Case, ...] = ()
    "Those that are played twice a day while a release serves, to see whether it is as it was."


def load(agent: Agent) -> Suite:
    """Read the suite of an agent from `evals/` in its folder.

    Raises:
        ConfigError: there is no case, or what the judge is told cannot be read; or, as `BrokenFiles` with every
                problem, a file is wrong, two cases share an id, a slice is not in the manifest or has too few cases, a
                case contradicts itself or wants something that the agent's card does not have, or the probes are not
                as the card says.
    """
    folder = agent.folder / "evals"
    manifest = folder / COVERAGE
    files = sorted(set(folder.glob("*.yaml")) - {manifest, folder / PROBES})
    if not files:
        raise ConfigError(f"{folder}: no case; expected <slice>.yaml")
    problems, found = list[Problem](), list[_Found]()
    for file in files:
        try:
            found += _cases(case_text.read(file), agent.card, problems)
        except BrokenFiles as broken:
            problems += broken.problems
    problems += _taken_twice(found)
    broken_files, ids = {problem.file for problem in problems}, list[str]()
    try:
        problems += _uncovered(manifest, files, found, broken=broken_files)
    except BrokenFiles as broken:
        problems += broken.problems
    try:
        known = None if broken_files else {one.case.id: one.case.slice for one in found}
        ids += probe_ids.read(folder / PROBES, count=agent.card.evals.probes, slices=known)
    except BrokenFiles as broken:
        problems += broken.problems
    if problems:
        raise BrokenFiles(problems)
    if agent.card.evals.judge is not None:
        instructions_of(agent, agent.card.evals.judge)  # so that what is missing is found before the first play
    all_cases, pinned = tuple(one.case for one in found), set(ids)
    probes = tuple(case for case in all_cases if case.id in pinned)
    return Suite(all_cases, suite_files.suite_of(agent), probes)


@cache
def code() -> str:
    """Return the SHA-256 of the code that plays and scores cases, as this process runs it."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in PLAYING)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Found:
    """A case, and where it is."""

    case: Case
    text: YamlFile
    number: int


def _cases(text: YamlFile, agent: Card, problems: list[Problem]) -> Iterator[_Found]:
    """Yield the cases of a file that are right, and note what is wrong with the others.

    Raises:
        BrokenFiles: the file as a whole is wrong.
    """
    content = _checked(text, partial(_File.model_validate, text.value), name="", place=())
    for number, given in enumerate(content.cases):
        name, place = str(given.get("id", f"case {number + 1}")), ("cases", number)
        values = {**given, "slice": text.file.stem, "hard": content.hard}
        try:
            case = _checked(text, partial(Case.model_validate, values), name=f"{name}: ", place=place)
        except BrokenFiles as broken:
            problems += broken.problems
            continue
        for field, reason in case_checks.wrong(case, agent):
            problems.append(text.problem((*place, *field), f"{name}: {_dotted(field)}: {reason}"))
        yield _Found(case, text, number)


def _taken_twice(found: Sequence[_Found]) -> Iterator[Problem]:
    first = dict[str, _Found]()
    for one in found:
        other = first.setdefault(one.case.id, one)
        if other is not one:
            place = f"{other.text.file.name}, line {other.text.line(('cases', other.number, 'id'))}"
            yield one.text.problem(("cases", one.number, "id"), f"{one.case.id}: id: taken by the case at {place}")


def _uncovered(
    manifest: Path, files: Sequence[Path], found: Sequence[_Found], *, broken: set[Path]
) -> Iterator[Problem]:
    """Yield each slice with fewer cases than the manifest asks for, and each that it does not know.

    Args:
        manifest: the file of the manifest.
        files: the files of the slices.
        found: the cases in them.
        broken: files whose cases cannot be counted.

    Raises:
        BrokenFiles: the manifest is wrong.
    """
    if not manifest.exists():
        raise BrokenFiles([Problem(manifest, 1, "is missing; it says how many cases each slice has at the least")])
    text = case_text.read(manifest)
    floors = _checked(text, partial(_Coverage.validate_python, text.value), name="", place=())
    played = Counter(one.case.slice for one in found)
    for name, floor in floors.items():
        if played[name] < floor and manifest.with_name(f"{name}.yaml") not in broken:
            yield text.problem((name,), f"{name}: {played[name]} of at least {floor} cases are there")
    for file in files:
        if file.stem not in floors:
            yield Problem(file, 1, f"unknown slice: {manifest.name} does not say how many cases {file.stem} must have")


def _checked(text: YamlFile, validate: Callable[[], _Valid], *, name: str, place: Place) -> _Valid:
    """Return what is validated.

    Raises:
        BrokenFiles: it has another form.
    """
    try:
        return validate()
    except ValidationError as error:
        raise BrokenFiles(
            [
                text.problem(
                    (*place, *one["loc"]), f"{name}{_dotted(one['loc']) or 'case'}: {field_errors.expected(one)}"
                )
                for one in field_errors.distinct(error.errors())
            ]
        ) from error


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))
