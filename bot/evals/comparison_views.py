"""A run beside the baseline as text for the terminal, and the same facts as JSON. Pure."""

from collections.abc import Sequence
from typing import Any

from bot.store.releases.comparisons import Beside, RunBeside


def as_json(found: RunBeside) -> dict[str, Any]:
    """Return it as plain values."""
    return {
        "agent": found.agent,
        "run": found.run_id,
        "release": found.release,
        "verdict": found.verdict,
        "why": list(found.why),
        "baseline": found.baseline,
        "is_baseline": found.is_baseline,
        "model_is_standin": found.model_is_standin,
        "slices": _values(found.slices),
        "worse": _values(found.worse),
        "better": _values(found.better),
        "not_compared": found.apart,
    }


def as_text(found: RunBeside) -> str:
    """Return it for a terminal of 100 columns."""
    standin = ", STAND-IN MODEL" if found.model_is_standin else ""
    lines = [f"{found.release}, run {found.run_id}{standin}"]
    if found.baseline is None:
        lines.append("No release was promoted yet, so there is nothing to compare it with.")
    elif found.is_baseline:
        lines.append("It is the baseline itself, so there is nothing to compare it with.")
    else:
        lines += [f"beside the baseline {found.baseline}", "", f"{'slice':<28} {'now':>12} {'baseline':>12}"]
        lines += [_row(one) for one in found.slices]
        lines += _list("worse", found.worse) + _list("better", found.better)
        lines += [f"Not compared, as the baseline did not play the same: {found.apart}"] if found.apart else []
    verdict = str(found.verdict or "no verdict").upper().replace("_", " ")
    return "\n".join([*lines, "", f"{verdict}: {'; '.join(found.why)}" if found.why else verdict])


def _list(title: str, cases: Sequence[Beside]) -> list[str]:
    return ["", f"{title}:", *(_row(one) for one in cases)] if cases else []


def _row(one: Beside) -> str:
    return f"{one.name:<28} {one.now.words:>12} {one.before.words:>12}"


def _values(rows: Sequence[Beside]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "slice": one.slice, "hard": one.hard, "now": list(one.now), "baseline": list(one.before)}
        for one in rows
    ]
