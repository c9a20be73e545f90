"""The message to owners when Slack has dropped events: since when, and where to look for unheard requests. Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body

MOST_CHANNELS = 10


def message(since: datetime, channels: Sequence[str]) -> Body:
    """Return the message about events that Slack has dropped since a time."""
    named = [f"<#{channel}>" for channel in dict.fromkeys(channels)]
    more = f" and {len(named) - MOST_CHANNELS} more" if len(named) > MOST_CHANNELS else ""
    places = f"in {', '.join(named[:MOST_CHANNELS])}{more} or " if named else ""
    text = (
        f":warning: *Slack has dropped events that were for me, since about {mrkdwn.date(since)}.* "
        "It does not send them later, so I may never have seen what people have written since then.\n"
        f"Please look for requests without an answer {places}in direct messages, and ask those people to write again."
    )
    small = (
        "Slack drops events when there are more than 30,000 an hour, or when too many were not answered in time. "
        "You hear of it once an hour; `deskhand doctor` and docs/how-to/operate.md say more."
    )
    return mrkdwn.body(text, [mrkdwn.section(text), mrkdwn.context(small)])
