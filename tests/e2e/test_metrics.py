"""What Prometheus sees of the real processes: who answers where, and that it agrees with the database."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from bot.sandbox.demo.scenes.stage import BOT, HELP, Stage
from bot.store.db import Session
from bot.store.schema import Turn, TurnState
from tests.e2e.product import House
from tests.support import crowd
from tests.support.busy_machine import SOON

pytestmark = pytest.mark.e2e

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Scrape = dict[str, float]


def scrape(url: str) -> Scrape:
    """Return the series of one process."""
    with _DIRECT.open(f"{url}/metrics", timeout=4 * SOON) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {f"{one.name}{sorted(one.labels.items())}": one.value for family in families for one in family.samples}


def addresses(house: House) -> list[str]:
    """Return where processes may answer."""
    host, _, ports = house.environment["DESKHAND_METRICS"].rpartition(":")
    first, _, last = ports.partition("-")
    return [f"http://{host}:{port}" for port in range(int(first), int(last) + 1)]


def readiness(address: str) -> set[str]:
    """Return which checks of a process are in order; none where nothing answers."""
    try:
        with _DIRECT.open(f"{address}/readyz", timeout=4 * SOON) as answer:
            checks = json.load(answer)["checks"]
    except urllib.error.HTTPError as error:
        with error:
            checks = json.load(error)["checks"]
    except urllib.error.URLError:
        return set()
    return {name for name, one in checks.items() if one["ok"]}


def processes(house: House) -> dict[str, list[Scrape]]:
    """Scrape every port of the range on which something answers; return the answers by what answers."""
    found = defaultdict(list)
    for address in addresses(house):
        try:
            seen = scrape(address)
        except urllib.error.URLError:
            continue
        [info] = [series for series in seen if series.startswith("deskhand_process_info")]
        found[info.split("'process', '")[1].partition("'")[0]].append(seen)
    return found


def ended(session: Session) -> Counter[str]:
    """Count the turns that have ended, by outcome."""
    rows = session.execute(
        select(Turn.outcome, func.count()).where(Turn.state == TurnState.DONE).group_by(Turn.outcome)
    )
    return Counter({str(outcome): count for outcome, count in rows})


def requests(found: dict[str, list[Scrape]]) -> Counter[str]:
    """Return what all processes together have counted of turns that ended, by outcome."""
    total = Counter[str]()
    for seen in (one for ones in found.values() for one in ones):
        for outcome in ("reply", "handoff", "refused", "withdrawn"):
            total[outcome] += int(seen[f"agent_requests_total[('outcome', '{outcome}')]"])
    return +total


def test_each_process_answers_for_itself(house: House, stage: Stage) -> None:
    """Both workers, the clock, and who hears Slack; what all of them counted is what the database holds."""
    before, rows_before = requests(processes(house)), stage.read(ended)
    stage.act("say", user=crowd.like("U0MAYA"), channel=HELP, text=f"<@{BOT}> I am locked out of my account")
    stage.wait("the turn to end", lambda: stage.read(ended) != rows_before, seconds=4 * SOON)
    until = time.monotonic() + 4 * SOON
    while requests(found := processes(house)) - before != stage.read(ended) - rows_before:
        assert time.monotonic() < until, (requests(found) - before, stage.read(ended) - rows_before)
        time.sleep(0.1)
    hears = "web" if "web" in found else "socket"
    assert {process: len(ones) for process, ones in found.items()} == {"worker": 2, "clock": 1, hears: 1}


def test_each_process_says_whether_it_is_ready(house: House) -> None:
    """It commits, it queues, Slack takes its token; who hears Slack hears it, and a worker looks for turns."""
    wanted = {
        "worker": {"commit", "enqueue", "token", "taking"},
        "clock": {"commit", "enqueue", "token"},
        "web": {"commit", "enqueue", "release", "token"},
        "socket": {"commit", "enqueue", "release", "token", "socket"},
    }
    expected = sorted(sorted(wanted[name]) for name, ones in processes(house).items() for _ in ones)
    until = time.monotonic() + 4 * SOON
    while sorted(sorted(seen) for seen in map(readiness, addresses(house)) if seen) != expected:
        assert time.monotonic() < until, [readiness(address) for address in addresses(house)]
        time.sleep(0.2)


def workers(clock: Scrape) -> float:
    """Return how many workers the clock sees."""
    return sum(value for series, value in clock.items() if series.startswith("rq_workers"))


def test_only_the_clock_reads_the_installation(house: House) -> None:
    """With many workers, the database is read once for a scrape of all."""
    until = time.monotonic() + 4 * SOON
    while workers(processes(house)["clock"][0]) != 2:  # a test may have emptied Redis: they write their next heartbeats
        assert time.monotonic() < until, "the clock does not see both workers"
        time.sleep(0.5)
    found = processes(house)
    [clock] = found.pop("clock")
    assert clock["deskhand_scrape_errors[('source', 'database')]"] == 0
    assert clock["deskhand_clock_age_seconds[]"] < 4 * SOON
    others = [series for ones in found.values() for one in ones for series in one]
    assert [series for series in others if series.startswith(("rq_", "deskhand_turns", "agent_release"))] == []
