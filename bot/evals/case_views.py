"""One case of a run as people look at it, its words redacted; and the ids that are nearest to one that is unknown."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from bot.agent.redaction import redact
from bot.slack.reports.eval_case import CasePlay, CaseReport
from bot.store.db import Session
from bot.store.releases import eval_runs
from bot.store.schema import EvalRun

_NEAREST = 5
_SHOWN = ("by", "name", "status", "reason")
"The fields of an entry of a transcript that are shown as they are, beside its text; what a tool gave is left out."


def of_run(session: Session, run: EvalRun, case: str) -> CaseReport | None:
    """Return the plays of a case in a run; None: it was not played in it."""
    rows = eval_runs.of_case(session, run.id, case)
    if not rows:
        return None
    return CaseReport(
        case=case,
        slice=rows[0].slice,
        hard=rows[0].hard,
        run_id=run.id,
        release=run.release,
        model_is_standin=run.model_is_standin,
        plays=tuple(
            CasePlay(
                repeat=row.repeat,
                played=row.played,
                failures=tuple(redact(str(one)) for one in row.failures),
                outages=tuple(map(str, row.outages)),
                transcript=tuple(_redacted(one) for one in row.transcript),
            )
            for row in rows
        ),
    )


def nearest(session: Session, run: EvalRun, case: str) -> tuple[str, ...]:
    """Return the ids of cases of a run that are most like one, the best first."""
    ids = eval_runs.case_ids(session, run.id)
    within = [one for one in ids if case.lower() in one.lower()]
    close = get_close_matches(case.lower(), ids, n=_NEAREST, cutoff=0.4)
    return tuple(dict.fromkeys([*close, *within]))[:_NEAREST]


def as_json(found: CaseReport) -> dict[str, Any]:
    """Return a case as plain values."""
    return {
        "case": found.case,
        "slice": found.slice,
        "hard": found.hard,
        "run": found.run_id,
        "release": found.release,
        "model_is_standin": found.model_is_standin,
        "plays": [
            {
                "repeat": one.repeat,
                "played": one.played,
                "failures": list(one.failures),
                "outages": list(one.outages),
                "transcript": [dict(entry) for entry in one.transcript],
            }
            for one in found.plays
        ],
    }


def as_text(found: CaseReport) -> str:
    """Return a case for a terminal, every play with all of its words."""
    standin = ", STAND-IN MODEL" if found.model_is_standin else ""
    where = f"{found.slice}{', hard' if found.hard else ''}"
    lines = [f"{found.case} ({where}), run {found.run_id} of {found.release}{standin}"]
    for one in found.plays:
        result = "not played" if not one.played else ("failed" if one.failures else "passed")
        lines += ["", f"repeat {one.repeat}: {result}", *(f"  - {why}" for why in (*one.failures, *one.outages))]
        lines += [f"    {_spoken(entry)}" for entry in one.transcript]
    return "\n".join(lines)


def _spoken(entry: Mapping[str, Any]) -> str:
    what = [str(entry[field]) for field in ("name", "status", "reason") if field in entry]
    said = [" ".join(str(entry["text"]).split())] if entry.get("text") else []
    return f"{entry['by']}: {', '.join([*what, *said])}"


def _redacted(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown = {field: entry[field] for field in _SHOWN if field in entry}
    return shown | ({"text": redact(str(entry["text"]))} if "text" in entry else {})
