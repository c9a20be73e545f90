"""The words beside the success criterion."""

import pytest

from bot.dashboard import headline
from bot.store.figures.success import Requests, Success


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        (Success(unsettled=Requests(solved=1, to_people=2)), "within 24 hours. 3 requests are not settled yet."),
        (Success(settled=Requests(solved=2), unsettled=Requests(solved=1)), " 1 more request is not settled yet."),
        (Success(settled=Requests(solved=2)), "within 24 hours."),
    ],
)
def test_requests_are_more_only_beside_others(found: Success, ends: str) -> None:
    """Where none is settled, nobody has read of any request before."""
    assert headline.ends_in_words(found).endswith(ends)
