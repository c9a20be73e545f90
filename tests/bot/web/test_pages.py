"""What the pages of the dashboard show and to whom: `bot.web.pages`, by real HTTP against the real app."""

from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from bot.agent_cards import Cards
from bot.releases.pairs import pair_of
from bot.sampling import draw
from bot.settings import Settings
from bot.store.installation import agents
from bot.store.releases import eval_runs, releases
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import LedgerRow, RunState, Sample, Ticket, Turn, Verdict, now
from tests.support.dashboard_history import SPRING_FORWARD, dashboard_history
from tests.support.dashboard_visits import VisitedAddress, with_session
from tests.support.hostile_texts import PAYLOADS, write_hostile
from tests.support.lived_month import ASKED, RELEASE, live
from tests.support.release_rows import probed
from tests.support.web_harness import FrontDoor

OWNER, RESPONDER = "U0OLIVIA", "U0PRIYA"
NEVER = {"script", "style", "img", "iframe", "object", "embed", "base", "input"}


class Read(HTMLParser):
    """A page as a browser reads it: its elements, its attributes and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements = Counter[str]()
        self.attributes = Counter[str]()
        self.values, self.text = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count an element and its attributes."""
        self.elements[tag] += 1
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data


@pytest.fixture
def owner(house: FrontDoor) -> str:
    """Return the secret of an owner's session."""
    return with_session(house.database, OWNER)


def asked(visit: VisitedAddress, secret: str, path: str = "/dashboard") -> Read:
    """Return a page as somebody sees it."""
    seen = visit.get(path, secret)
    assert seen.status == 200
    return Read(seen.text)


def test_the_figures_are_those_of_the_rows(house: FrontDoor, visit: VisitedAddress, owner: str) -> None:
    """Turns by outcome, tickets, spending and the release with its verdict, each as a loop over the rows counts it."""
    live(house.database, now())
    page = asked(visit, owner).text
    turns, tickets = house.rows(Turn), house.rows(Ticket)
    ended = Counter(str(turn.outcome) for turn in turns)
    assert ended.total() > 200
    assert f"{ended['reply']} of {ended.total()} turns were answered; {ended['handoff']} went to people" in page
    requests = [one for one in tickets if one.category not in ("withdrawn", "refused")]
    assert f"Requests{len(requests)}" in page
    spent = sum(call.cost_nusd for call in house.rows(LedgerRow))
    assert f"{len(requests)} requests cost ${spent / 10**9:,.2f} in model calls" in page
    assert f"Passed{RELEASE}" in page
    assert "121 of 122 plays of its cases passed" in page
    assert "Drift1 of 12 comparisons with the past shows a drift" in page
    since = draw.week_of(now() - timedelta(weeks=3))
    scored = [one for one in house.rows(Sample) if one.scored_at is not None and one.week >= since]
    failed = [one for one in scored if not one.passed]
    assert len(failed) > 1
    assert f"{len(scored)} sampled turns were scored in the last four weeks; in {len(failed)} of them" in page
    assert f"Ticket {failed[-1].ticket_id}" in page
    assert "% of the turns (95 % interval)" in page
    assert "Plays of the baseline" in page
    assert "No sampled answer was judged for tone and groundedness." in page


def test_nothing_of_another_agent_is_counted(house: FrontDoor, visit: VisitedAddress, owner: str) -> None:
    """The database holds two agents that this viewer has no part in."""
    history = dashboard_history(3)
    history.write(house.database)
    until = SPRING_FORWARD + timedelta(days=6)
    path = f"/dashboard?since={SPRING_FORWARD:%Y-%m-%d}&until={until:%Y-%m-%d}"
    mine = {ticket.id for ticket in house.rows(Ticket) if ticket.agent == "access"}
    end = SPRING_FORWARD + timedelta(days=7)
    ended = [one for one in house.rows(Turn) if one.finished_at is not None and SPRING_FORWARD <= one.finished_at < end]
    counted = [one for one in ended if one.ticket_id in mine]
    assert 0 < len(counted) < len(ended)
    replies = sum(one.outcome == "reply" for one in counted)
    for asked_for in (path, f"{path}&agent=vpn"):
        page = asked(visit, owner, asked_for)
        assert f"{replies} of {len(counted)} turns were answered" in page.text
        assert "vpn" not in page.text
    assert "You can see no agent of the name" in page.text


@pytest.mark.parametrize(
    "query", ["since=soon", "since=2026-11-31&until=x", "agent=%3Cb%3E", "since=%00&until=%FF", "=&&a"]
)
def test_a_wrong_address_is_a_page_with_a_sentence(visit: VisitedAddress, owner: str, query: str) -> None:
    """The usual window is shown, and nothing of the address is repeated."""
    page = asked(visit, owner, f"/dashboard?{query}")
    assert ("so it was left out" in page.text or "You can see no agent" in page.text) is (query != "=&&a")
    assert "Solved without a person" in page.text
    assert "b" not in page.elements


