"""Which files go to which of the processes that run the tests, and in what order.

What takes longest begins first, so that nobody waits for it at the end. Files that stand in the same
house of real processes, or prepare another one from the same file, stay together, so that it is built once.
"""

from collections.abc import Sequence

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

HOUSE = "tests/e2e/house"
IN_THE_HOUSE = tuple(
    f"tests/e2e/test_{name}.py"
    for name in ("bad_input", "duplicates", "handoff_faults", "metrics", "page", "requests", "second_agent", "traces")
)
LONGEST = (
    "tests/e2e/test_tour.py",
    HOUSE,
    "tests/e2e/chaos/test_chaos.py",
    "tests/scenarios/test_rights_property.py",
    "tests/jobs/test_surges.py",
    "tests/scenarios/test_law_four.py",
    "tests/bot/listeners/test_nulls.py",
    "tests/bot/evals/test_sabotage.py",
    "tests/scenarios/test_injections.py",
    "tests/scenarios/test_lifecycle.py",
    "tests/scenarios/test_law_four_sides.py",
    "tests/scenarios/test_handoff_faults.py",
    "tests/scenarios/test_languages.py",
    "tests/bot/store/figures/test_folding.py",
    "tests/bot/sandbox/page/test_shown.py",
    "tests/bot/sandbox/page/test_used.py",
    "tests/bot/web/test_dashboard_shown.py",
    "tests/jobs/engine/test_threads_ending.py",
    "tests/jobs/test_surge_alike.py",
    "tests/jobs/test_home.py",
    "tests/jobs/test_turn.py",
    "tests/bot/test_cli.py",
    "tests/bot/evals/test_runner.py",
    "tests/e2e/test_clocks.py",
    "tests/bot/store/figures/test_figures.py",
    "tests/jobs/test_drift.py",
    "tests/bot/agent/test_approving.py",
    "tests/bot/listeners/test_linked_threads.py",
    "tests/bot/listeners/test_modals.py",
    "tests/bot/listeners/test_queue_edits.py",
    "tests/bot/listeners/test_buttons.py",
    "tests/bot/store/handoffs/test_handoffs.py",
    "tests/jobs/test_suspension.py",
    "tests/jobs/test_handoff.py",
    "tests/bot/slack/handoffs/test_queue_card.py",
    "tests/jobs/test_commands.py",
    "tests/bot/budget/test_trials.py",
    "tests/bot/budget/test_metering.py",
    "tests/scenarios/test_approval_core_faults.py",
    "tests/bot/web/test_doorway.py",
    "tests/bot/store/figures/test_success.py",
    "tests/bot/store/figures/test_success_days.py",
    "tests/bot/drift/test_simulation.py",
    "tests/bot/health/test_doctor.py",
    "tests/jobs/test_undeliverable.py",
    "tests/jobs/test_watch.py",
    "tests/jobs/test_after_raise.py",
    "tests/jobs/test_worker.py",
    "tests/jobs/engine/test_threads.py",
    "tests/jobs/test_clock.py",
)
"""Seven seconds of CPU each or more, or as long a wait, about the longest first; the others by their names.

The first few mostly wait, for processes, leases and pages, and leave the cores to the others.
"""


class TogetherAtHome(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file is one piece of work, and all that stands in the house is one."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of tests: the longest are few

    def _split_scope(self, nodeid: str) -> str:
        return _piece(super()._split_scope(nodeid))


def longest_first(items: list[pytest.Item]) -> None:
    """Put the tests of what takes longest first."""
    items.sort(key=lambda item: _rank(LONGEST, _piece(item.nodeid.split("::", 1)[0])))


def _piece(file: str) -> str:
    return HOUSE if file in IN_THE_HOUSE else file


def _rank(order: Sequence[str], piece: str) -> int:
    return order.index(piece) if piece in order else len(order)
