"""Who answers for a budget: `bot.budget_owners`."""

from dataclasses import replace

import pytest

from bot import budget_owners
from bot.agent import card
from bot.agent.card import Agent
from bot.budget.caps import Budgets
from bot.store import members
from bot.store.db import Database
from bot.store.money import blocked_tickets
from bot.store.schema import Message, MessageState
from tests.support.budget_rows import notice, review
from tests.support.factories import store
from tests.support.paths import CONFIG

NAMED = Budgets.model_validate(
    {"time_zone": "UTC", "channel": {"named": {"C0HELP": {"window": "day", "hard": "5", "owner": "U0BEN"}}}}
)
UNNAMED = Budgets(time_zone="UTC")


@pytest.fixture(scope="module")
def agents() -> dict[str, Agent]:
    """Return two agents; two people own the first."""
    [access] = card.load_all(CONFIG).values()
    first = access.card.model_copy(update={"owners": ("U0OLIVIA", "U0RUTH")})
    second = access.card.model_copy(update={"name": "vpn", "owners": ("U0IVAN",), "channels": ("C0VPN",)})
    return {"access": replace(access, card=first), "vpn": replace(access, card=second)}


def test_the_named_owner_decides_alone(sqlite: Database, agents: dict[str, Agent]) -> None:
    """Whom the file names answers for that budget; for the others, the owners of the agent."""
    other = review(account="user:U0MAYA:2026-11-22", scope="user", holder="U0MAYA")
    with sqlite.read() as session:
        assert budget_owners.deciders(session, review(), NAMED, agents) == ("U0BEN",)
        assert budget_owners.deciders(session, review(), UNNAMED, agents) == ("U0OLIVIA", "U0RUTH")
        assert budget_owners.deciders(session, other, NAMED, agents) == ("U0OLIVIA", "U0RUTH")
        assert budget_owners.alert_recipient(session, notice(), NAMED, agents) == "U0BEN"
        assert budget_owners.alert_recipient(session, notice(), UNNAMED, agents) == "U0OLIVIA"


@pytest.mark.parametrize(
    "changes", [{"time_zone": "America/New_York"}, {"time_zone": "Asia/Tokyo"}, {"window": "week"}]
)
def test_who_decides_stays_when_windows_change(
    sqlite: Database, agents: dict[str, Agent], changes: dict[str, str]
) -> None:
    """The account of the review is none of the file's any more, but whose budget it is has not changed."""
    limit = {"window": changes.get("window", "day"), "hard": "5", "owner": "U0BEN"}
    zone = changes.get("time_zone", "UTC")
    changed = Budgets.model_validate({"time_zone": zone, "channel": {"named": {"C0HELP": limit}}})
    with sqlite.read() as session:
        assert budget_owners.deciders(session, review(), changed, agents) == ("U0BEN",)
        assert budget_owners.alert_recipient(session, notice(), changed, agents) == "U0BEN"


def test_who_was_tried_is_told_last(sqlite: Database, agents: dict[str, Agent]) -> None:
    """The next in line is told of a soft cap; when all were tried, it falls to one of them again."""
    with sqlite.read() as session:
        for tried, owner in (
            ({"U0BEN"}, "U0OLIVIA"),
            ({"U0BEN", "U0OLIVIA"}, "U0RUTH"),
            ({"U0BEN", "U0OLIVIA", "U0RUTH"}, "U0OLIVIA"),
        ):
            assert budget_owners.alert_recipient(session, notice(), NAMED, agents, tried=tried) == owner


def test_who_has_left_answers_for_nothing(sqlite: Database, agents: dict[str, Agent]) -> None:
    """The next in line does; when all have left, they are named all the same."""
    for gone, may in (
        ("U0BEN", ("U0OLIVIA", "U0RUTH")),
        ("U0OLIVIA", ("U0RUTH",)),
        ("U0RUTH", ("U0OLIVIA", "U0RUTH")),
    ):
        with sqlite.write() as session:
            members.note_departure(session, gone)
            assert budget_owners.deciders(session, review(), NAMED, agents) == may


def test_who_cannot_be_written_to_is_passed_over(sqlite: Database, agents: dict[str, Agent]) -> None:
    """A named owner whom Slack does not know could never press the button."""
    number = store(sqlite, "review:7:U0BEN", lane=blocked_tickets.lane(7))
    with sqlite.write() as session:
        session.get_one(Message, number).state = MessageState.FAILED
        assert budget_owners.deciders(session, review(), NAMED, agents) == ("U0OLIVIA", "U0RUTH")


@pytest.mark.parametrize(
    ("changes", "owner"),
    [
        ({"agent": "vpn"}, "U0IVAN"),
        ({"agent": None, "scope": "agent", "holder": "vpn"}, "U0IVAN"),
        ({"agent": None, "holder": "C0VPN"}, "U0IVAN"),
        ({"agent": None, "scope": "user", "holder": "U0MAYA"}, "U0OLIVIA"),
        ({"agent": "gone"}, "U0OLIVIA"),
    ],
)
def test_the_agent_is_found_by_what_is_known(
    sqlite: Database, agents: dict[str, Agent], changes: dict[str, str | None], owner: str
) -> None:
    """Whose call it was; else whose budget or whose channel it is; else the first agent."""
    with sqlite.read() as session:
        assert budget_owners.alert_recipient(session, notice(**changes), UNNAMED, agents) == owner


def test_the_owner_of_a_window_that_is_over_is_found(sqlite: Database, agents: dict[str, Agent]) -> None:
    """A review from another day is its owner's still."""
    old = review(account="channel:C0HELP:2020-01-01", window_start=review().window_start.replace(2020, 1, 1))
    with sqlite.read() as session:
        assert budget_owners.deciders(session, old, NAMED, agents) == ("U0BEN",)


@pytest.mark.parametrize(
    ("user", "budgets", "may"),
    [
        ("U0BEN", NAMED, ("U0OLIVIA", "U0RUTH")),
        ("U0OLIVIA", UNNAMED, ("U0RUTH",)),
        ("U0OLIVIA", NAMED, ("U0BEN",)),
    ],
)
def test_whose_request_it_was_does_not_decide(
    sqlite: Database, agents: dict[str, Agent], user: str, budgets: Budgets, may: tuple[str, ...]
) -> None:
    """Somebody else is asked whether it may cost more, as long as there is anybody else."""
    with sqlite.read() as session:
        assert budget_owners.deciders(session, review(user=user), budgets, agents) == may
        alone = {"access": replace(agents["access"], card=agents["vpn"].card)}
        assert budget_owners.deciders(session, review(user="U0IVAN"), UNNAMED, alone) == ("U0IVAN",)
