"""Judges whether a message without a mention is a plea to an agent: with tables of phrases, without a model.

`talk.yaml` has the phrases of talk and of asking for help; the topics of an agent are in its own folder
(`pleas.yaml`). A public answer needs clear words of the writer's own; for a likely plea they are asked in private, and
what people say to each other is left alone.
"""

import re
from enum import StrEnum
from functools import cache
from pathlib import Path

from bot.agent import asks_for_person, phrases
from bot.agent.card import PleaWords
from bot.agent.phrases import LanguagePhrases
from bot.casework import addressing

READ = 1_500
"Characters that are judged: people first say that they need help, and paste long texts below."
PASTED = re.compile(r"^[ \t]*(?:>|&gt;).*$|```.*?(?:```|\Z)|`[^`\n]*`|<[^<>\n]{1,2000}>", re.MULTILINE | re.DOTALL)
"Quotes, code, links and mentions."
NAMES_A_TEXT = re.compile(r'"[^"\n]{1,200}"')
"A quoted text, such as an error message: it shows what the trouble is, but not whose it is."
EVERYBODY = frozenset({"here", "channel", "everyone"})
MENTIONED = re.compile(r"<[@!]|(?<![\w.])@[^\W\d]")
"A mention of somebody or everybody, or an `@` that did not become a mention."
GREETS = (
    r"(?:hey|hi|hello|hallo|hej|hei|moin|morning|thanks|thank you|thx|danke|merci|gracias|grazie|hola|ciao|bonjour"
    r"|salut|ok|okay|yes|no|ja|nein|oui|yeah|sure)"
)
NAMED = re.compile(
    rf"\s*(?i:{GREETS})[ ,]+(?P<greeted>[A-Z][^\W\d_A-Z]{{1,14}})\b|\s*(?P<called>[A-Z][a-z]{{1,14}})[,:] ?\w"
    r"|\s*@(?P<at>[^\W\d]\w*)"
)
"A name at the beginning that calls somebody."


class PleaVerdict(StrEnum):
    """What a message is to an agent."""

    CALLED = "called"
    "It mentions the agent."
    ASKS = "asks"
    "A request, which is answered."
    UNCLEAR = "unclear"
    "Perhaps a request; its writer is asked in private."
    RELATED = "related"
    "About the agent's topic and the writer's own account, but no request by itself; it can belong to an open one."
    TALK = "talk"
    "Talk among people, or about nothing that concerns an agent."


def judge(text: str, words: PleaWords) -> PleaVerdict:
    """Judge what a message that mentions no agent is to an agent.

    Args:
        text: its text with Slack's markup for mentions and links.
        words: the agent's topics.
    """
    start = text[:READ]
    to = addressing.spoken_to(start)
    if to is not None and to not in EVERYBODY:
        return PleaVerdict.TALK
    plain = phrases.plain(PASTED.sub(" ", start)).strip()
    own = NAMES_A_TEXT.sub(" ", plain)
    if not re.search(r"\w", plain) or _calls_somebody(start) or _has(own, "over") or _has(own, "advice"):
        return PleaVerdict.TALK
    chorus, doubtful = _has(own, "chorus"), _has(own, "aside") or phrases.found(own, words.others)
    doubtful = doubtful or MENTIONED.search(start) is not None
    if phrases.found(plain, words.pleas) or phrases.found(own, asks_for_person.languages().values()):
        return PleaVerdict.TALK if chorus else PleaVerdict.UNCLEAR if doubtful else PleaVerdict.ASKS
    if doubtful or chorus or _has(own, "us"):
        return PleaVerdict.TALK
    return _likely(plain, own, words)


def _likely(plain: str, own: str, words: PleaWords) -> PleaVerdict:
    """Judge a message without a clear plea by its topic, its trouble, and whose trouble it is."""
    plain, work = plain.replace('"', " "), _has(own, "work")
    mine, trouble, asks = (_has(plain, group) for group in ("mine", "trouble", "asks"))
    wants = asks or _has(own, "question") or _has(own, "wants")
    if not words.topic:  # the agent has no pleas.yaml
        return PleaVerdict.UNCLEAR if asks and not work else PleaVerdict.TALK
    theirs = PleaVerdict.RELATED if mine and not work and not _has(own, "to_all") else PleaVerdict.TALK
    if phrases.found(plain, words.topic):
        if mine and (trouble or wants) and not work:
            return PleaVerdict.ASKS
        return PleaVerdict.UNCLEAR if trouble or (asks and not work) else theirs
    near = phrases.found(plain, words.near)
    likely = near and ((mine and (trouble or wants)) or (wants and (trouble or asks)))
    if (likely or _has(own, "help")) and not work:
        return PleaVerdict.UNCLEAR
    return theirs if near else PleaVerdict.TALK


def _has(plain: str, group: str) -> bool:
    return phrases.found(plain, _talk()[group].values())


def _calls_somebody(text: str) -> bool:
    """Return whether a message begins with somebody's name."""
    called = NAMED.match(text)
    if called is None:
        return False
    name = phrases.plain(called["greeted"] or called["called"] or called["at"])
    return not _has(name, "no_name")


@cache
def _talk() -> dict[str, dict[str, LanguagePhrases]]:
    return phrases.load_groups(Path(__file__).with_name("talk.yaml"))
