import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.budget.caps import Alerts, Budgets, Cap, DigestSchedule
from bot.cost_dimensions import NANO, Window
from bot.errors import ConfigError
from tests.support.paths import CONFIG

FILE = CONFIG / "budgets.yaml"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def load(folder: Path, text: str) -> Budgets:
    file = folder / "budgets.yaml"
    file.write_text(text)
    return Budgets.load(file)


def caps(budgets: Budgets, at: datetime = NOON, channel: str = "C0HELP") -> tuple[Cap, ...]:
    return budgets.accounts(team="T01", channel=channel, user="U1", agent="access", at=at)


def test_the_file_of_the_house_caps_channels_people_and_teams_by_the_day() -> None:
    """As delivered, a UTC day has $5 for a channel, $1 for a person and $25 for a team; an agent is not capped."""
    day = (datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    assert caps(Budgets.load(FILE)) == (
        Cap("channel:C0HELP:2026-11-22", "channel", "C0HELP", *day, 5_000_000_000, (80,)),
        Cap("user:U1:2026-11-22", "user", "U1", *day, 1_000_000_000),
        Cap("team:T01:2026-11-22", "team", "T01", *day, 25_000_000_000, (80,)),
    )


def test_every_scope_applies_and_a_name_overrides_the_default(tmp_path: Path) -> None:
    """A call is capped in each scope that has a limit for it; a named limit replaces the default."""
    budgets = load(
        tmp_path,
        """
        time_zone: Europe/Berlin
        channel: {default: {window: day, hard: 5}, named: {C0BIG: {window: day, hard: "20.000000001"}}}
        user: {default: {window: week, hard: 0.1, soft: [90, 50]}}
        team: {named: {T02: {window: day, hard: 1}}}
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


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})),
    window=st.sampled_from(["day", "week", "month"]),
    at=st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given the zone
)
def test_windows_leave_no_gap(zone: str, window: Window, at: datetime) -> None:
    """Anywhere, at any time: a moment is in its window, and the next window, of another name, begins where it ends."""
    budgets = Budgets.model_validate({"time_zone": zone, "channel": {"default": {"window": window, "hard": 1}}})
    (cap,) = caps(budgets, at)
    assert cap.window_start <= at < cap.resets_at
    assert timedelta() < cap.resets_at - cap.window_start <= timedelta(days=31, hours=24)
    for inside in (cap.window_start, cap.resets_at - timedelta(microseconds=1)):
        assert caps(budgets, inside) == (cap,)
    (after,) = caps(budgets, cap.resets_at)
    assert after.window_start == cap.resets_at
    assert after.key != cap.key


def test_bounds_are_those_of_the_accounts() -> None:
    """A report's window is cut where the account's is."""
    budgets = Budgets.load(FILE)
    windows = {(cap.window_start, cap.resets_at) for cap in caps(budgets)}
    assert windows == {budgets.bounds("day", NOON)}


GOOD = """
time_zone: Europe/Berlin
channel:
  default: {window: day, hard: 5, soft: [80], owner: U0LEAD}
  named: {C0BIG: {window: day, hard: 20}}
user: {named: {U0MAYA: {window: week, hard: 1}}}
team: {named: {T0FIELD: {window: month, hard: 100}}}
agent: {named: {access: {window: month, hard: 100}}}
digest: {day: friday, at: 08:30}
alerts: {factor: 2.5, least: 0.25}
"""
WRONG_HARD = (
    ("-5", "from 0 to 1000000, found -5"),
    ("-0.01", "from 0 to 1000000, found '-0.01'"),
    ("1000000.01", "from 0 to 1000000"),
    ("1e30", "from 0 to 1000000"),
    ("1e999", "from 0 to 1000000"),
    ("1e999999999", "expected a number"),
    (".inf", "expected a number"),
    ("-.inf", "expected a number"),
    (".nan", "expected a number"),
    ("NaN", "expected a number"),
    ("Infinity", "expected a number"),
    ("yes", "expected a number such as 12.50, found 'yes'"),
    ("true", "expected a number such as 12.50, found true"),
    ("five", "expected a number"),
    ('"5 dollars"', "expected a number such as 12.50, found '5 dollars'"),
    ("$5", "expected a number"),
    ('"5,00"', "expected a number"),
    ("5_000", "expected a number"),
    ("010", "expected a number such as 12.50, found '010'"),
    ("0x10", "expected a number"),
    ("0o10", "expected a number"),
    ("10:00", "expected a number"),
    ("[5]", "expected a number"),
    ("~", "expected a number"),
    ('""', "expected a number"),
    ("0.0000000001", "at most nine decimals"),
    ("5.00000000000000000001", "at most nine decimals"),
    ("2026-11-22", "expected a number"),
)
WRONG_SOFT = (
    ("[0]", "soft.0: .*greater than or equal to 1, found 0"),
    ("[101]", "soft.0: .*less than or equal to 100, found 101"),
    ("[50, 150]", "soft.1: .*found 150"),
    ("[-80]", "soft.0: "),
    ("[80.5]", "soft.0: "),
    ("[true]", "soft.0: "),
    ('["80"]', "soft.0: "),
    ("[0.8]", "soft.0: "),
    ("80", "soft: expected a list of percentages such as .80., found 80"),
    ('"80%"', "soft: expected a list"),
    ("[80, 50, 80]", "soft: expected each percentage once, found 80 2 times"),
    ("{80: 90}", "soft: expected a list"),
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        *(("hard: 5", f"hard: {value}", f"channel.default.hard: .*{said}") for value, said in WRONG_HARD),
        *(("soft: [80]", f"soft: {value}", f"channel.default.{said}") for value, said in WRONG_SOFT),
        ("hard: 5, ", "", "channel.default.hard: is missing"),
        (
            "hard: 5",
            "hard: 5, hrad: 6",
            "channel.default.hrad: is unknown .did you mean hard.., expected one of window, hard",
        ),
        ("hard: 5", "hard: 5, hard: 500", "hard appears twice"),
        ("hard: 20", "hard: 20, colour: red", "channel.named.C0BIG.colour: is unknown, expected one of window"),
        ("{C0BIG:", "{C0BIG: {window: day, hard: 1}, C0BIG:", "C0BIG appears twice"),
        ("window: day", "window: hour", "channel.default.window: expected 'day', 'week' or 'month', found 'hour'"),
        ("window: day", "window: daily", "channel.default.window: .* .did you mean day."),
        ("window: day", "window: Day", "channel.default.window: .*found 'Day'"),
        (
            "owner: U0LEAD",
            "owner: C0HELP",
            "channel.default.owner: expected the Slack id of a person such as U0123ABCD",
        ),
        ("owner: U0LEAD", 'owner: "@lead"', "channel.default.owner: .*found '@lead'"),
        ("owner: U0LEAD", "owner: [U0LEAD]", "channel.default.owner: "),
        ("  default:", "  everyone:", "channel.everyone: is unknown, expected one of default, named"),
        ("channel:", "chanel:", "chanel: is unknown .did you mean channel."),
        ("channel:", "time_zone: UTC\nchannel:", "time_zone appears twice"),
        (
            "C0BIG",
            '"#help"',
            "channel.named.#help: expected the Slack id of a channel such as C0123ABCD, found '#help'",
        ),
        ("C0BIG", "c0big", "channel.named.c0big: "),
        ("C0BIG", "U0MAYA", "channel.named.U0MAYA: expected the Slack id of a channel"),
        ("C0BIG", "evals", "channel.named.evals: "),
        ("C0BIG", '""', "channel.named.: expected the Slack id of a channel"),
        ("C0BIG", "12", "channel.named.12: expected the Slack id of a channel"),
        ("C0BIG", "[C0BIG]", "expected a plain name"),
        ("U0MAYA", "maya.okafor", "user.named.maya.okafor: expected the Slack id of a person"),
        ("U0MAYA", "eval", "user.named.eval: expected the Slack id of a person"),
        ("T0FIELD", "field", "team.named.field: expected the Slack id of a workspace such as T0123ABCD"),
        ("{access:", "{Access Agent:", "agent.named.Access Agent: expected the name of an agent's folder"),
        ("{named: {U0MAYA: {window: week, hard: 1}}}", "{named: {}}", "user.named: is empty"),
        ("{named: {U0MAYA: {window: week, hard: 1}}}", "{named: }", "user.named: is empty"),
        ("{named: {U0MAYA: {window: week, hard: 1}}}", "{default: }", "user.default: is empty"),
        ("{named: {U0MAYA: {window: week, hard: 1}}}", "{}", "user: is empty; fill it, or leave it out"),
        ("{named: {U0MAYA: {window: week, hard: 1}}}", "5.00", "user: expected default, named, found '5.00'"),
        (
            "{named: {U0MAYA: {window: week, hard: 1}}}",
            "{default: 5}",
            "user.default: expected window, hard, soft, owner",
        ),
        (
            "{named: {U0MAYA: {window: week, hard: 1}}}",
            "{named: [U0MAYA]}",
            "user.named: expected names with their values",
        ),
        ("Europe/Berlin", "Europe/Berln", "time_zone: .*found 'Europe/Berln' .did you mean Europe/Berlin."),
        ("Europe/Berlin", "Mars/Olympus", "time_zone: expected a time zone such as Europe/Berlin"),
        ("Europe/Berlin", "../../etc/passwd", "time_zone: "),
        ("Europe/Berlin", "right/Europe/Berlin", "time_zone: "),
        ("Europe/Berlin", "europe/berlin", "time_zone: .*did you mean Europe/Berlin"),
        ("Europe/Berlin", "localtime", "time_zone: "),
        ("Europe/Berlin", "+01:00", "time_zone: "),
        ("Europe/Berlin", "1", "time_zone: "),
        ("time_zone: Europe/Berlin\n", "", "time_zone: is missing"),
        ("friday", "Fryday", "digest.day: expected 'monday', .*found 'Fryday' .did you mean friday."),
        ("08:30", "24:00", "digest.at: expected a time of day such as 09:00, found '24:00'"),
        ("08:30", "9 am", "digest.at: "),
        ("08:30", "9", "digest.at: "),
        ("08:30", "08:30Z", "digest.at: "),
        ("{day: friday, at: 08:30}", "true", "digest: expected day, at, found true"),
        ("{day: friday, at: 08:30}", "", "digest: is empty"),
        ("factor: 2.5", "factor: 1", "alerts.factor: .*greater than 1"),
        ("factor: 2.5", "factor: -3", "alerts.factor: "),
        ("factor: 2.5", "factor: .nan", "alerts.factor: "),
        ("factor: 2.5", "factor: 1e9", "alerts.factor: "),
        ("least: 0.25", "least: -1", "alerts.least: "),
        ("least: 0.25", "least_usd: 1", "alerts.least_usd: is unknown .did you mean least."),
    ],
)
def test_a_wrong_budget_file_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """An unknown, a doubled, a negative or an absurd value refuses to start: file, field, and what was expected."""
    assert load(tmp_path, GOOD)
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert re.search(rf"budgets\.yaml: .*{said}", str(refused.value), re.DOTALL)
    assert "Value error" not in str(refused.value)


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Who mends a file sees every wrong field of it, each with its place."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, GOOD.replace("hard: 5", "hard: -5").replace("C0BIG", "help").replace("friday", "never"))
    said = str(refused.value)
    assert all(place in said for place in ("channel.default.hard: ", "channel.named.help: ", "digest.day: "))


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "a: {b", "- \x01", "5", "a: &a [*a]", "[" * 1_000, "a: !!python/object:os.x {}", "9" * 5_000]
)
def test_what_is_no_budget_file_is_refused(tmp_path: Path, text: str) -> None:
    """An empty, a foreign and an unreadable file are refused by name."""
    with pytest.raises(ConfigError, match=r"budgets\.yaml: "):
        load(tmp_path, text)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder in its place and bytes that are no text are refused by name."""
    folder, bytes_only = tmp_path / "folder-budgets.yaml", tmp_path / "bytes-budgets.yaml"
    folder.mkdir()
    bytes_only.write_bytes(b"\xff\xfe")
    why = {
        tmp_path / "no-budgets.yaml": "No such file or directory",
        folder: "Is a directory",
        bytes_only: "it is not text in UTF-8",
    }
    for file, said in why.items():
        with pytest.raises(ConfigError, match=rf"budgets\.yaml: cannot be read: {said}$"):
            Budgets.load(file)


@pytest.mark.parametrize(
    ("written", "nusd"),
    [
        ("0", 0),
        ("5", 5 * NANO),
        ("0.1", NANO // 10),
        ('"0.1"', NANO // 10),
        ("5.00", 5 * NANO),
        ("1e-9", 1),
        ("1000000", 10**15),
        ("0.1234567891e1", 1_234_567_891),
        ("0.000000001", 1),
    ],
)
def test_a_cap_is_taken_as_it_is_written(tmp_path: Path, written: str, nusd: int) -> None:
    """Not by way of a float: every nano-dollar of what the file says counts; zero stops whom it names."""
    assert caps(load(tmp_path, GOOD.replace("hard: 5", f"hard: {written}")))[0].limit_nusd == nusd


def test_who_may_be_named(tmp_path: Path) -> None:
    """Private channels, direct messages, the channel of evaluations, guests and enterprises have ids of their own."""
    text = GOOD
    for old, new in (("C0BIG", "eval"), ("U0MAYA", "W012GUEST"), ("T0FIELD", "E012GRID"), ("{access:", "{it-help2:")):
        text = text.replace(old, new)
    assert load(tmp_path, text).channel.named["eval"].hard == 20 * NANO
    for channel in ("G0PRIVATE", "D0MAYA"):
        assert channel in load(tmp_path, GOOD.replace("C0BIG", channel)).channel.named


def test_digest_and_alerts(tmp_path: Path) -> None:
    """Both have defaults, can be set, and are off where the file says `false`."""
    usual = load(tmp_path, "time_zone: UTC\n")
    assert (usual.digest, usual.alerts) == (DigestSchedule(day="monday", at=time(9)), Alerts(factor=3, least="0.50"))
    mine = load(tmp_path, GOOD)
    assert (mine.digest, mine.alerts) == (
        DigestSchedule(day="friday", at=time(8, 30)),
        Alerts(factor=2.5, least="0.25"),
    )
    assert mine.digest is not None
    assert mine.digest.weekday == date(2026, 11, 20).weekday()
    none = load(tmp_path, "time_zone: UTC\ndigest: false\nalerts: false\n")
    assert (none.digest, none.alerts) == (None, None)


def test_budgets_with_another_content_have_another_version(tmp_path: Path) -> None:
    """The gate tells by it that a file has changed: by what counts, not by how it is written."""
    first = load(tmp_path, GOOD).version
    assert load(tmp_path, GOOD + "# a remark\n").version == first
    changes = (("hard: 5", "hard: 5.000000001"), ("window: day", "window: week"), ("Europe/Berlin", "UTC"))
    assert len({first, *(load(tmp_path, GOOD.replace(old, new, 1)).version for old, new in changes)}) == 4


def test_a_cap_is_found_by_its_account(tmp_path: Path) -> None:
    """As long as its window lasts and the file has it, and with the limit that the file has by now."""
    budgets = load(tmp_path, GOOD)
    (first, *_) = caps(budgets)
    assert budgets.cap(first.key, NOON) == first
    assert budgets.cap(first.key, first.resets_at) is None
    assert budgets.cap("channel:C0BIG:2026-11-22", NOON) == caps(budgets, channel="C0BIG")[0]
    assert budgets.cap("user:U0OTHER:2026-W47", NOON) is None
    assert load(tmp_path, GOOD.replace("window: day", "window: week")).cap(first.key, NOON) is None


def test_a_limit_is_found_by_whom_it_is_for(tmp_path: Path) -> None:
    """Whatever the window and the time zone are: the named one's own, else everybody's, else none."""
    budgets = load(tmp_path, GOOD)
    assert budgets.limit("channel", "C0BIG") == budgets.channel.named["C0BIG"]
    assert budgets.limit("channel", "C0OTHER") == budgets.channel.default
    assert budgets.limit("user", "U0OTHER") is None
    assert budgets.limit("planet", "C0BIG") is None
