"""What each of the processes that run the tests takes at a time, and in what order.

What takes longest begins first, so that nobody waits for it at the end. Files that stand in the same
house of real processes, or prepare another one from the same file, stay together, so that it is built once; so do
files that go through the product's source, and those that look at pages in one browser.
"""

from collections.abc import Sequence

import pytest

HOUSE = "tests/e2e/house"
IN_THE_HOUSE = tuple(
    f"tests/e2e/test_{name}.py"
    for name in (
        "bad_input",
        "duplicates",
        "handoff_faults",
        "metrics",
        "page",
        "requests",
        "second_agent",
        "surge",
        "traces",
    )
)
SOURCE = "tests/bot/source"
READ_SOURCE = tuple(
    f"tests/bot/{name}.py"
    for name in (
        "agent/test_door",
        "cli/test_log_events",
        "slack/test_sentences",
        "store/schema/test_enums",
        "telemetry/test_spans",
        "test_names",
        "test_rows",
        "test_sizes",
        "test_texts_of_errors",
    )
)
"They go through all of the product's source, which is parsed once for them: see `source_trees`."
PAGES = "tests/pages"
LOOK_AT_PAGES = (
    "tests/bot/sandbox/page/test_phone.py",
    "tests/bot/sandbox/page/test_shown.py",
    "tests/bot/sandbox/page/test_used.py",
    "tests/bot/web/test_dashboard_shown.py",
    "tests/bot/web/test_doorway_in_browser.py",
    "tests/scenarios/test_approval_on_the_page.py",
)
"To start a browser takes a second of CPU: see `chromium`."
TOGETHER = {HOUSE: IN_THE_HOUSE, SOURCE: READ_SOURCE, PAGES: LOOK_AT_PAGES}
"The files of each piece of several."
_PIECES = {file: piece for piece, files in TOGETHER.items() for file in files}
LONGEST = (
    "tests/e2e/test_tour.py",
    HOUSE,
    "tests/e2e/chaos/test_chaos.py",
    PAGES,
    "tests/bot/store/figures/test_folding.py",
    "tests/bot/store/handoffs/test_handoffs.py",
    "tests/bot/listeners/test_nulls.py",
    "tests/bot/cli/test_starting.py",
    "tests/bot/store/migrations/test_filled.py",
    "tests/scenarios/test_law_four_sides.py",
    "tests/bot/listeners/test_linked_threads.py",
    "tests/jobs/test_samples.py",
    "tests/scenarios/test_law_four.py",
    "tests/bot/evals/test_sabotage.py",
    "tests/jobs/test_drift.py",
    "tests/bot/listeners/test_buttons.py",
    "tests/scenarios/test_approval_core_faults.py",
    "tests/scenarios/test_rights_property.py",
    "tests/scenarios/test_handoff_faults.py",
    "tests/bot/listeners/test_modals.py",
    "tests/bot/listeners/test_queue_edits.py",
    "tests/bot/evals/test_runner.py",
    SOURCE,
    "tests/jobs/test_handoff.py",
    "tests/bot/web/test_doorway.py",
    "tests/bot/store/figures/test_figures.py",
    "tests/scenarios/test_lifecycle.py",
    "tests/bot/store/figures/test_success_days.py",
    "tests/bot/agent/test_approving.py",
    "tests/bot/drift/test_simulation.py",
    "tests/bot/slack/handoffs/test_queue_card.py",
    "tests/bot/store/money/test_after_raise.py",
    "tests/bot/store/figures/test_success.py",
    "tests/jobs/test_turn.py",
    "tests/jobs/test_probes.py",
    "tests/jobs/test_suspension.py",
    "tests/jobs/test_eval_answers.py",
    "tests/bot/store/outbox/test_messages.py",
    "tests/jobs/test_surge_races.py",
    "tests/scenarios/test_joined_thread_races.py",
    "tests/bot/cli/test_person.py",
    "tests/bot/store/personal/test_retention.py",
    "tests/scenarios/test_approval_rounds.py",
    "tests/jobs/test_commands.py",
    "tests/bot/agent/test_adversary.py",
    "tests/jobs/test_traces.py",
    "tests/bot/casework/test_beforehand.py",
    "tests/scenarios/test_injections.py",
    "tests/scenarios/test_languages.py",
    "tests/jobs/test_surge_ways_out.py",
    "tests/jobs/test_surge_alike.py",
    "tests/bot/store/personal/test_erasing.py",
    "tests/jobs/test_after_raise.py",
    "tests/bot/sandbox/demo/test_serve.py",
    "tests/bot/store/approvals/test_approvals.py",
    "tests/jobs/test_home.py",
    "tests/bot/health/test_doctor.py",
    "tests/jobs/test_surges.py",
)
"""Half a minute or more each in a whole run, about the longest first; the others by their names.

The first few mostly wait, for processes, leases and pages, and leave the cores to the others.
"""


def longest_first(items: list[pytest.Item]) -> None:
    """Put the tests of what takes longest first."""
    items.sort(key=lambda item: _rank(LONGEST, _piece(item.nodeid.split("::", 1)[0])))


def pieces(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    """Return the tests of each file together, and of all files that belong together."""
    together = dict[str, list[pytest.Item]]()
    for item in items:
        together.setdefault(_piece(item.nodeid.split("::", 1)[0]), []).append(item)
    return list(together.values())


def _piece(file: str) -> str:
    return _PIECES.get(file, file)


def _rank(order: Sequence[str], piece: str) -> int:
    return order.index(piece) if piece in order else len(order)
