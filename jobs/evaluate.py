"""Starts the process of `deskhand eval run`, which is `jobs.evaluation`.

It loads some four thousand modules, the model's SDK among them. All of it stays for as long as the process, so no
collection of garbage looks through it meanwhile: that would take a quarter of the time. `jobs.worker` lets them begin.
"""

import gc


def main() -> None:
    """Load what an evaluation needs, and run it."""
    gc.disable()
    from jobs import evaluation  # noqa: PLC0415 - see above

    evaluation.main()


if __name__ == "__main__":
    main()