def test_the_release_that_is_served_is_named(house: FrontDoor, visit: VisitedAddress, owner: str) -> None:
    """One that passed answers people; when its process would serve another, the page says which and that nobody is."""
    live(house.database, now())
    served = Settings.from_environment()
    current, suite = pair_of(served, Cards(served.deskhand_config)["access"])
    page = asked(visit, owner).text
    assert f"121 of 122 plays of its cases passed. {current} has replaced it and was never evaluated" in page
    with house.database.write() as session:
        releases.register(session, agent="access", fingerprint=current, body={})
        run = eval_runs.start_run(session, release=current, suite=suite, repeats=1, cases=1, started_by="U0OLIVIA")
        eval_runs.add_result(session, run, case_id="c", slice="hard", hard=True, repeat=0, passed=False, duration_ms=1)
        eval_runs.finish_run(session, run, state=RunState.FINISHED, verdict=Verdict.BLOCK)
    assert f"Blocked{current}" in asked(visit, owner).text
    with house.database.write() as session:
        eval_runs.finish_run(session, run, state=RunState.FINISHED, verdict=Verdict.PASS)
    page = asked(visit, owner).text
    assert "0 of 1 plays of its cases passed, 1 failure in hard slices. It answers people." in page
    assert "Probes " not in page
    probed(house.database, ReleasePair(current, suite))
    page = asked(visit, owner).text
    assert " ago: 1 of 1 probes passed, as often as in its evaluation (exact p 0.400, 1 run)." in page
    assert "0 of 1 plays of its cases passed" in page
    with house.database.write() as session:
        agents.suspend(session, "access", cause="wrong <links>", by="operator")
    page = asked(visit, owner).text
    assert f"SuspendedPassed: {current}" in page
    assert "UTC by an operator: wrong <links>. Every request goes straight to a person." in page


def test_only_owners_see_costs_and_tickets(house: FrontDoor, visit: VisitedAddress, owner: str) -> None:
    """A responder sees how well the agent does, and neither what it costs nor a way to a ticket."""
    live(house.database, now())
    secret = with_session(house.database, RESPONDER)
    seen = visit.get("/dashboard", secret).text
    assert "turns were answered" in seen
    assert "Costs are shown to owners of an agent only." in seen
    assert "$" not in seen
    assert "/dashboard/tickets/" not in seen
    assert "/dashboard/tickets/" in visit.get("/dashboard", owner).text


def test_a_ticket_is_told_from_its_first_words_on(house: FrontDoor, visit: VisitedAddress, owner: str) -> None:
    """Words, turns, prompt and completion of each call with time and cost, and the handoff with its moves."""
    live(house.database, now())
    handed = next(
        one for one in house.rows(Ticket) if one.state == "resolved" and one.category is None and not one.private
    )
    page = asked(visit, owner, f"/dashboard/tickets/{handed.id}").text
    for told in (
        *("wrote: I", "look_up_my_account", "Prompt, 1 message", "Completion", "Arguments", "Result"),
        *("2,310", "opened", "claimed", "resolved", f"turn {handed.id} begins", "Handoffs"),
    ):
        assert told in page, told
    cost = sum(call.cost_nusd for call in house.rows(LedgerRow) if call.ticket_id == handed.id)
    assert f"Model calls cost${cost / 10**9:.4f}".rstrip("0") in page


def test_what_was_asked_in_private_is_not_shown_further(house: FrontDoor, visit: VisitedAddress, owner: str) -> None:
    """Of a direct message the page has the lines of `deskhand ticket`, and nothing of what the model was told."""
    live(house.database, now())
    private = next(one for one in house.rows(Ticket) if one.private and one.category in ASKED)
    page = asked(visit, owner, f"/dashboard/tickets/{private.id}").text
    assert "This was asked in a direct message" in page
    assert "asks claude-1: ok" in page
    assert not any(word in page for word in ("Prompt", "Completion", "Arguments", "Result:"))
    assert "a direct message" in page


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_text_comes_out_as_text(house: FrontDoor, visit: VisitedAddress, owner: str, payload: str) -> None:
    """HTML, SVG and CSS in each field that is stored make no element, and are shown as they were written."""
    written = write_hostile(house.database, payload)
    overview, ticket = asked(visit, owner), asked(visit, owner, "/dashboard/tickets/1")
    shown = " ".join((overview.text + ticket.text).split())
    assert [one for one in written.given if not any(form in shown for form in forms(one))] == []
    for page in (overview, ticket):
        assert not NEVER & page.elements.keys()
        assert (page.elements["form"], page.elements["button"]) == (1, 1)
        assert not any(name.startswith("on") or name in ("style", "srcdoc") for name in page.attributes)


def forms(text: str) -> tuple[str, ...]:
    """Return the forms in which a text may be shown: on one line, as words, in JSON, and cut."""
    line = " ".join(text.split())
    inner = line.replace("\\", "\\\\").replace('"', '\\"')
    return line, line.replace("_", " "), inner, line.lower(), line[:140]
