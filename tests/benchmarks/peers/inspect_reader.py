"""What inspect-ai reads of a folder of logs; run by the Python of an environment of its own (`make check-inspect`)."""

import json
import sys
from pathlib import Path

from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_sample_summaries


def main(folder: str) -> None:
    """Print one JSON object: what the only log of a folder says, and how many samples are summed up."""
    [file] = Path(folder).glob("*.json")
    log = read_eval_log(str(file))
    said = {
        "status": log.status,
        "model": log.eval.model,
        "samples": len(log.samples),
        "accuracy": log.results.scores[0].metrics["accuracy"].value,
        "listed": len(list_eval_logs(folder)),  # by its name alone, as its data frames do
        "summaries": len(read_eval_log_sample_summaries(str(file))),
    }
    sys.stdout.write(f"{json.dumps(said)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
