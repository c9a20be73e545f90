import pytest

from bot.sandbox.demo.scenes import surging
from bot.sandbox.demo.scenes.stage import Stage
from tests.e2e.product import SMALL

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("house", [SMALL], indirect=True, ids=["socket-postgres"])
def test_the_tours_outage_of_the_directory_is_one_on_postgresql(stage: Stage, untroubled: None) -> None:
    """What the tour plays on SQLite is also an outage there, behind a pooler: no process meets a fault of ours."""
    found = surging.surge(stage)
    assert (found["people"], found["by"]) == (5, "answers")
