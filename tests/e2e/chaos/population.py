"""Who lives in the workspace of a trial, and the configuration that serves them.

Every ticket has a person of its own while it is under way, and every person an account, so that a change of
the directory can be counted for the ticket that needed it.
"""

import shutil
from pathlib import Path

import yaml

from tests.e2e.generous_config import widen
from tests.support.paths import CONFIG, DEMO_PEOPLE

_PEOPLE = 120
CAP_USD = "100000.00"


def people() -> list[str]:
    """Return the ids of everybody who asks."""
    return [f"U0P{number:03d}" for number in range(_PEOPLE)]


def account_of(user: str) -> str:
    """Return a person's account."""
    return f"acc-{user.removeprefix('U0').lower()}"


def write_people(file: Path) -> None:
    """Write the people file: the usual responders, and many who ask."""
    usual = yaml.safe_load((DEMO_PEOPLE).read_text(encoding="utf-8"))
    staff = [person for person in usual["people"] if person["role"] != "requester"]
    usual["people"] = [*staff, *map(_person, people())]
    file.write_text(yaml.safe_dump(usual), encoding="utf-8")


def write_config(folder: Path, *, shipped: bool = False) -> None:
    """Copy the configuration; a trial's many tickets must not use up a day's budget, nor its people their share.

    Args:
        folder: where to.
        shipped: as it is shipped.
    """
    shutil.copytree(CONFIG, folder)
    if shipped:
        return
    widen(folder)
    budgets = folder / "budgets.yaml"
    given = yaml.safe_load(budgets.read_text(encoding="utf-8"))
    given["channel"]["default"]["hard"] = CAP_USD
    budgets.write_text(yaml.safe_dump(given), encoding="utf-8")
    file = folder / "agents/access/card.yaml"
    card = yaml.safe_load(file.read_text(encoding="utf-8"))
    for bounds in card["accounts"]["at_most"].values():
        bounds.update(per_hour=100, per_day=1_000)
    file.write_text(yaml.safe_dump(card), encoding="utf-8")


def _person(user: str) -> dict[str, object]:
    name = f"Person {user.removeprefix('U0P')}"
    email = f"{user.lower()}@northwind.example"
    account = {"id": account_of(user), "status": "active", "factors": ["push"], "password_changed": 30}
    return {
        "id": user,
        "name": user.lower(),
        "real_name": name,
        "email": email,
        "tz": "Europe/Berlin",
        "role": "requester",
        "title": "Somebody",
        "account": account,
    }
