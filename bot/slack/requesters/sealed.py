"""Messages with a secret that must be sent but not kept, such as a password from a responder.

Such a message also stores its redacted body. Once Slack has the message, or will never take it, only the redacted body
is left (`bot.store.outbox.deliveries`).
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
"Kinds of data that a responder may want others to read: how to reach somebody."
_MORE: Body = {"text": "(redacted)", "blocks": []}


def holds_secret(text: str) -> bool:
    """Return whether a text seems to hold a password, a code or something else that others must not read."""
    kept = redact(text)
    replaced = Counter(_KIND.findall(kept)) - Counter(_KIND.findall(text))
    return kept != text and not (replaced and replaced.keys() <= _ONES_OWN)


def as_kept(text: str) -> str:
    """Return a text in the form that may be kept and shown to others."""
    return redact(text) if holds_secret(text) else text


def seal(bodies: Sequence[Body], kept: Sequence[Body]) -> list[Body]:
    """Return messages that are replaced by their redacted bodies once they are sent."""
    pairs = zip_longest(bodies, kept[: len(bodies)], fillvalue=_MORE)
    return [{**body, AFTERWARDS: {**body, **left}} for body, left in pairs]
