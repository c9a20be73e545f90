"""What owners read of a deviation: `bot.slack.money.alerts`."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given

from bot.budget.reports.anomalies import Anomaly
from bot.budget.reports.patterns import Cause, Pattern
from bot.slack.money import alerts
from bot.slack.reports.about_ticket import About
from tests.support.anomalies import CENT, COSTLY_PERSON, MORE_REQUESTS, USUAL_COST
from tests.support.block_checks import check, shown, texts, tried

LINK = "https://northwind.slack.com/archives/C0HELP/p1"
HERE = {"12": About("U0MAYA", "C0HELP", LINK)}


def said(found: Anomaly, tickets: dict[str, About] = HERE) -> str:
    """Return the text of an alert that Slack takes and that mentions only what we mean."""
    body = alerts.alert(found, when="today so far", tickets=tickets)
    check(body, ours=("<@U0MAYA>", "<#C0HELP>", f"<{LINK}|ticket 12>", f"<{LINK}|Ticket 12>"))
    assert body["text"] in shown(body)
    return str(body["text"])


def test_a_person_is_named_with_figures_then_and_now() -> None:
    """What it cost, how many times the usual, what the usual is, and what was different."""
    heading = (
        ":chart_with_upwards_trend: *Requests of <@U0MAYA> cost $0.50 today so far, 12 times as much as usual.* "
        "On half of 19 such days before it was $0.04 or less, on nearly all $0.09 or less."
    )
    assert said(COSTLY_PERSON).splitlines() == [heading, "What was different:", "• More requests: 14, usually 2 a day."]


def test_a_person_without_a_past_is_compared_with_anybody() -> None:
    """And the alert says so."""
    everybody = replace(COSTLY_PERSON, usual=replace(USUAL_COST, of="days of everybody"))
    assert "On half of 19 days of anybody it was $0.04 or less" in said(everybody)


def test_a_ticket_is_named_with_its_place_and_whose_it_is() -> None:
    """A link where there is one; a private one has no place, an unknown one only its number."""
    loop = Pattern("loop", 5.0, 9, 1.14, name="look_up_my_account", ticket="12")
    ticket = replace(COSTLY_PERSON, per="ticket", name="12", usual=replace(USUAL_COST, of="tickets"), patterns=(loop,))
    assert (
        "A tool was called again and again: `look_up_my_account` 9 times in one turn, "
        f"usually 1.1; see <{LINK}|ticket 12>" in said(ticket)
    )
    assert f"<{LINK}|Ticket 12> in <#C0HELP> of <@U0MAYA> cost $0.50" in said(ticket)
    assert "Half of 19 tickets before cost $0.04 or less, nearly all $0.09 or less." in said(ticket)
    assert "Ticket 12 in a direct message of <@U0MAYA> cost" in said(ticket, {"12": About("U0MAYA", None, None)})
    assert "Ticket 12 in <#C0HELP> of <@U0MAYA> cost" in said(ticket, {"12": About("U0MAYA", "C0HELP", None)})
    assert "Ticket 12 cost" in said(ticket, {})
    assert alerts.tickets_in(ticket) == {"12"}
    assert alerts.tickets_in(COSTLY_PERSON) == frozenset()


def test_a_tool_and_an_agent() -> None:
    """A tool by its name; an agent by what one of its turns costs."""
    assert "*Calls of `unlock_my_account` cost $0.50 today" in said(
        replace(COSTLY_PERSON, per="tool", name="unlock_my_account")
    )
    agent = replace(
        COSTLY_PERSON, per="agent", name="access", usual=replace(USUAL_COST, cost_nusd=CENT, high_nusd=2 * CENT)
    )
    assert "*20 turns of the agent access cost $0.025 each today so far, 2.5 times as much as usual.*" in said(agent)
    assert "On half of 19 days before, a turn cost $0.01 or less, on nearly all $0.02 or less." in said(agent)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (Pattern("turns", 3.0, 4.2, 1.4), "Longer conversations: 4.2 turns a request, usually 1.4."),
        (Pattern("calls", 3.0, 9.0, 3.0), "More model calls: 9 a turn, usually 3."),
        (Pattern("prompt", 4.0, 12_400, 3_100), "Longer prompts: 12,400 tokens a call, usually 3,100."),
        (
            Pattern("cache", 5.0, 0.04, 0.82),
            "Cache misses: 4 % of the prompt tokens came from the cache, usually 82 %.",
        ),
        (Pattern("answers", 2.0, 700, 120), "The model writes more: 700 tokens a call, usually 120."),
        (Pattern("price", 2.0, 4_000, 2_000), "More expensive tokens: 2 times the usual"),
        (Pattern("charged", 8.0, 9, 0.0), "charged at the most they could cost: 9, usually 0 a day."),
        (Pattern("user", 2.5, 0.6, 0.1, name="U0MAYA"), "One person: <@U0MAYA> made 60 % of it, usually 10 %."),
        (Pattern("loop", 2.5, 6, None, name="hand_off", ticket="12"), "`hand_off` 6 times in one turn, usually 0; see"),
    ],
)
def test_each_pattern_has_plain_words(pattern: Pattern, words: str) -> None:
    """With the figure of now beside the usual one."""
    assert words in said(replace(COSTLY_PERSON, patterns=(MORE_REQUESTS, pattern)))


def test_every_cause_has_words() -> None:
    """None is missing, whatever is found."""
    assert set(alerts._WORDS) == set(get_args(Cause))


def test_what_never_cost_anything_has_no_factor() -> None:
    """Nothing is divided by zero."""
    free = replace(COSTLY_PERSON, usual=replace(USUAL_COST, cost_nusd=0))
    assert "cost $0.50 today so far, and usually next to nothing.*" in said(free)


@tried
@given(name=texts)
def test_whatever_things_are_called_they_mention_nobody(name: str) -> None:
    """A tool or a person of any name cannot ping the workspace or hide a link."""
    for kind in ("user", "tool", "agent"):
        found = replace(COSTLY_PERSON, per=kind, name=name, patterns=(Pattern("user", 2.0, 0.6, 0.1, name=name),))
        body = alerts.alert(found, when="today so far", tickets={})
        check(
            body, ours=tuple(f"<@{one}>" for one in [name.strip().removeprefix("<@").removesuffix(">").split("|")[0]])
        )
