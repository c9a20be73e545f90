"""What owners are told when the review of their agent is over. Pure."""

from datetime import date

from bot.agent.card import Card
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body

_AGAIN = "You are told of this once a week, until a review is recorded."


def reminder(card: Card, due: date, *, days: int) -> Body:
    """Return the message about a review that was due `days` ago."""
    name = mrkdwn.line(card.name, 80)
    ago = "1 day ago" if days == 1 else f"{days:,} days ago"
    to_do = (
        f"*What to do:* check that its purpose, its {len(card.tools)} tools, its channels and its people are still "
        f"right. Then run `deskhand agents review {name} --until DATE`, or set `review_by` in its card."
    )
    text = "\n".join(
        [
            f":warning: *The review of {name} was due by {due}, {ago}*",
            f"Its purpose: {mrkdwn.line(card.purpose, 300)}",
            to_do,
        ]
    )
    return {"text": text, "blocks": [mrkdwn.section(text), mrkdwn.context(_AGAIN)]}
