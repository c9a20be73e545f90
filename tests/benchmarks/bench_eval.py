"""How long an evaluation takes: 150 cases of the access agent, each twice, with the stand-in for its model.

It is measured with the stand-in as it comes, which takes its time for an answer as a model does, and once more with one
that answers at once: then nothing but the processors is waited for.

Beside it, in the same run and on the same cases, the build before evaluations were jobs: its tree is taken from the
repository (`git archive`) and run with the same environment. Both ask the same stand-in, today's. The peer is left out
where the repository does not have that commit.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot import configured_keys, yaml_text
from bot.delegation import keys
from bot.sandbox.standin import StandinConfig
from jobs import evaluation
from tests.benchmarks.older_builds import tree_of
from tests.benchmarks.proc_stats import cpu_seconds
from tests.support.json_object import Json
from tests.support.paths import CONFIG, ROOT
from tests.support.redis_servers import free_port, start_redis

Say = Callable[[str], None]

BEFORE = "5a18b60"
"The last commit before evaluations were rows and jobs."
CASES, REPEATS = 150, 2
TARGET_SECONDS, TARGET_RATIO = 60.0, 3.0
STANDIN = "from bot.sandbox.standin.server import *; serve(StandinConfig(latency={latency}), '127.0.0.1', {port})"


@dataclass(frozen=True, slots=True)
class EvalTimes:
    """What one evaluation took."""

    seconds: float
    cpu_seconds: float
    "Of the command and its processes, not of the stand-in."
    standin_cpu_seconds: float
    verdict: int
    "The exit code."

    def as_json(self) -> Json:
        """Return it with rounded figures."""
        return {
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "standin_cpu_seconds": round(self.standin_cpu_seconds, 1),
            "exit_code": self.verdict,
        }


def run(say: Say) -> Json:
    """Measure both builds with both models; times are in seconds."""
    found = _beside_before(say, StandinConfig().latency)
    ratio = found["ratio"]
    return {
        "cases": CASES,
        "repeats": REPEATS,
        **found,
        "model_at_once": _beside_before(say, 0.0),
        "target_seconds": TARGET_SECONDS,
        "target_ratio": TARGET_RATIO,
        "met": found["seconds"] <= TARGET_SECONDS and (ratio is None or ratio >= TARGET_RATIO),
    }


def _beside_before(say: Say, latency: float) -> Json:
    """Measure both builds with a model that takes so many seconds for an answer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _suite_of(CASES, folder)
        with _services(folder, latency) as (environment, standin):
            environment["DESKHAND_CONFIG"] = str(config)
            say(f"eval: {CASES} cases x {REPEATS} repeats, {latency} s an answer, as they are played now")
            now = _measured(ROOT, environment, folder / "now.db", 0, standin)
            tree = tree_of(BEFORE, folder)
            before = None
            if tree is not None:
                say(f"eval: the same at {BEFORE}, with threads of one process")
                environment["DESKHAND_CONFIG"] = str(_readable_by(tree, config, folder))
                before = _measured(tree, environment, folder / "before.db", 1, standin)
    return {
        "model_seconds": latency,
        **now.as_json(),
        "before": None if before is None else before.as_json(),
        "ratio": None if before is None else round(before.seconds / now.seconds, 2),
    }


def _suite_of(number: int, folder: Path) -> Path:
    """Return a configuration whose access agent has so many cases, taken from its slices in turn."""
    config = shutil.copytree(CONFIG, folder / "config")
    evals, card = config / "agents/access/evals", config / "agents/access/card.yaml"
    # The build before knows no probes, and some of the cases that they name are left out.
    (evals / "probes.yaml").unlink()
    card.write_text("".join(line for line in card.read_text().splitlines(keepends=True) if "probes:" not in line))
    files = sorted(file for file in evals.glob("*.yaml") if file.name != "coverage.yaml")
    slices = {file: yaml_text.load(file.read_text("utf-8")) for file in files}
    kept = dict.fromkeys(files, 0)
    while sum(kept.values()) < number:
        for file in files:
            if kept[file] < len(slices[file]["cases"]) and sum(kept.values()) < number:
                kept[file] += 1
    for file, content in slices.items():
        file.write_text(yaml.safe_dump({"hard": content["hard"], "cases": content["cases"][: kept[file]]}))
    (evals / "coverage.yaml").write_text(yaml.safe_dump({file.stem: kept[file] for file in files}))
    return config


def _readable_by(tree: Path, config: Path, folder: Path) -> Path:
    """Return a configuration with the card of an older build, which refuses one with fields that it does not know."""
    copy, card = shutil.copytree(config, folder / "older_config"), "agents/access/card.yaml"
    shutil.copy(tree / "config" / card, copy / card)
    return copy


@contextmanager
def _services(folder: Path, latency: float) -> Iterator[tuple[dict[str, str], int]]:
    """Yield the environment of the commands, and the process number of the stand-in."""
    redis, port = start_redis(folder), free_port()
    standin = subprocess.Popen([sys.executable, "-c", STANDIN.format(latency=latency, port=port)], cwd=ROOT)
    try:
        _wait_until_answered(f"http://127.0.0.1:{port}/")
        environment = {
            **os.environ,
            "REDIS_URL": redis.url.removesuffix("0"),
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
            "DESKHAND_MODEL": "stand-in-1",
            "DESKHAND_DELEGATION_KEYS": configured_keys.generate(keys.KIND),
        }
        yield environment, standin.pid
    finally:
        standin.kill()
        standin.wait()
        redis.kill()


def _wait_until_answered(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url).close()  # noqa: S310 - our own address
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the stand-in did not answer")


def _measured(tree: Path, given: Mapping[str, str], database: Path, number: int, standin: int) -> EvalTimes:
    """Return what an evaluation by a build takes, from the start of the command to its end.

    Args:
        tree: the build.
        given: the environment.
        database: where its database is made.
        number: the Redis database of its own.
        standin: the process of the model.

    Raises:
        RuntimeError: it gave no verdict, so that it says nothing of how long one takes.
    """
    environment = {**given, "DATABASE_URL": f"sqlite:///{database}", "REDIS_URL": f"{given['REDIS_URL']}{number}"}
    command = [sys.executable, "-m", "bot.cli"]
    subprocess.run([*command, "migrate"], cwd=tree, env=environment, check=True, stdout=subprocess.DEVNULL)
    used, answered, began = _children_cpu(), cpu_seconds(standin), time.monotonic()
    ended = subprocess.run(
        [*command, "eval", "run", "--repeats", str(REPEATS)],
        cwd=tree,
        env=environment,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if ended.returncode == evaluation.NOT_RUN:
        raise RuntimeError(f"the evaluation by {tree} was not run to its end")
    return EvalTimes(
        time.monotonic() - began, _children_cpu() - used, cpu_seconds(standin) - answered, ended.returncode
    )


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
