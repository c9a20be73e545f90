"""The probes of a suite: `probes.yaml` lists ids of its cases, as many as the card says, from each of its slices.

They are pinned: their file is part of the suite, so that nobody changes them without a new evaluation.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from bot import field_errors
from bot.evals import case_text
from bot.evals.case_text import BrokenFiles, Problem, YamlFile

_Ids = TypeAdapter(tuple[Annotated[str, Field(strict=True, min_length=1)], ...])


def read(file: Path, *, count: int, slices: Mapping[str, str] | None) -> tuple[str, ...]:
    """Return the ids of the probe cases.

    Args:
        file: `probes.yaml`; without probes there is none.
        count: how many the card says there are.
        slices: the slice of each case of the suite, by its id; None: it is not known, since a file is broken.

    Raises:
        BrokenFiles: the file is missing or wrong, has other than so many ids, has one twice or one that is no case, or
            a slice has no probe although there are enough for all.
    """
    if not file.exists():
        if count:
            raise BrokenFiles([Problem(file, 1, f"is missing; the card says that there are {count} probes")])
        return ()
    text = case_text.read(file)
    try:
        ids = _Ids.validate_python(text.value)
    except ValidationError as error:
        raise BrokenFiles(
            [text.problem(one["loc"], f"probes: {field_errors.expected(one)}") for one in error.errors()]
        ) from error
    problems = [*_wrong(text, ids, slices)]
    if len(ids) != count:
        problems.append(Problem(file, 1, f"{len(ids)} probes are listed, and the card says {count}"))
    if problems:
        raise BrokenFiles(problems)
    return ids


def _wrong(text: YamlFile, ids: tuple[str, ...], slices: Mapping[str, str] | None) -> Iterator[Problem]:
    for number, one in enumerate(ids):
        if one in ids[:number]:
            yield text.problem((number,), f"{one}: is listed twice")
        elif slices is not None and one not in slices:
            yield text.problem((number,), f"{one}: no case has this id")
    every = set() if slices is None else set(slices.values())
    if slices is not None and len(ids) >= len(every):
        for name in sorted(every - {slices[one] for one in ids if one in slices}):
            yield Problem(text.file, 1, f"no probe is of the slice {name}")
