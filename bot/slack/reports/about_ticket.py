"""A ticket as owners may see it: its number, its channel and a link, never its words. Pure."""

from dataclasses import dataclass

from bot.slack import mrkdwn

DIRECT = "a direct message"


@dataclass(frozen=True, slots=True)
class About:
    """A ticket as owners may see it."""

    requester: str
    channel: str | None
    "None when it was written in a direct message."
    link: str | None


def shown(name: str, about: About | None, *, word: str = "ticket") -> str:
    """Return a ticket's number, with a link where there is one, and where it was written.

    Args:
        name: the ticket's number.
        about: what owners may see of it; None: it is not known.
        word: what it is called.
    """
    numbered = f"{word} {mrkdwn.line(name, 20)}"
    if about is None:
        return numbered
    if about.channel is None:
        return f"{numbered} in {DIRECT}"
    where = f" in <#{about.channel}>"
    link = about.link
    return f"<{link}|{numbered}>{where}" if link is not None and mrkdwn.openable(link) else f"{numbered}{where}"
