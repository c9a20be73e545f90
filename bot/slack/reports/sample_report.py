"""What is said in Slack of sampled turns: how good they are beside the baseline, and which failed. Pure."""

from collections.abc import Mapping

from bot.sampling import quality_words
from bot.sampling.quality import SampledQuality
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block
from bot.slack.reports import about_ticket
from bot.slack.reports.about_ticket import About
from bot.store.releases.samples import FailedSample

SHOWN = 5
"The most turns that are listed."


def failing_tickets(found: SampledQuality | None) -> tuple[str, ...]:
    """Return the numbers of the tickets that the report names."""
    return () if found is None else tuple(dict.fromkeys(str(one.ticket_id) for one in found.failures[:SHOWN]))


def blocks(found: SampledQuality | None, tickets: Mapping[str, About | None]) -> list[Block]:
    """Return what the samples say.

    Args:
        found: the samples of the release that is served; None: they were not read.
        tickets: what owners may see of each ticket that is named, by its number.
    """
    if found is None:
        return []
    lines = ["*Sampled turns of the last four weeks*", *map(_line, quality_words.sentences(found))]
    lines += [f"• {_failed(one, tickets)}" for one in found.failures[:SHOWN]]
    more = len(found.failures) - SHOWN
    return [mrkdwn.section("\n".join([*lines, *([f"… and {more} more."] if more > 0 else [])]))]


def _line(sentence: str) -> str:
    return mrkdwn.line(sentence, 400)


def _failed(one: FailedSample, tickets: Mapping[str, About | None]) -> str:
    number = str(one.ticket_id)
    names = ", ".join(f"`{mrkdwn.line(name, 40)}`" for name, _ in one.failures)
    saw = mrkdwn.line(" ".join(said for _, said in one.failures), 200)
    return f"{about_ticket.shown(number, tickets.get(number))}: {names}. {saw}"
