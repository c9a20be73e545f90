"""Words that must be sent as they are and may not be kept so: a password that a responder sends.

A message with such words bears its redacted body beside them. As soon as Slack has it, or will never take it,
that is all that is left of it (`bot.store.outbox.deliveries`).
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from bot.agent.redaction import redact
from bot.slack.mrkdwn import Body
from bot.store.outbox.messages import AFTERWARDS

_KIND = re.compile(r"\[([a-z][a-z ]{1,30})\]")
_ONES_OWN = frozenset({"email", "phone"})
"What a responder may well want to be read: how to reach somebody."
_MORE: Body = {"text": "(redacted)", "blocks": []}


def holds_secret(text: str) -> bool:
    """Return whether a text seems to hold a password, a code or something else that others must not read."""
    kept = redact(text)
    replaced = Counter(_KIND.findall(kept)) - Counter(_KIND.findall(text))
    return kept != text and not (replaced and replaced.keys() <= _ONES_OWN)


def as_kept(text: str) -> str:
    """Return a text as we may keep it and show it to others."""
    return redact(text) if holds_secret(text) else text


def seal(bodies: Sequence[Body], kept: Sequence[Body]) -> list[Body]:
    """Return messages that are what is kept of them once they are out."""
    pairs = zip_longest(bodies, kept[: len(bodies)], fillvalue=_MORE)
    return [{**body, AFTERWARDS: {**body, **left}} for body, left in pairs]
