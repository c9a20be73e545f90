"""Is a message that mentions no one a plea to an agent? Told by code from tables of phrases, so that no model is asked.

`talk.yaml` knows how people talk to each other and how they ask for help; what an agent is about is in its own folder
(`pleas.yaml`). An answer in public needs plain words of the writer's own; what is only likely is asked about in
private, and what people say to each other is left alone.
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
"Characters that are looked at: who needs help says so first, and what is pasted comes below."
PASTED = re.compile(r"^[ \t]*(?:>|&gt;).*$|```.*?(?:```|\Z)|`[^`\n]*`|<[^<>\n]{1,2000}>", re.MULTILINE | re.DOTALL)
"Quotes, code, links, mentions."
NAMES_A_TEXT = re.compile(r'"[^"\n]{1,200}"')
"What a program says, for example: it tells what the trouble is, and not who has it."
EVERYBODY = frozenset({"here", "channel", "everyone"})
MENTIONED = re.compile(r"<[@!]|(?<![\w.])@[^\W\d]")
"Somebody, or everybody, is called by a mention, or by an `@` that became none."
GREETS = (
    r"(?:hey|hi|hello|hallo|hej|hei|moin|morning|thanks|thank you|thx|danke|merci|gracias|grazie|hola|ciao|bonjour"
    r"|salut|ok|okay|yes|no|ja|nein|oui|yeah|sure)"
)
NAMED = re.compile(
    rf"\s*(?i:{GREETS})[ ,]+(?P<greeted>[A-Z][^\W\d_A-Z]{{1,14}})\b|\s*(?P<called>[A-Z][a-z]{{1,14}})[,:] ?\w"
    r"|\s*@(?P<at>[^\W\d]\w*)"
)
"A name at the beginning, by which somebody is called."


class PleaVerdict(StrEnum):
    """What a message is to an agent."""

    CALLED = "called"
    "It mentions the agent."
    ASKS = "asks"
    "A request: it is answered."
    UNCLEAR = "unclear"
    "It may be one: its writer is asked, in private."
    RELATED = "related"
    "About it and the writer's, and no request by itself: who has an open one goes on with it so."
    TALK = "talk"
    "People talking among themselves, or nothing that concerns an agent."


def judge(text: str, words: PleaWords) -> PleaVerdict:
    """Say what a message that mentions no agent is to one.

    Args:
        text: as Slack delivers it, with its marks for mentions and links.
        words: what the agent is about.
    """
    said = text[:READ]
    to = addressing.spoken_to(said)
    if to is not None and to not in EVERYBODY:
        return PleaVerdict.TALK
    plain = phrases.plain(PASTED.sub(" ", said)).strip()
    own = NAMES_A_TEXT.sub(" ", plain)
    if not re.search(r"\w", plain) or _calls_somebody(said) or _has(own, "over") or _has(own, "advice"):
        return PleaVerdict.TALK
    chorus, doubtful = _has(own, "chorus"), _has(own, "aside") or phrases.found(own, words.others)
    doubtful = doubtful or MENTIONED.search(said) is not None
    if phrases.found(plain, words.pleas) or phrases.found(own, asks_for_person.languages().values()):
        return PleaVerdict.TALK if chorus else PleaVerdict.UNCLEAR if doubtful else PleaVerdict.ASKS
    if doubtful or chorus or _has(own, "us"):
        return PleaVerdict.TALK
    return _likely(plain, own, words)


def _likely(plain: str, own: str, words: PleaWords) -> PleaVerdict:
    """Say what a message is that no phrase shows to be a plea: by its topic, its trouble, and whose that is."""
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
    """Say if a message begins with somebody's name."""
    called = NAMED.match(text)
    if called is None:
        return False
    name = phrases.plain(called["greeted"] or called["called"] or called["at"])
    return not _has(name, "no_name")


@cache
def _talk() -> dict[str, dict[str, LanguagePhrases]]:
    return phrases.load_groups(Path(__file__).with_name("talk.yaml"))
