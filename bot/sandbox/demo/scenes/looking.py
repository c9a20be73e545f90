"""The owner opens the dashboard from Slack and looks at a ticket; what it shows is compared with the database."""

import json
import time
import urllib.error
import urllib.request
from html.parser import HTMLParser
from http import HTTPStatus
from http.cookiejar import CookieJar
from urllib.parse import parse_qs, urlencode, urlsplit

from bot.dashboard import samples
from bot.sampling import quality
from bot.sandbox.demo.scenes import reporting
from bot.sandbox.demo.scenes.asking import unlock
from bot.sandbox.demo.scenes.checks import Json, Unexpected, check
from bot.sandbox.demo.scenes.reporting import AGENT, OWNER
from bot.sandbox.demo.scenes.stage import PATIENCE_SECONDS, Stage
from bot.slack.mrkdwn import dollars
from bot.slack.reports import dashboard_offer
from bot.store.figures import figures
from bot.store.figures.dashboard import DashboardFigures
from bot.store.schema import now
from bot.store.tickets import ticket_history

DAYS = 30
"The window that the dashboard shows unless it is asked for another."


class _Text(HTMLParser):
    """The text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)

    def handle_data(self, data: str) -> None:
        """Keep a piece of text."""
        self.text += data


class _Browser:
    """Asks for pages as a browser does: with cookies, and with the origin of the page that a form is on."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        plain, cookies = urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(plain, cookies)

    def page(self, address: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        """Return the status and the text of a page; with fields, of the one that a form leads to."""
        data = None if fields is None else urlencode(fields).encode()
        headers = {} if fields is None else {"Origin": self._origin}
        url = address if address.startswith("http") else f"{self._origin}{address}"
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - ours
        try:
            with self._opener.open(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, _Text(answer.read().decode()).text
        except urllib.error.HTTPError as error:
            return error.code, _Text(error.read().decode()).text
        except OSError as error:
            raise Unexpected(f"{address.partition('?')[0]} could not be opened: {error}") from error


def dashboard(stage: Stage) -> Json:
    """Olivia opens the dashboard from the answer to her command."""
    if not _counted(stage).total.requests:
        unlock(stage)
    note, _ = reporting.ask(stage, "/agent-eval", "")
    address = _link(note)
    browser, stranger = _Browser(address), _Browser(address)
    fields = {"link": parse_qs(urlsplit(address).query)["link"][0]}
    shown = browser.page(address)
    check(
        shown[0] == HTTPStatus.OK and f"Open the dashboard as {stage.name(OWNER)}" in shown[1], "whom it is for", shown
    )
    began = time.monotonic()
    opened = browser.page("/dashboard/open", fields)
    took = round((time.monotonic() - began) * 1000)
    check(opened[0] == HTTPStatus.OK and "Solved without a person" in opened[1], "the figures", opened)
    used = stranger.page("/dashboard/open", fields)
    check(used[0] != HTTPStatus.OK and "Solved without a person" not in used[1], "that a link works once", used)
    closed = stranger.page("/dashboard")
    check(closed[0] == HTTPStatus.FORBIDDEN, "no figure without a session", closed)
    sentences = stage.wait("the figures of the database on the page", lambda: _agreed(stage, browser))
    for sentence in sentences:
        stage.say(f"  the dashboard: {sentence}")
    return {"ms": took, "figures": list(sentences), "ticket": _ticket(stage, browser)}


def _agreed(stage: Stage, browser: _Browser) -> tuple[str, ...] | None:
    """Return what the page says, once that is what the database says."""
    _, text = browser.page("/dashboard")
    found = _counted(stage)
    sampled = _sampled(stage, found.releases[0].fingerprint)
    if sampled is None:
        return None
    sentences = (*_sentences(found), sampled)
    return sentences if all(sentence in text for sentence in sentences) else None


def _sampled(stage: Stage, release: str) -> str | None:
    """Return how many sampled turns are scored, as the page says it; None: none is yet."""
    found = stage.read(lambda session: quality.read(session, AGENT, release)).all
    return samples.summary(found.scored, failed=found.scored - found.passed) if found.scored else None


def _counted(stage: Stage) -> DashboardFigures:
    cohort = figures.last_days(DAYS, at=now(), agent=AGENT)
    return stage.read(lambda session: figures.read(session, cohort))


def _sentences(found: DashboardFigures) -> tuple[str, ...]:
    """Return sentences of the page with figures of the database."""
    total = found.total
    turns = f"{total.replies:,} of {total.requests:,} turn"
    people = f"{total.handoffs:,} went to people"
    calls = sum(one.calls for one in found.tools)
    tools = f"{found.tools[0].tool} was called most: {found.tools[0].calls:,} times of {calls:,}"
    spent = f"Model calls of turns cost {dollars(total.cost_nusd)}"
    return (turns, people, tools, spent) if total.handoffs else (turns, tools, spent)


def _ticket(stage: Stage, browser: _Browser) -> int:
    """Open the page of the newest ticket, and return its number."""
    number = stage.read(ticket_history.newest)
    status, text = browser.page(f"/dashboard/tickets/{number}")
    check(status == HTTPStatus.OK and f"Ticket {number}" in text and "What happened" in text, f"ticket {number}", text)
    return number or 0


def _link(note: Json) -> str:
    """Return the address behind the button that opens the dashboard."""
    for block in note["blocks"]:
        for element in block.get("elements", ()):
            if element.get("action_id") == dashboard_offer.FOLLOWED:
                return str(element["url"])
    raise Unexpected(f"the answer has no button for the dashboard: {json.dumps(note['blocks'])[:300]}")
