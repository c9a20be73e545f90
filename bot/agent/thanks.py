"""Is this only a thank-you? Then nobody needs to be fetched again."""

import re
from collections.abc import Iterable

from bot.store.schema import InboxEvent

WORDS = re.compile(
    r"(?:(?:many |a lot of )?thank(?:s| you)|thx|ty|cheers|great|perfect|awesome|it works|works|all good|got it"
    r"|ok(?:ay)?|solved|danke(?: schön| dir)?|gracias|merci(?: beaucoup)?|obrigad[oa]|super|so much|very much|a lot"
    r"|again|now|all|for (?:the|your) help|you"
    r"|:(?:\+1|thumbsup|ok_hand|pray|tada|heart|raised_hands|clap|white_check_mark|smile|slightly_smiling_face|blush)"
    r"(?:::skin-tone-\d)?:|[^\w?])+",
    re.IGNORECASE,
)
"No two of these share a beginning and an end, so that a long text is no riddle. Slack writes emoji as `:name:`."


def is_thanks(heard: Iterable[InboxEvent]) -> bool:
    """Say if nothing but thanks was said; a question mark, or a file, is more than that."""
    heard = tuple(heard)
    return bool(heard) and all(not event.files and WORDS.fullmatch(event.text.strip()) is not None for event in heard)
