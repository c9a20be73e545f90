from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.budget.caps import Budgets, Cap
from bot.errors import ConfigError

FILE = Path(__file__).parents[3] / "config" / "budgets.yaml"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def load(folder: Path, text: str) -> Budgets:
    file = folder / "budgets.yaml"
    file.write_text(text)
    return Budgets.load(file)


def caps(budgets: Budgets, at: datetime = NOON, channel: str = "C0HELP") -> tuple[Cap, ...]:
    return budgets.accounts(team="T1", channel=channel, user="U1", agent="access", at=at)


def test_the_file_of_the_house_caps_each_channel_by_the_day() -> None:
    """As delivered, a channel may spend five dollars a UTC day, and nobody else is capped."""
    assert caps(Budgets.load(FILE)) == (
        Cap(
            key="channel:C0HELP:2026-11-22",
            scope="channel",
            holder="C0HELP",
            window_start=datetime(2026, 11, 22, tzinfo=UTC),
            resets_at=datetime(2026, 11, 23, tzinfo=UTC),
            limit_nusd=5_000_000_000,
            soft=(80,),
        ),
    )


def test_every_scope_applies_and_a_name_overrides_the_default(tmp_path: Path) -> None:
    """A call is capped in each scope that has a limit for it; a named limit replaces the default."""
    budgets = load(
        tmp_path,
        """
        time_zone: Europe/Berlin
        channel: {default: {window: day, hard: 5}, named: {C0BIG: {window: day, hard: "20.000000001"}}}
        user: {default: {window: week, hard: 0.1, soft: [90, 50, 90]}}
        team: {named: {T2: {window: day, hard: 1}}}
        agent: {named: {access: {window: month, hard: 300}}}
        """,
    )
    assert [(cap.key, cap.limit_nusd, cap.soft) for cap in caps(budgets)] == [
        ("channel:C0HELP:2026-11-22", 5_000_000_000, ()),
        ("user:U1:2026-W47", 100_000_000, (50, 90)),
        ("agent:access:2026-11", 300_000_000_000, ()),
    ]
    assert caps(budgets, channel="C0BIG")[0].limit_nusd == 20_000_000_001


@pytest.mark.parametrize(
    ("window", "at", "name", "start", "hours"),
    [
        # Berlin is UTC+1: 23:30 UTC is the next local day.
        ("day", datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "2026-11-23", (2026, 11, 22, 23), 24),
        # Clocks go forward on 2026-03-29 and back on 2026-10-25.
        ("day", datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-29", (2026, 3, 28, 23), 23),
        ("day", datetime(2026, 10, 25, 12, tzinfo=UTC), "2026-10-25", (2026, 10, 24, 22), 25),
        # The hour that happens twice belongs to one day.
        ("day", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25", (2026, 10, 24, 22), 25),
        ("day", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25", (2026, 10, 24, 22), 25),
        ("week", datetime(2026, 10, 25, 12, tzinfo=UTC), "2026-W43", (2026, 10, 18, 22), 7 * 24 + 1),
        ("week", datetime(2027, 1, 1, 12, tzinfo=UTC), "2026-W53", (2026, 12, 27, 23), 7 * 24),
        ("month", datetime(2026, 3, 31, 12, tzinfo=UTC), "2026-03", (2026, 2, 28, 23), 31 * 24 - 1),
        ("month", datetime(2026, 12, 31, 23, tzinfo=UTC), "2027-01", (2026, 12, 31, 23), 31 * 24),
    ],
)
def test_a_window_is_local(
    tmp_path: Path, window: str, at: datetime, name: str, start: tuple[int, int, int, int], hours: int
) -> None:
    """A window begins at local midnight and is as long as the clock makes it."""
    budgets = load(tmp_path, f"time_zone: Europe/Berlin\nchannel: {{default: {{window: {window}, hard: 1}}}}\n")
    (cap,) = caps(budgets, at)
    assert cap.key == f"channel:C0HELP:{name}"
    assert cap.window_start == datetime(*start, tzinfo=UTC)
    assert cap.resets_at - cap.window_start == timedelta(hours=hours)
    assert cap.window_start <= at < cap.resets_at


def test_a_midnight_that_does_not_exist(tmp_path: Path) -> None:
    """In Cairo clocks jump from 00:00 to 01:00 on 2026-04-24: that day starts at the jump, with no gap."""
    budgets = load(tmp_path, "time_zone: Africa/Cairo\nchannel: {default: {window: day, hard: 1}}\n")
    (before,) = caps(budgets, datetime(2026, 4, 23, 12, tzinfo=UTC))
    (after,) = caps(budgets, datetime(2026, 4, 24, 12, tzinfo=UTC))
    assert before.resets_at == after.window_start == datetime(2026, 4, 23, 22, tzinfo=UTC)
    assert after.resets_at - after.window_start == timedelta(hours=23)


def test_bounds_are_those_of_the_accounts() -> None:
    """A report's window is cut where the account's is."""
    budgets = Budgets.load(FILE)
    (cap,) = caps(budgets)
    assert budgets.bounds("day", NOON) == (cap.window_start, cap.resets_at)


GOOD = "time_zone: UTC\nchannel: {default: {window: day, hard: 5, soft: [80]}}\n"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("hard: 5", "hard: -5", "channel.default.hard"),
        ("hard: 5", "hard: 5000000", "channel.default.hard"),
        ("hard: 5", "hard: .inf", "channel.default.hard"),
        ("hard: 5", "hard: .nan", "channel.default.hard"),
        ("hard: 5", "hard: yes", "channel.default.hard"),
        ("hard: 5", "hard: five", "channel.default.hard"),
        ("hard: 5", "hard: [5]", "channel.default.hard"),
        ("hard: 5", "hard: '0.0000000001'", "channel.default.hard"),
        ("hard: 5, ", "", "channel.default.hard"),
        ("hard: 5", "hard: 5, hrad: 6", "channel.default.hrad"),
        ("soft: [80]", "soft: [0]", "channel.default.soft.0"),
        ("soft: [80]", "soft: [101]", "channel.default.soft.0"),
        ("window: day", "window: hour", "channel.default.window"),
        ("default:", "everyone:", "channel.everyone"),
        ("channel:", "chanel:", "chanel"),
        ("time_zone: UTC", "time_zone: Mars/Olympus", "time_zone"),
        ("time_zone: UTC", "time_zone: ../../etc/passwd", "time_zone"),
        ("time_zone: UTC\n", "", "time_zone"),
    ],
)
def test_a_wrong_budget_file_is_refused(tmp_path: Path, old: str, new: str, field: str) -> None:
    """An unknown field, a negative or an absurd value refuses to start and names file and field."""
    assert load(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=rf"budgets\.yaml: .*{field}: "):
        load(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: {b", "- \x01"])
def test_what_is_no_budget_file_is_refused(tmp_path: Path, text: str) -> None:
    """An empty, a foreign and an unreadable file are refused by name."""
    with pytest.raises(ConfigError, match=r"budgets\.yaml: "):
        load(tmp_path, text)
