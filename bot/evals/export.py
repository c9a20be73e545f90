"""A run as files for other tools: JSON lines, one play each; and a log that inspect-ai's own reader opens.

What that reader wants (measured with inspect-ai 0.3.285): a file whose name begins with its date, else a folder of logs
reads as empty; `plan` and `stats`; ids of the log; the arguments of tools as objects; and a score in every epoch, since
one without takes its whole case out of the figures.
"""

import json
from collections.abc import Iterator
from typing import Any

from bot.evals.plays import Play
from bot.evals.runner import RunReport
from bot.store.schema import EvalRun, RunState, Verdict

STANDIN = "stand-in (not Claude)"
SCORER = "outcome_and_state"
CORRECT, INCORRECT = "C", "I"
"The values of inspect-ai for a score."


def as_jsonl(report: RunReport) -> Iterator[str]:
    """Yield one JSON object a play, as text; money in nano-USD, times in milliseconds."""
    for play in report.plays:
        yield json.dumps(
            {
                "run": report.run_id,
                "release": report.release,
                "suite": report.suite,
                "model_is_standin": report.model_is_standin,
                "case": play.case.id,
                "case_sha": play.case.sha,
                "slice": play.case.slice,
                "hard": play.case.hard,
                "repeat": play.repeat,
                "played": play.played,
                "passed": play.played and not play.failures,
                "failures": list(play.failures),
                "outages": list(play.outages),
                "transcript": list(play.transcript),
                "duration_ms": play.milliseconds,
                "cost_nusd": play.cost_nusd,
            }
        )


def file_name(run: EvalRun) -> str:
    """Return the name of a log's file, which begins with its date."""
    release = run.release.replace("@", "-")
    return f"{run.started_at:%Y-%m-%dT%H-%M-%S}+00-00_{release}_run-{run.id}.json"


def as_inspect(report: RunReport, run: EvalRun, *, model: str) -> dict[str, Any]:
    """Return a run as a log of inspect-ai.

    Args:
        report: the run with its plays.
        run: its row.
        model: the model that the release calls.
    """
    played = [play for play in report.plays if play.played]
    name = STANDIN if report.model_is_standin else model
    cases = sorted({play.case.id for play in played})
    ids = {"eval_id": f"run-{run.id}", "run_id": f"run-{run.id}", "task_id": f"suite-{report.suite[:12]}"}
    return {
        "version": 2,
        "status": "success" if report.state is RunState.FINISHED else "cancelled",
        "eval": {
            **ids,
            "created": run.started_at.isoformat(),
            "task": report.release,
            "task_version": 0,
            "task_attribs": {},
            "task_args": {},
            "dataset": {"name": report.suite[:12], "samples": len(cases), "sample_ids": cases, "shuffled": False},
            "model": name,
            "model_args": {},
            "config": {"epochs": report.repeats},
            "packages": {},
            "metadata": {
                "verdict": report.verdict or Verdict.NOT_RUN,
                "why": list(report.why),
                "model_is_standin": report.model_is_standin,
            },
        },
        "plan": {"name": "deskhand", "steps": [], "config": {}},
        "results": _results(played),
        "stats": {
            "started_at": run.started_at.isoformat(),
            "completed_at": (run.finished_at or run.started_at).isoformat(),
            "model_usage": {},
        },
        "samples": [_sample(play, run.id, name) for play in played],
    }


def _results(played: list[Play]) -> dict[str, Any]:
    passed = sum(not play.failures for play in played)
    rate = passed / len(played) if played else 0.0
    metric = {"accuracy": {"name": "accuracy", "value": rate, "params": {}}}
    return {
        "total_samples": len(played),
        "completed_samples": len(played),
        "scores": [{"name": SCORER, "scorer": SCORER, "params": {}, "metrics": metric}],
    }


def _sample(play: Play, run_id: int, model: str) -> dict[str, Any]:
    said = [entry for entry in play.transcript if entry["by"] in ("agent", "handoff")]
    answer = str(said[-1]["text"]) if said else ""
    return {
        "id": play.case.id,
        "epoch": play.repeat,
        "uuid": f"run-{run_id}-{play.case.id}-{play.repeat}",
        "input": next((str(entry["text"]) for entry in play.transcript if entry["by"] == "requester"), ""),
        "target": "",
        "messages": list(_messages(play, run_id)),
        "output": {
            "model": model,
            "choices": [{"message": {"role": "assistant", "content": answer}, "stop_reason": "stop"}],
        },
        "scores": {
            SCORER: {
                "value": INCORRECT if play.failures else CORRECT,
                "answer": answer,
                "explanation": "\n".join(play.failures),
            }
        },
        "metadata": {
            "slice": play.case.slice,
            "hard": play.case.hard,
            "case_sha": play.case.sha,
            "cost_nusd": play.cost_nusd,
        },
        "total_time": play.milliseconds / 1000,
        "model_usage": {},
        "events": [],
    }


def _messages(play: Play, run_id: int) -> Iterator[dict[str, Any]]:
    for number, entry in enumerate(play.transcript):
        identity = f"run-{run_id}-{play.case.id}-{play.repeat}-{number}"
        match entry["by"]:
            case "tool":
                call = {"id": identity, "function": str(entry["name"]), "arguments": {}, "type": "function"}
                yield {"id": f"{identity}-call", "role": "assistant", "content": "", "tool_calls": [call]}
                gave = json.dumps(entry.get("gave", {}))
                yield {
                    "id": identity,
                    "role": "tool",
                    "content": gave,
                    "tool_call_id": identity,
                    "function": str(entry["name"]),
                }
            case "agent":
                yield {"id": identity, "role": "assistant", "content": str(entry["text"])}
            case "handoff":
                said = f"(a handoff, {entry['reason']}) {entry['text']}"
                yield {"id": identity, "role": "assistant", "content": said}
            case who:
                yield {"id": identity, "role": "user", "content": f"({who}) {entry['text']}"}
