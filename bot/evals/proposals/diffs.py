"""The files of a suite as they would be with one more case, and the unified diff that makes them so. Pure.

The case becomes the last of its slice's file, wherever the file has its cases, and the number of the slice in the
coverage manifest is raised by one, so that a file which loses the case is noticed.
"""

import difflib
import re
from collections.abc import Iterator, Mapping

from bot.evals.cases import COVERAGE

_CASES = re.compile(r"^cases:", re.MULTILINE)
_KEY = re.compile(r"^[A-Za-z_]\w*:", re.MULTILINE)
_FIRST_ENTRY = re.compile(r"^cases:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", re.MULTILINE)
NO_NEWLINE = "\\ No newline at end of file\n"


def with_case(files: Mapping[str, str], slice_: str, entry: str) -> dict[str, str]:
    """Return the texts of the files that change.

    Args:
        files: the texts of the suite's files by name, such as `locked.yaml`.
        slice_: the slice that gets a case.
        entry: the case, as the last entry of a file's `cases`.
    """
    name = f"{slice_}.yaml"
    cases, below = _parted(files[name])
    changed = {name: f"{cases.rstrip()}\n\n{entry}" + (f"\n{below}" if below else "")}
    if COVERAGE in files:
        floor = re.compile(rf"^({re.escape(slice_)}\s*:\s*)(\d+)", re.MULTILINE)
        changed[COVERAGE] = floor.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", files[COVERAGE], count=1)
    return changed


def indent_of(text: str) -> str:
    """Return how far the entries of a file's `cases` are indented."""
    found = _FIRST_ENTRY.search(text)
    return found[1] if found is not None else "  "


def unified(before: Mapping[str, str], after: Mapping[str, str], *, folder: str) -> str:
    """Return the diff of files, which `git apply` takes in the folder that holds `folder`."""
    return "".join(part for name in sorted(after) for part in _of_file(before[name], after[name], f"{folder}/{name}"))


def _parted(text: str) -> tuple[str, str]:
    """Return a file up to the end of its `cases`, and the keys that follow."""
    cases = _CASES.search(text)
    after = None if cases is None else _KEY.search(text, cases.end())
    return (text, "") if after is None else (text[: after.start()], text[after.start() :])


def _of_file(before: str, after: str, path: str) -> Iterator[str]:
    found = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    for line in found:
        yield line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}"


def _lines(text: str) -> list[str]:
    """Return the lines of a text as git counts them: only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
