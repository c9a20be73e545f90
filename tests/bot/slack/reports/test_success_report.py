"""The success criterion in words: `bot.slack.reports.success_report`."""

import pytest

from bot.slack.reports import success_report
from bot.store.figures.success import Requests, Success
from bot.store.handoffs.handoff_metrics import Spread
from bot.store.money.ticket_costs import TicketCosts

WEEK = "in the last 7 days"
FULL = Success(
    settled=Requests(solved=480, to_people=90, contradicted=20, unconfirmed=10),
    unsettled=Requests(solved=70, to_people=25, unconfirmed=1),
    to_answer=Spread(690, 14.0, 40.0),
    to_resolution=Spread(590, 185.0, 7_560.0),
    costs=TicketCosts(696, 20_000_000_000, 5_700.0, 71_250_000_000),
    resolved=TicketCosts(590, 18_000_000_000, 5_700.0, 71_250_000_000),
)


def test_everything_that_is_known_is_said_in_order() -> None:
    """The criterion with its numbers and bounds, the others, what is not settled, times, and both costs together."""
    assert list(success_report.lines(FULL, WEEK)) == [
        "*Solved without a person: 480 of 600* in the last 7 days (80 %; with 95 % confidence 76 to 84 %).",
        (
            "Of the others, 90 went to a person; 20 were contradicted by the requester within 24 hours; "
            "10 are not confirmed as solved."
        ),
        (
            "Not settled yet, and not counted above: 96 requests were opened or resolved less than 24 hours ago. "
            "So far 70 are solved; 25 went to a person; 1 is not confirmed as solved."
        ),
        "First answer after 14 s (nine of ten within 40 s); resolved after 3 min (nine of ten within 2.1 h).",
        "Cost per resolved ticket: $0.1513 ($18.00 of model calls and $71.25 of people for 590; 95 min of claims).",
    ]


@pytest.mark.parametrize(
    ("seen", "first"),
    [
        (Success(), "*Solved without a person: no data* in the last 7 days: there was no request."),
        (
            Success(unsettled=Requests(solved=2)),
            "*Solved without a person: no data yet* in the last 7 days: no request is settled.",
        ),
        (
            Success(settled=Requests(to_people=3)),
            "*Solved without a person: 0 of 3* in the last 7 days (0 %; with 95 % confidence 0 to 57 %).",
        ),
        (
            Success(settled=Requests(solved=3)),
            "*Solved without a person: 3 of 3* in the last 7 days (100 %; with 95 % confidence 43 to 100 %).",
        ),
    ],
)
def test_a_share_is_of_what_is_settled(seen: Success, first: str) -> None:
    """Without a settled request there is no data, which is not 0 %; with few, the bounds say how little they show."""
    assert success_report.headline(seen, WEEK) == first
    assert next(success_report.lines(seen, WEEK)) == first


def test_one_request_is_said_in_the_singular() -> None:
    """One that is solved so far is one request, and one that went to a person is no other end."""
    assert success_report.unsettled(Requests(solved=1)).endswith(
        "1 request was opened or resolved less than 24 hours ago. So far 1 is solved."
    )
    lines = list(success_report.lines(Success(settled=Requests(contradicted=1)), WEEK))
    assert lines[1:] == ["Of the others, 1 was contradicted by the requester within 24 hours."]


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        (TicketCosts(2, 70_000_000, 0.0), "$0.035 ($0.07 of model calls for 2; no claims of people)"),
        (
            TicketCosts(2, 70_000_000, 5_700.0, unpriced=1),
            "$0.035 of model calls ($0.07 for 2); people: 95 min of claims, no rate in the card",
        ),
        (
            TicketCosts(2, 70_000_000, 5_700.0, 71_250_000_000),
            "$35.66 ($0.07 of model calls and $71.25 of people for 2; 95 min of claims)",
        ),
    ],
)
def test_what_a_ticket_costs(costs: TicketCosts, said: str) -> None:
    """Model calls and people together; without a rate the time of people is said, and no amount is guessed."""
    assert success_report.cost(costs) == said


def test_json_keeps_unknown_apart_from_nothing() -> None:
    """A share of no request and an unknown cost are null, and counts are zero."""
    told = success_report.as_json(Success(resolved=TicketCosts(1, 5, 60.0, unpriced=1)))
    assert (told["solved_share"], told["interval_95"], told["settled"]["requests"]) == (None, None, 0)
    assert (told["cost_of_resolved"]["people_nusd"], told["cost_of_resolved"]["per_ticket_nusd"]) == (None, None)
    assert told["cost_of_resolved"]["model_nusd"] == 5
    told = success_report.as_json(FULL)
    assert told["solved_share"] == 0.8
    assert told["interval_95"] == pytest.approx([0.766, 0.830], abs=1e-3)
    assert told["not_settled_yet"] == {
        "requests": 96,
        "solved": 70,
        "to_people": 25,
        "contradicted": 0,
        "unconfirmed": 1,
    }
    assert told["to_first_answer"] == {"count": 690, "median_seconds": 14.0, "p90_seconds": 40.0}
