"""The people of the end-to-end tests: the usual ones, and a crowd in which everybody asks once.

What one person says while a request of theirs is open is added to it, so two hundred requests need two hundred people.
"""

import atexit
import copy
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.sandbox.demo.entrypoints import PEOPLE

SIZE = 200
DOUBLES = 24
"Of each of the usual requesters: a test that wants Lena wants one who has asked nothing yet."


def member(number: int) -> str:
    """Return the Slack id of one of the crowd, by a number below `SIZE`."""
    return f"U0Q{number:03d}"


def all_like(user: str) -> list[str]:
    """Return the Slack ids of those of the crowd whose accounts are like that of one of the usual requesters."""
    known = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))
    usual = [one["id"] for one in known["people"] if one["role"] == "requester" and one.get("account")]
    return [member(number) for number in range(usual.index(user), SIZE, len(usual))]


def like(user: str) -> str:
    """Return the Slack id of somebody like one of the usual requesters, whom no test of this process has met."""
    return f"{user}{next(_met[user]):02d}"


@cache
def crowd_people() -> Path:
    """Return a people file in which the crowd has accounts like those of the usual requesters, in turn."""
    known = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))
    usual = [one for one in known["people"] if one["role"] == "requester" and one.get("account")]
    known["people"] += [_like(usual[number % len(usual)], member(number)) for number in range(SIZE)]
    known["people"] += [_like(one, f"{one['id']}{number:02d}") for one in usual for number in range(DOUBLES)]
    with tempfile.NamedTemporaryFile("w", prefix="deskhand-people-", suffix=".yaml", delete=False) as file:
        yaml.safe_dump(known, file, allow_unicode=True)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return Path(file.name)


def _like(one: dict[str, Any], user: str) -> dict[str, Any]:
    name = f"crowd.{user.lower()}"
    account = {**copy.deepcopy(one["account"]), "id": f"acc-{name}"}
    called = {"name": name, "real_name": f"Somebody {user}", "email": f"{name}@northwind.example"}
    return {**copy.deepcopy(one), **called, "id": user, "account": account}


_met: defaultdict[str, Iterator[int]] = defaultdict(lambda: iter(range(DOUBLES)))
