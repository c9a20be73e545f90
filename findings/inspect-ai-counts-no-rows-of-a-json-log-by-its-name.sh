#!/usr/bin/env bash
# One would guess: a log that inspect-ai's `read_eval_log` opens is one that its data frames count, whatever the file is
# called; at least when `samples_df` is given the very path of the file.
# What happens: a log in the JSON format whose name does not begin with a date and time is no log for `samples_df`,
# `evals_df` and `list_eval_logs`: no row, no error and no warning, for the folder and for the path of the file alike.
# The same log in the `.eval` format is counted under any name.
# Versions: inspect-ai 0.3.285, pandas 3.1.1, pyarrow 26.0.1, Python 3.11. Seen on 2026-12-01.
# Why it matters here: `deskhand eval export --format inspect` writes JSON, so the time comes first in the file's name,
# and its test counts the rows instead of asking whether the file can be read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check inspect-ai==0.3.285 pandas==3.1.1 pyarrow==26.0.1
mkdir "$folder/logs"
"$folder/venv/bin/python" - "$folder/logs" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

from inspect_ai.analysis import evals_df, samples_df
from inspect_ai.log import (
    EvalConfig, EvalDataset, EvalLog, EvalPlan, EvalSample, EvalSpec, EvalStats, list_eval_logs, read_eval_log,
    write_eval_log,
)
from inspect_ai.scorer import Score

LOG = EvalLog(
    status="success",
    eval=EvalSpec(
        created="2026-12-01T09:30:00+00:00", task="access", model="none/none", config=EvalConfig(epochs=1),
        dataset=EvalDataset(name="cases", samples=1, sample_ids=["locked"]),
    ),
    plan=EvalPlan(),
    stats=EvalStats(),
    samples=[EvalSample(id="locked", epoch=1, input="I am locked out", target="solved", scores={"ends": Score(value=1)})],
)
print("inspect-ai", version("inspect-ai"), "pandas", version("pandas"), "pyarrow", version("pyarrow"))
seen = {}
for name in ("access-run-7.json", "access-run-7.eval", "2026-12-01T09-30-00_access-run-7.json"):
    place = Path(sys.argv[1]) / name.replace(".", "-")
    place.mkdir()
    write_eval_log(LOG, str(place / name))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        rows = [len(samples_df(str(path), quiet=True)) for path in (place, place / name)]
        rows += [len(evals_df(str(place), quiet=True)), len(list_eval_logs(str(place)))]
    told = [one for one in warned if "log" in str(one.message).lower()]
    seen[name] = len(read_eval_log(str(place / name)).samples), rows, len(told)
    print(
        f"{name}: read_eval_log {seen[name][0]} sample, samples_df of the folder {rows[0]}, of the file {rows[1]},"
        f" evals_df {rows[2]}, list_eval_logs {rows[3]}, warnings about logs {len(told)}"
    )
as_stated = list(seen.values()) == [(1, [0, 0, 0, 0], 0), (1, [1, 1, 1, 1], 0), (1, [1, 1, 1, 1], 0)]
print("expected: one sample read each time, but no row of the first:", as_stated)
sys.exit(0 if as_stated else 1)
PYTHON
