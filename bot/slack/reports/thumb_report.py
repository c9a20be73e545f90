"""The part of reports that says how helpful answers were."""

from collections.abc import Iterator, Mapping

from bot.slack import mrkdwn
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.store.tickets.feedback import Thumbs, Unhelpful

_ASKED, _SAID = 100, 300
"The most characters of the request, and of what was wrong."


def share(thumbs: Thumbs) -> str:
    """Return how many of the rated answers helped, as a count, since a percentage of a few says little."""
    if not thumbs.judged:
        return "*Helpful:* no answer was judged."
    return f"*Helpful: {thumbs.helpful:,} of {thumbs.judged:,}* answers that their requesters judged."


def lines(thumbs: Thumbs, links: Mapping[int, str]) -> Iterator[str]:
    """Yield a line with the share, and one for each answer that did not help.

    Args:
        thumbs: the thumbs.
        links: addresses of answers, by ticket id.
    """
    yield share(thumbs)
    for one in thumbs.worst:
        yield f"• {_ticket(one, links.get(one.ticket_id))}: {_about(one)}"
    left = thumbs.judged - thumbs.helpful - len(thumbs.worst)
    if left > 0:
        yield f"… and {left:,} more that did not help."


def links(client: WebClient, thumbs: Thumbs) -> dict[int, str]:
    """Ask Slack for the addresses of the answers that did not help, by ticket id; no transaction may be open."""
    places = [(one.ticket_id, one.channel, one.ts) for one in thumbs.worst]
    found = {ticket_id: slack.permalink(client, channel, ts) for ticket_id, channel, ts in places if channel and ts}
    return {ticket_id: link for ticket_id, link in found.items() if link is not None}


def _ticket(one: Unhelpful, link: str | None) -> str:
    name = f"Ticket {one.ticket_id}"
    return f"<{link}|{name}>" if link and mrkdwn.openable(link) else name


def _about(one: Unhelpful) -> str:
    asked = "" if one.asked is None else f"asked “{mrkdwn.line(one.asked, _ASKED)}”, "
    if one.said is None:
        return f"{asked}did not say what was wrong."
    words = mrkdwn.line(one.said, _SAID)
    return f"{asked}says “{words}”{'' if words.endswith(('.', '!', '?', '…')) else '.'}"
