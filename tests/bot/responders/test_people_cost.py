"""What the time of people costs: `bot.responders.people_cost`."""

import pytest
from pydantic import ValidationError

from bot.responders.people_cost import PeopleCost


def test_a_rate_is_dollars_an_hour() -> None:
    """As a card writes it, quoted or not; without it there is none."""
    assert PeopleCost.model_validate({"cost_per_hour": "45.00"}).nusd_per_hour == 45 * 10**9
    assert PeopleCost.model_validate({"cost_per_hour": 38}).nusd_per_hour == 38 * 10**9
    assert PeopleCost().nusd_per_hour is None


@pytest.mark.parametrize("wrong", ["0", "-1", "45.001", "10001", "free", "NaN"])
def test_what_is_no_rate_is_refused(wrong: str) -> None:
    """Nothing, less than nothing, fractions of a cent, and more than anybody costs."""
    with pytest.raises(ValidationError):
        PeopleCost.model_validate({"cost_per_hour": wrong})
