"""Is a message without a mention a plea? `bot.casework.pleas` with the access agent's own words.

Every other line of `talk.yaml`, `pleas.yaml` and the requests was held out while the first tables were written, and
every other line of the unseen ones while they were mended. What was held out was measured before anybody looked at it.
Of the first, 5 of 100 lines of talk were spoken to (2 in public) and 4 of 85 requests met silence. The unseen ones are
harder: 45 of 150 pleas met silence, and 20 of 200 lines of talk were spoken to (3 in public). All were mended then:
what is held here are the figures since.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bot.agent import card, phrases
from bot.agent.card import PleaWords
from bot.casework import pleas
from bot.casework.pleas import PleaVerdict
from bot.errors import ConfigError
from tests.support.growth import again, grows_evenly
from tests.support.paths import CONFIG, ROOT
from tests.support.phrase_tables import Phrases, lines_of, misses, read_table, talk
from tests.support.real_requests import ITS_SAFETY, SIGNING_IN, real_requests

HERE = Path(__file__).parent
AGENT = CONFIG / "agents/access"
PLEAS: Phrases = read_table(HERE / "pleas.yaml")
UNSEEN_TALK: Phrases = read_table(HERE / "unseen_talk.yaml")
UNSEEN_PLEAS: Phrases = read_table(HERE / "unseen_pleas.yaml")
WORDS = card.load(AGENT).words


def judge(text: str) -> PleaVerdict:
    """Judge a text as Slack delivers it."""
    return pleas.judge(re.sub(r"&(?!\w+;)", "&amp;", text), WORDS)


def asks(text: str) -> bool:
    """Return if a text is taken for a plea."""
    return judge(text) is PleaVerdict.ASKS


@pytest.mark.parametrize("language", PLEAS)
def test_a_plea_is_answered(language: str) -> None:
    """In every language, in capitals, after a greeting, and above what is pasted or said besides."""
    missed = misses(
        PLEAS[language],
        alone=asks,
        in_capitals=lambda text: asks(text.upper()),
        above_what_is_pasted=lambda text: asks(f"{text}\n```error: {text} works again```"),
    )
    assert missed == []


def test_talk_is_left_alone() -> None:
    """Of two hundred lines that people say to each other at most two are asked about, and none is answered."""
    judged = {text: judge(text) for text in lines_of(talk())}
    assert len(judged) >= 199  # "same here" and the like may be the same twice
    assert [text for text, verdict in judged.items() if verdict is PleaVerdict.ASKS] == []
    assert len([text for text, verdict in judged.items() if verdict is PleaVerdict.UNCLEAR]) <= 2


def test_most_of_what_is_harder_is_understood() -> None:
    """What stands between a plea and talk is asked about; of the talk nothing is answered in public."""
    pleas_judged = Counter(judge(text) for text in lines_of(UNSEEN_PLEAS))
    talk_judged = Counter(judge(text) for text in lines_of(UNSEEN_TALK))
    assert (pleas_judged.total(), talk_judged.total()) == (300, 400)
    assert pleas_judged[PleaVerdict.TALK] <= 31
    assert pleas_judged[PleaVerdict.ASKS] >= 188
    assert talk_judged[PleaVerdict.ASKS] == 0
    assert talk_judged[PleaVerdict.UNCLEAR] <= 9


def test_no_request_about_signing_in_meets_silence() -> None:
    """Of 175 real requests about signing in, and 25 about what makes it unsafe."""
    signing_in, safety = real_requests(SIGNING_IN), real_requests(ITS_SAFETY)
    assert len(signing_in) + len(safety) == 200
    assert [text for text in (*signing_in, *safety) if judge(text) is PleaVerdict.TALK] == []
    assert len([text for text in signing_in if judge(text) is PleaVerdict.UNCLEAR]) <= 8  # of cards, and phones alone


@pytest.mark.parametrize(
    "text",
    [
        "<@U0BEN> I can't sign in",
        "<!subteam^S0ONCALL> I can't sign in",
        "@Ben I can't sign in",
        "Ben, I can't sign in",
        "hi Ben, my account is locked",
        "> I can't sign in",
        "&gt; my account is locked",
        "```I can't sign in```",
        "`my password expired`",
        "<https://example.com/i-cant-sign-in|I can't sign in>",
        "anyone else locked out?",
        "I'm locked out as well? same here, is it just me",
        "my account was locked but it works again",
        "",
        "   ",
        "?!",
        ":wave:",
        "who owns the status page?",
    ],
)
def test_words_that_are_not_theirs_or_not_for_us(text: str) -> None:
    """What is said to a colleague, quoted, pasted, asked of everybody, or over."""
    assert judge(text) is PleaVerdict.TALK


@pytest.mark.parametrize("text", ["and my phone asks for the code", "my login is maya.okafor"])
def test_what_says_nothing_by_itself_may_go_on_with_a_request(text: str) -> None:
    """Who has none open is left alone."""
    assert judge(text) is PleaVerdict.RELATED


@pytest.mark.parametrize(
    "text", ["Hi team, my account is locked", "Help, I can't sign in", "hello everyone! locked out"]
)
def test_a_greeting_calls_no_one(text: str) -> None:
    """A word with a capital letter is a name only where it can be one."""
    assert judge(text) is PleaVerdict.ASKS


@pytest.mark.parametrize(
    "text", ["I want to talk to a person", "Ich möchte mit einem Menschen sprechen", "human please!"]
)
def test_who_asks_for_a_person_is_heard(text: str) -> None:
    """Nobody else there is asked for one, and whatever they need, silence is the wrong answer."""
    assert judge(text) is PleaVerdict.ASKS
    assert pleas.judge(text, PleaWords()) is PleaVerdict.ASKS


@pytest.mark.parametrize(
    "text",
    [
        "I can't sign in, <@U0BEN> told me to ask here",
        "<!here> I'm locked out, please help",
        "lol I'm locked out again 😂",
        "fyi my password has expired",
        "can you help me?",
    ],
)
def test_what_may_be_a_request_is_asked_about(text: str) -> None:
    """A joke about it, and a word for help that says no more."""
    assert judge(text) is PleaVerdict.UNCLEAR


def test_an_agent_without_words_only_asks() -> None:
    """A card from before has no such file: code cannot tell what its agent is about."""
    assert pleas.judge("I can't sign in", PleaWords()) is PleaVerdict.TALK
    assert pleas.judge("how do I reset my password?", PleaWords()) is PleaVerdict.UNCLEAR


def test_every_language_of_wishes_has_its_table() -> None:
    """None of them speaks only through another's words."""
    wishes = yaml.safe_load((ROOT / "bot/agent/asks_for_person.yaml").read_text("utf-8"))
    table = phrases.load_groups(AGENT / "pleas.yaml")["pleas"]
    assert set(table) == set(PLEAS) == set(wishes)
    for language, said in PLEAS.items():
        seen = [text for text in said if phrases.found(phrases.plain(text), [table[language]])]
        assert len(seen) >= 4, (language, set(said) - set(seen))


