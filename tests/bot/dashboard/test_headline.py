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


@pytest.mark.parametrize(
    ("settled", "unsettled", "told"),
    [
        (Requests(), Requests(), "No request was made"),
        (Requests(solved=1), Requests(), "The only request was solved alone"),
        (Requests(to_people=1), Requests(), "The only request went to people"),
        (Requests(), Requests(solved=1), "So far the only request was solved alone; it is not settled yet"),
        (Requests(), Requests(unconfirmed=1), "So far the only request was not solved alone; it is not settled yet"),
        (Requests(solved=1, contradicted=1), Requests(), "1 of 2 requests was solved alone; none went to people"),
        (
            Requests(),
            Requests(solved=2, to_people=1),
            "So far 2 of 3 requests were solved alone; 1 went to people; none is settled yet",
        ),
        (
            Requests(solved=4),
            Requests(to_people=1),
            "So far 4 of 5 requests were solved alone; 1 went to people; 1 is not settled yet",
        ),
        (
            Requests(solved=1_100),
            Requests(solved=100, unconfirmed=34),
            "So far 1,200 of 1,234 requests were solved alone; none went to people; 134 are not settled yet",
        ),
    ],
)
def test_what_became_of_requests_says_of_how_many_it_is_not_settled(
    settled: Requests, unsettled: Requests, told: str
) -> None:
    """The chart counts them, and the share above it does not, so a reader has to see which is which."""
    assert headline.told(Success(settled=settled, unsettled=unsettled)) == told


def test_why_there_is_no_share_is_said() -> None:
    """Nobody reads of requests that are not settled where there are none."""
    assert headline.no_share(Success()) == "No request was made in these days, so there is no share to show."
    assert headline.no_share(Success(unsettled=Requests(solved=1))).startswith("No request of these days is settled")
