"""The budget file while processes run, and calls under one that changes: `bot.budget.budget_file` and the gate."""

import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy
from structlog.testing import capture_logs

from bot.agent.runtime import open_meter
from bot.budget import admission, budget_file, metering
from bot.budget.budget_file import BudgetFile
from bot.budget.caps import Budgets, Cap
from bot.budget.metering import Meter, NoRoom, OverCap
from bot.budget.prices.pricing import Prices, Usage
from bot.budget.reservation import Charge, Reservation
from bot.errors import ConfigError, Transient
from bot.settings import Settings
from bot.store.db import Database
from bot.store.money import ledger
from bot.store.schema import LedgerRow
from tests.support.paths import CONFIG

DAY = "time_zone: UTC\nshare: 1\nchannel: {default: {window: day, hard: '0.10'}}\n"
WEEK = DAY.replace("day", "week")
CALL = 1_000_000  # what 1,000 tokens of "coin" cost; the cap is 100 of them
NOON = datetime(2031, 3, 12, 12, tzinfo=UTC)


# The file


@dataclass
class File:
    """A budget file whose watcher looks whenever it is asked."""

    path: Path

    def write(self, text: str) -> None:
        """Put another file in its place."""
        other = self.path.with_suffix(".new")
        other.write_text(text)
        other.rename(self.path)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> File:
    """Return a budget file."""
    monkeypatch.setattr(budget_file, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(budget_file, "STAYED_SECONDS", 3_600.0)
    made = File(tmp_path / "budgets.yaml")
    made.write(DAY)
    return made


def hard(budgets: Budgets) -> int:
    assert budgets.channel.default
    return budgets.channel.default.hard


def test_a_changed_file_counts_once_it_has_stayed(file: File) -> None:
    """New caps are in force from the second look that finds them, and the log names the fields, once."""
    watched = BudgetFile(file.path)
    file.write(DAY.replace("0.10", "0.25"))
    with capture_logs() as logs:
        found = [hard(watched.current()) for _ in range(4)]
    assert found == [100_000_000, 250_000_000, 250_000_000, 250_000_000]
    assert [(line["event"], line["fields"]) for line in logs] == [("budgets.changed", ["channel.default.hard"])]


@pytest.mark.parametrize("wrong", [DAY.replace("0.10", "-1"), "", "channel: {"])
def test_a_wrong_file_leaves_the_caps_that_were(file: File, wrong: str) -> None:
    """What is refused at start is refused while running: said once, with file and field; the mend counts."""
    watched = BudgetFile(file.path)
    file.write(wrong)
    with capture_logs() as logs:
        assert {hard(watched.current()) for _ in range(4)} == {100_000_000}
    assert [line["event"] for line in logs] == ["budgets.refused"]
    assert str(file.path) in logs[0]["why"]
    file.write(DAY.replace("0.10", "0.30"))
    assert [hard(watched.current()) for _ in range(2)] == [100_000_000, 300_000_000]


def test_a_file_that_is_gone_leaves_the_caps_that_were(file: File) -> None:
    """A file that is moved away lifts no cap; it is said once."""
    watched = BudgetFile(file.path)
    file.path.unlink()
    with capture_logs() as logs:
        assert {hard(watched.current()) for _ in range(4)} == {100_000_000}
    assert [line["event"] for line in logs] == ["budgets.refused"]


def test_a_wrong_file_refuses_to_start(file: File) -> None:
    """A process does not start on caps that nobody can read."""
    file.write(DAY.replace("0.10", ".nan"))
    with pytest.raises(ConfigError, match=r"budgets\.yaml: channel\.default\.hard: "):
        BudgetFile(file.path)


def test_a_file_that_is_being_written_is_not_read(file: File) -> None:
    """Its first half would be a good file with fewer caps; while it grows, the old ones stand."""
    whole = DAY + "user: {default: {window: day, hard: '0.01'}}\n"
    file.write(whole)
    watched = BudgetFile(file.path)
    for text in (DAY, DAY + "# ", DAY + "# more", whole.replace("0.01", "0.05")):
        file.path.write_text(text)
        caps = watched.current()
        assert caps.user.default
        assert caps.user.default.hard == 10_000_000
    watched.current()
    assert watched.current().user.default != caps.user.default


def test_a_file_that_changes_while_it_is_read_is_read_again(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read between two states counts neither as new caps nor as wrong."""
    watched, load = BudgetFile(file.path), Budgets.load

    def late(path: Path) -> Budgets:
        monkeypatch.setattr(Budgets, "load", load)
        found = load(path)
        file.write(DAY.replace("0.10", "0.40"))
        return found

    file.write(DAY.replace("0.10", "0.25"))
    watched.current()
    monkeypatch.setattr(Budgets, "load", late)
    assert [hard(watched.current()) for _ in range(3)] == [100_000_000, 100_000_000, 400_000_000]


def test_an_old_change_counts_at_once(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that had nothing to do for a while calls under the new caps from its first call on."""
    watched = BudgetFile(file.path)
    file.write(DAY.replace("0.10", "0.25"))
    monkeypatch.setattr(budget_file, "STAYED_SECONDS", 0.0)
    assert hard(watched.current()) == 250_000_000


def test_half_a_file_is_not_called_wrong(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read because it was just being replaced is read again before anybody is troubled."""
    watched, load = BudgetFile(file.path), Budgets.load

    def half(path: Path) -> Budgets:
        monkeypatch.setattr(Budgets, "load", load)
        file.write(DAY.replace("0.10", "0.40"))
        raise ConfigError(f"{path}: cannot be read")

    file.write("time_zone: U")
    watched.current()
    monkeypatch.setattr(Budgets, "load", half)
    with capture_logs() as logs:
        assert [hard(watched.current()) for _ in range(3)] == [100_000_000, 100_000_000, 400_000_000]
    assert [line["event"] for line in logs] == ["budgets.changed"]


def test_a_file_of_the_same_size_and_time_is_another(file: File) -> None:
    """A file put in its place by a tool that keeps times is seen, since it is another file."""
    watched, old = BudgetFile(file.path), file.path.stat()
    other = file.path.with_suffix(".other")
    other.write_text(DAY.replace("0.10", "0.90"))
    os.utime(other, ns=(old.st_atime_ns, old.st_mtime_ns))
    other.rename(file.path)
    assert file.path.stat().st_size == old.st_size
    assert [hard(watched.current()) for _ in range(2)] == [100_000_000, 900_000_000]


def test_the_file_is_looked_at_once_a_second(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks asking costs no system call, however many threads ask."""
    monkeypatch.setattr(budget_file, "LOOK_SECONDS", 60.0)
    watched = BudgetFile(file.path)
    monkeypatch.setattr(budget_file, "_stamp", lambda path: pytest.fail(f"looked at {path}"))
    for _ in range(1_000):
        watched.current()


def test_nobody_waits_for_anothers_look(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread reads a slow file, the others go on with the caps in force."""
    watched, load = BudgetFile(file.path), Budgets.load
    inside, go = threading.Event(), threading.Event()

    def slow(path: Path) -> Budgets:
        inside.set()
        assert go.wait(120)
        return load(path)

    file.write(DAY.replace("0.10", "0.25"))
    watched.current()
    monkeypatch.setattr(Budgets, "load", slow)
    reader = threading.Thread(target=watched.current)
    reader.start()
    assert inside.wait(120)
    assert hard(watched.current()) == 100_000_000
    go.set()
    reader.join()
    assert hard(watched.current()) == 250_000_000


def test_a_process_follows_its_file(file: File, database: Database, redis_url: str) -> None:
    """The meter of a worker, a clock or an evaluation calls under the caps that the file has by now."""
    folder = file.path.with_name("config")
    shutil.copytree(CONFIG, folder)
    settings = Settings(redis_url=redis_url, deskhand_config=folder)
    with closing(open_meter(settings, database)) as meter:
        assert hard(meter.budgets) == 5_000_000_000
        File(folder / "budgets.yaml").write(DAY)
        assert [hard(meter.budgets) for _ in range(2)] == [5_000_000_000, 100_000_000]


# Calls under a file that changes


@dataclass
class Clock:
    """The time at which the meters of a test call."""

    at: datetime = NOON

    def now(self, _zone: tzinfo) -> datetime:
        """Return it."""
        return self.at


@dataclass
class Works:
    """Processes that share a Redis and a ledger, each with a budget file of its own."""

    redis_url: str
    database: Database
    prices: Prices
    folder: Path
    charge: Charge
    raw: "redis.Redis"
    clock: Clock
    files: dict[str, Budgets] = field(default_factory=dict)
    meters: dict[str, Meter] = field(default_factory=dict)

    def give(self, text: str, *processes: str) -> None:
        """Let processes see a budget file from here on."""
        path = self.folder / "budgets.yaml"
        path.write_text(text)
        for name in processes or ("one",):
            self.files[name] = Budgets.load(path)

    def meter(self, process: str = "one") -> Meter:
        """Return the meter of a process."""
        if process not in self.meters:
            connected = Meter.connect(self.redis_url, self.database, lambda: self.files[process], self.prices)
            self.meters[process] = connected
        return self.meters[process]

    def begin(self, calls: int = 1, process: str = "one") -> Reservation:
        """Begin one call that is as dear as so many."""
        return self.meter(process).begin(self.charge, model="coin", prompt_bytes=calls * 1_000, max_tokens=0)

    def end(self, reservation: Reservation, tokens: int = 1_000, process: str = "one") -> None:
        """End a call."""
        self.meter(process).end(reservation, Usage("coin", tokens), tool=None)

    def spend(self, calls: int, process: str = "one") -> None:
        """Make one call that costs as much as so many."""
        self.end(self.begin(calls, process), calls * 1_000, process)

    def caps(self, process: str = "one") -> tuple[Cap, ...]:
        """Return the caps that a call of a process is under now."""
        mine = self.charge
        return self.files[process].accounts(
            team=mine.team, channel=mine.channel, user=mine.user, agent=mine.agent, at=self.clock.at
        )

    def stands(self, key: str) -> tuple[int, int] | None:
        """Return what an account has spent and holds in Redis, in calls; None: it is not there."""
        spent, held = self.raw.hmget(f"budget:a:{key}", "spent", "held")
        return None if spent is None else (int(str(spent)) // CALL, int(str(held)) // CALL)

    def ledger(self, cap: Cap) -> tuple[int, int]:
        """Return the same by the ledger."""
        standing = self.meter().budget_state(cap)
        return standing.spent_nusd // CALL, sum(call.held_nusd for call in standing.under_way) // CALL

    def agree(self, process: str = "one") -> bool:
        """Tell whether every account in Redis that a process calls under says what the ledger says."""
        return all(self.stands(cap.key) in (None, self.ledger(cap)) for cap in self.caps(process))

    def total(self) -> int:
        """Return what all calls have cost, in calls."""
        with self.database.read() as session:
            return int(session.scalar(sqlalchemy.select(sqlalchemy.func.sum(LedgerRow.cost_nusd))) or 0) // CALL


@pytest.fixture
def works(
    redis_url: str, database: Database, files: Path, charge: Charge, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Works]:
    """Return processes on a real Redis and both databases, at a noon to come."""
    clock = Clock()
    monkeypatch.setattr(metering, "datetime", clock)
    monkeypatch.setattr(admission, "EPOCH_MS", 20)
    with redis.Redis.from_url(redis_url, decode_responses=True) as raw:
        made = Works(redis_url, database, Prices.load(files / "pricing.yaml"), files, charge, raw, clock)
        yield made
    for meter in made.meters.values():
        meter.close()


def test_a_call_that_ends_after_midnight_counts_where_it_began(works: Works) -> None:
    """Begun at 23:59:59.9 and settled on the next day: the day before pays, and the new one is whole."""
    works.give(DAY)
    works.spend(90)
    works.clock.at = datetime(2031, 3, 12, 23, 59, 59, 900_000, tzinfo=UTC)
    late = works.begin(10)
    works.clock.at += timedelta(seconds=1)
    full = works.begin(100)
    with pytest.raises(NoRoom):
        works.begin()
    works.end(late, 7_000)
    assert (works.stands("channel:C0HELP:2031-03-12"), works.stands("channel:C0HELP:2031-03-13")) == ((97, 0), (0, 100))
    assert works.agree()
    works.end(full, 100_000)
    works.clock.at = NOON  # as if a clock went back: the day before is still known
    works.spend(3)
    with pytest.raises(OverCap):
        works.begin()


@pytest.mark.parametrize(
    ("window", "start", "hours"),
    [
        ("day", datetime(2031, 3, 29, 23, tzinfo=UTC), 23),
        ("day", datetime(2031, 10, 25, 22, tzinfo=UTC), 25),
        ("week", datetime(2031, 3, 23, 23, tzinfo=UTC), 7 * 24 - 1),
        ("week", datetime(2031, 10, 19, 22, tzinfo=UTC), 7 * 24 + 1),
        ("month", datetime(2031, 2, 28, 23, tzinfo=UTC), 31 * 24 - 1),
        ("month", datetime(2031, 9, 30, 22, tzinfo=UTC), 31 * 24 + 1),
    ],
)
def test_a_window_with_a_change_of_the_clock(works: Works, window: str, start: datetime, hours: int) -> None:
    """A window that holds such a day is an hour shorter or longer, and its cap covers exactly that time."""
    works.give(DAY.replace("day", window).replace("UTC", "Europe/Berlin"))
    moment, end = timedelta(microseconds=1), start + timedelta(hours=hours)
    works.clock.at = start - moment
    works.spend(50)
    for at, calls in ((start, 60), (end - moment, 40)):
        works.clock.at = at
        works.spend(calls)
    with pytest.raises(OverCap):
        works.begin()
    works.raw.flushdb()  # the ledger cuts it at the same moments
    with pytest.raises(OverCap):
        works.begin()
    works.clock.at = end
    works.spend(100)
    with pytest.raises(OverCap):
        works.begin()


def test_another_time_zone_moves_the_day(works: Works) -> None:
    """The day keeps its name and gets other bounds: its account opens again with the calls that lie within them."""
    works.give(DAY)
    works.clock.at = NOON - timedelta(hours=13)  # the evening of the 11th in UTC, the 12th in Berlin
    works.spend(30)
    works.clock.at = NOON
    before = works.begin(10)
    works.spend(20)
    assert works.stands("channel:C0HELP:2031-03-12") == (20, 10)
    works.give(DAY.replace("UTC", "Europe/Berlin"))
    works.spend(5)
    assert works.stands("channel:C0HELP:2031-03-12") == (55, 10)
    works.end(before, 10_000)
    works.spend(1)
    assert works.stands("channel:C0HELP:2031-03-12") == (66, 0)
    with pytest.raises(OverCap):
        works.begin(35)


def test_a_time_zone_with_the_same_start_and_another_end(works: Works) -> None:
    """On the day the clocks change two zones may part in its course: what fell into the hour between them counts."""
    works.give(DAY.replace("UTC", "Europe/Berlin"))
    works.clock.at = datetime(2031, 3, 30, 20, tzinfo=UTC)
    works.spend(10)
    works.clock.at = datetime(2031, 3, 30, 22, 15, tzinfo=UTC)  # the next day in Berlin, the same in Lagos
    works.spend(50)
    works.give(DAY.replace("UTC", "Africa/Lagos"))
    with pytest.raises(OverCap):
        works.begin(41)
    works.spend(40)


def test_a_day_becomes_a_week(works: Works) -> None:
    """A call under way keeps the account it is held on, counts in the new one too, and both settle to what it cost."""
    works.give(DAY)
    works.clock.at = NOON - timedelta(days=1)
    works.spend(15)
    works.clock.at = NOON
    old = works.begin(10)
    works.give(WEEK)
    works.spend(20)
    assert works.stands("channel:C0HELP:2031-W11") == (35, 10)
    assert old.accounts == ("budget:a:channel:C0HELP:2031-03-12",)
    works.end(old, 4_000)
    assert works.stands("channel:C0HELP:2031-W11") == (39, 0)
    works.give(DAY)
    works.spend(1)
    assert works.stands("channel:C0HELP:2031-03-12") == (25, 0)
    assert works.total() == 40


def test_a_cap_that_is_lowered_and_raised(works: Works) -> None:
    """Another limit counts from the next call on; what is under way goes on, and nothing spent is forgotten."""
    works.give(DAY)
    works.spend(50)
    under_way = works.begin(30)
    works.give(DAY.replace("0.10", "0.06"))
    with pytest.raises(NoRoom):
        works.begin()
    works.end(under_way, 5_000)
    works.spend(5)
    with pytest.raises(OverCap):
        works.begin()
    works.give(DAY.replace("0.10", "0.20"))
    works.spend(140)
    with pytest.raises(OverCap):
        works.begin()
    assert works.total() == 200


def test_a_cap_that_is_taken_away_and_put_back(works: Works) -> None:
    """What was spent while there was no cap counts under the one that is put back."""
    works.give(DAY)
    works.spend(10)
    works.give("time_zone: UTC\n")
    uncapped = works.begin(10)
    works.spend(70)
    works.give(DAY)
    with pytest.raises(NoRoom):
        works.begin(11)
    works.end(uncapped, 10_000)
    works.spend(10)
    assert works.agree()


def test_a_process_with_the_old_file(works: Works) -> None:
    """What it still spends by the day counts in the week of the others, whoever calls next."""
    works.give(DAY, "one", "two")
    works.spend(10)
    works.give(WEEK, "one")
    works.spend(10)
    works.spend(30, "two")
    works.spend(10)
    late = works.begin(20, "two")
    with pytest.raises(NoRoom):
        works.begin(21)
    works.end(late, 20_000, "two")
    works.give(WEEK, "two")
    works.spend(20)
    assert works.stands("channel:C0HELP:2031-W11") == (100, 0)
    with pytest.raises(OverCap):
        works.begin(1, "two")


def test_a_file_that_changes_before_a_call_has_left(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was reserved under the old file and has not left starts again, so that the new account sees it."""
    works.give(DAY, "one", "two")
    works.spend(40)
    record, rival = ledger.record, []

    def late(session: Any, row: LedgerRow) -> None:
        monkeypatch.setattr(ledger, "record", record)
        works.give(WEEK, "two")
        rival.append(works.begin(50, "two"))  # it cannot see this row, which is not committed
        record(session, row)

    monkeypatch.setattr(ledger, "record", late)
    with pytest.raises(NoRoom):
        works.begin(50)
    assert len(rival) == 1
    works.end(rival[0], 50_000, "two")
    assert works.total() == 90


def test_a_call_without_a_cap_before_it_has_left(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose file has no cap holds on no account; its call counts all the same where there is one."""
    works.give("time_zone: UTC\n", "one")
    works.give(DAY, "two")
    record, rival = ledger.record, []

    def late(session: Any, row: LedgerRow) -> None:
        monkeypatch.setattr(ledger, "record", record)
        rival.append(works.begin(50, "two"))
        record(session, row)

    monkeypatch.setattr(ledger, "record", late)
    works.begin(50)
    with pytest.raises(NoRoom):
        works.begin(1, "two")
    assert works.agree("two")


def test_files_that_change_all_the_time(works: Works) -> None:
    """Four threads of two processes whose files change between day, week and month: never over, nothing lost."""
    path = works.folder / "kind.yaml"
    kinds: list[Budgets] = []
    for window in ("day", "week", "month"):
        path.write_text(DAY.replace("day", window).replace("0.10", "0.04"))
        kinds.append(Budgets.load(path))
    for name in ("one", "two"):
        works.files[name] = kinds[0]
        works.meter(name)

    def call(number: int) -> bool:
        name = "two" if number % 2 else "one"
        if not number % 3:
            works.files[name] = kinds[number % 7 % 3]
        try:
            works.spend(1, name)
        except (OverCap, Transient):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        made = sum(pool.map(call, range(60)))
    assert 0 < works.total() == made <= 40
    works.files = dict.fromkeys(works.files, kinds[1])
    for _ in range(made, 40):
        works.spend(1)
    with pytest.raises(OverCap):
        works.begin(1, "two")
    assert works.agree()
