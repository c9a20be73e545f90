"""How much of what should leave a text does, by kind and by language, and how much harmless text is changed.

A thousand secrets and a thousand harmless texts from each of three sets of templates: the one that the rules were
built on, a hold-out that was written before them and never tuned on, and one that was written long after them.
The same texts go through detect-secrets
and through Presidio's pattern recognisers, where `make bench-redaction` has installed them. And how long a
message takes, the longest that Slack lets through included.
"""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bot.agent.redaction import redact
from tests.bot.agent.redaction.generated import Made, generated_texts
from tests.bot.agent.redaction.scores import Scores, by_language, score
from tests.support.json_object import Json
from tests.support.paths import ROOT

PEERS = ROOT / ".venv" / "redaction" / "bin" / "python"
SETS = {"templates": 1, "holdout": 2, "later": 3}
"By name: the seed. Nothing was tuned on the hold-out; the later set says itself what it has changed."
TARGET_RECALL, TARGET_HARMED, TARGET_MS = 0.9, 0.01, 5.0
LONGEST = 40_000
"Characters of a message that Slack lets through."

Say = Callable[[str], None]


def run(say: Say) -> Json:
    """Measure; recall and harm are parts of 1, times are in milliseconds."""
    results: Json = {}
    for name, seed in SETS.items():
        texts = generated_texts(name, seed=seed)
        say(f"redaction: {len(texts):,} texts of {name}")
        scores = score(texts, redact)
        _show(scores, say)
        kinds = {kind: round(scores.precision_of(kind), 3) for kind in scores.kinds}
        say("redaction: the same through detect-secrets and Presidio")
        in_language = {"by_language_and_kind": by_language(scores)}
        results[name] = {**_report(scores), "precision_by_kind": kinds, **in_language, "peers": _peers(texts)}
    say("redaction: how long it takes")
    times = _times([one.text for one in generated_texts("templates", seed=SETS["templates"])])
    met = all(result["lowest_recall"] >= TARGET_RECALL for result in results.values())
    harmless = all(result["harmed"] <= TARGET_HARMED for result in results.values())
    return {
        **results,
        **times,
        "target_recall": TARGET_RECALL,
        "target_harmed": TARGET_HARMED,
        "target_message_p50_ms": TARGET_MS,
        "met": met and harmless and times["message_p50_ms"] < TARGET_MS,
    }


def _show(scores: Scores, say: Say) -> None:
    """Print the table of languages and kinds."""
    say(f"{'language':10}{'kind':12}{'texts':>7}{'recall':>9}{'precision':>11}")
    for language, kinds in by_language(scores).items():
        for kind, (texts, recall, precision) in kinds.items():
            say(f"{language:10}{kind:12}{texts:7}{recall:9.3f}{precision:11.3f}")


def _report(scores: Scores) -> Json:
    kinds = {kind: round(scores.recall(kind), 3) for kind in scores.kinds}
    languages = sorted({key.partition(":")[0] for key in scores.texts if ":" in key})
    return {
        "secrets": sum(scores.texts[kind] for kind in scores.kinds),
        "harmless": scores.texts["harmless"],
        "recall": kinds,
        "lowest_recall": min(kinds.values()),
        "recall_by_language": {one: round(scores.recall(f"{one}:secrets"), 3) for one in languages},
        "harmed": round(scores.harmed, 4),
        "harmed_by_language": {one: round(scores.recall(f"{one}:harmless"), 4) for one in languages},
        "precision": round(scores.precision, 4),
    }


def _peers(texts: Sequence[Made]) -> Json:
    """Let the libraries redact the same texts."""
    if not (PEERS.parents[1] / ".ready").exists():  # their installation may have broken off
        return {"reason": "they are not installed; `make bench-redaction` installs them"}
    script = Path(__file__).parent / "peers" / "redaction_peer.py"
    asked = json.dumps([one.text for one in texts])
    answer = json.loads(subprocess.run([PEERS, script], input=asked, capture_output=True, text=True, check=True).stdout)
    return {
        name: {"version": peer["version"], **_report(score(texts, _recorded(texts, peer["texts"])))}
        for name, peer in answer.items()
    }


def _recorded(texts: Sequence[Made], left: Sequence[str]) -> Callable[[str], str]:
    clean = {one.text: text for one, text in zip(texts, left, strict=True)}
    return clean.__getitem__


def _times(texts: Sequence[str]) -> Json:
    messages = sorted(_took(text) for text in texts)
    joined = " ".join(texts)[:LONGEST]
    return {
        "message_p50_ms": round(median(messages), 3),
        "message_p99_ms": round(messages[int(len(messages) * 0.99)], 3),
        "longest_ms": round(min(_took(joined) for _ in range(3)), 1),
    }


def _took(text: str) -> float:
    began = time.process_time()
    redact(text)
    return (time.process_time() - began) * 1000
