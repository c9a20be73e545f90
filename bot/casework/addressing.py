"""Finds whom a message speaks to: a message to a colleague is not one to the agent. Pure.

A message speaks to somebody when it begins with their mention, perhaps after a greeting: "@ivan can you look?", "hi
@ivan, any idea?". It only speaks about them when the mention is elsewhere, or the subject of its sentence: "@ivan says
that my account is locked".
"""

import re

GREETINGS = (
    "hi|hello|hey|hiya|yo|dear|good morning|good afternoon|good evening|morning|thanks|thank you|thx|ty|please|ok|okay|"
    "sorry|hallo|hey|moin|servus|guten morgen|guten tag|danke|bitte|hola|buenos d[ií]as|buenas|gracias|bonjour|salut|"
    "merci|oi|ol[aá]|bom dia|boa tarde|obrigad[oa]|ciao|buongiorno|grazie|hoi|goedemorgen|dank|hej|cze[sś][cć]|"
    "привет|здравствуйте|спасибо|こんにちは|ありがとう|你好"
)
MENTION = (
    r"<(?:@(?P<person>[UW][A-Z0-9]+)|!subteam\^(?P<group>S[A-Z0-9]+)|!(?P<all>here|channel|everyone))(?:\|[^>]*)?>"
)
_TO = re.compile(rf"^\W*(?:(?:{GREETINGS})\b\W*){{0,3}}{MENTION}(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_ABOUT = re.compile(
    r"^(?:['\u2019]s?\b|\s*(?:,?\s*(?:and|und|y|et|e)\s+(?:i|me|my|we|ich|wir|yo|moi|eu)\b|(?:also\s+)?"
    r"(?:says?|said|told|tells|thinks?|thought|asked|asks|is|was|isn't|wasn't|has|had|hasn't|can't|cannot|couldn't|"
    r"doesn't|didn't|does|did|locked|unlocked|reset|sent|sagt|sagte|hat|ist|meint|meinte|kann nicht|dice|dijo|est[aá]|"
    r"dit|a dit|est|disse|diz|tem)\b))",
    re.IGNORECASE,
)


def spoken_to(text: str) -> str | None:
    """Return the id of the person or group that a message speaks to; None when it speaks to nobody in particular.

    Args:
        text: Slack's text, with its mentions unresolved.
    """
    found = _TO.match(text)
    if found is None or _ABOUT.match(found["rest"]):
        return None
    return str(found["person"] or found["group"] or found["all"])