@pytest.mark.parametrize("text", ["my account ", "i can't ", "is is is ", "a ", "please help me ", "mein konto nicht "])
def test_a_long_text_is_no_riddle(text: str) -> None:
    """Only its beginning is read, and a text twice as long takes no more than twice as long."""
    assert grows_evenly(lambda said: pleas.judge(said, WORDS), again(text))
    assert grows_evenly(lambda said: pleas.judge(said, WORDS), again(text), length=pleas.READ)


@pytest.mark.parametrize(
    "wrong", ["[", "pleas: 5", "plea: {}", "pleas: {English: {phrases: ['(']}}", "pleas: {English: {}}"]
)
def test_a_wrong_table_is_named(tmp_path: Path, wrong: str) -> None:
    """With its file and what was expected; the agent does not start."""
    for name in ("card.yaml", "prompt.md"):
        (tmp_path / "access").mkdir(exist_ok=True)
        (tmp_path / "access" / name).write_text((AGENT / name).read_text("utf-8"), "utf-8")
    assert card.load(tmp_path / "access").words == PleaWords()
    (tmp_path / "access/pleas.yaml").write_text(wrong, "utf-8")
    with pytest.raises(ConfigError, match=r"pleas\.yaml: expected pleas, topic, near, others"):
        card.load(tmp_path / "access")
