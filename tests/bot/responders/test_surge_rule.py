"""Which tickets are alike: by rare words that they share, in any language, and rather none than wrong ones."""

from random import Random

import pytest

from bot.agent import phrases
from bot.responders.surge_rule import ENOUGH_BEFORE, SurgeFigures, common, is_like, may_be_like, words_of
from tests.support.real_requests import real_requests

AT_LEAST = SurgeFigures().like_tickets
BEFORE = [
    words
    for number in range(10)
    for words in (
        f"I am locked out of my account since this morning {number}",
        f"my password has expired, please help {number}",
        f"Ich kann mich nicht anmelden, mein Konto ist gesperrt {number}",
        f"パスワードを忘れてログインできません {number}",
    )
]


def read(*texts: str) -> list[frozenset[str]]:
    """Return the words of texts, as the product reads them."""
    return [words_of(phrases.plain(text)) for text in texts]


@pytest.mark.parametrize(
    ("texts", "another", "other"),
    [
        (
            [
                f"{start} the Globex gateway shows error 503"
                for start in ("help,", "hi", "hello:", "since today", "again")
            ],
            "error 503 from the gateway",
            "I am locked out of my account",
        ),
        (
            [
                f"{start} das Gateway von Globex meldet Fehler 503"
                for start in ("Hallo,", "seit heute:", "hilfe", "tja", "oh")
            ],
            "das Gateway meldet Fehler 503",
            "mein Konto ist gesperrt",
        ),
        (
            [f"{start}社内ポータルが真っ白になります" for start in ("今朝から", "急に", "また", "先ほど", "突然")],
            "社内ポータルが真っ白です",
            "パスワードを忘れました",
        ),
    ],
    ids=["en", "de", "ja"],
)
def test_like_tickets_are_known_by_their_rare_words(texts: list[str], another: str, other: str) -> None:
    """A further one is like them, and one about something else is not."""
    known = common(read(*texts), read(*BEFORE), at_least=len(texts))
    assert known
    assert [is_like(one, known) for one in read(another, other)] == [True, False]


def test_words_of_every_day_make_no_surge() -> None:
    """Fifty locked accounts are fifty locked accounts."""
    texts = read(*(f"I am locked out of my account, please help {number}" for number in range(50)))
    assert common(texts, read(*BEFORE), at_least=AT_LEAST) == ()


def test_without_a_past_nothing_is_alike() -> None:
    """Nobody knows which words are rare."""
    texts = read(*["the gateway of Globex shows error 503"] * 20)
    assert common(texts, read(*BEFORE)[: ENOUGH_BEFORE - 1], at_least=AT_LEAST) == ()
    assert common(texts, read(*BEFORE)[:ENOUGH_BEFORE], at_least=AT_LEAST)


@pytest.mark.parametrize("seed", range(20))
def test_two_hundred_different_problems_are_no_surge(seed: int) -> None:
    """Real requests, drawn at random, with earlier ones."""
    drawn = Random(seed).sample(real_requests(), 400)
    assert common(read(*drawn[:200]), read(*drawn[200:]), at_least=AT_LEAST) == ()


@pytest.mark.parametrize(
    ("seed", "known"), [(13, 30), (25, 30), (49, 30), (52, 30), (0, 60), (89, 60), (93, 60), (42, 100)]
)
def test_a_short_past_makes_no_surge_of_different_problems(seed: int, known: int) -> None:
    """Whatever order they come in: few earlier tickets do not show which words are rare, which is why so many of
    these orders made a surge of everyday words (6 of 100 did) before words had to be written far more often."""  # noqa: D205, D209
    requests = real_requests()
    Random(seed).shuffle(requests)
    before, texts = read(*requests[:known]), read(*requests[known : known + 200])
    for number, text in enumerate(texts, start=1):
        alike = common(texts[:number], before, at_least=AT_LEAST)
        assert not (alike and is_like(text, alike)), (number, alike)


@pytest.mark.parametrize("among", [1, 3, 5, 10])
def test_a_problem_of_many_is_found_among_others(among: int) -> None:
    """The eighth ticket about one thing makes the surge, when every ticket, or each third or tenth, is about it."""
    requests = real_requests()
    Random(among).shuffle(requests)
    before, others = read(*requests[:100]), read(*requests[100:])
    texts = []
    for number in range(AT_LEAST):
        texts += [*others[number * (among - 1) : (number + 1) * (among - 1)], *read(f"{number} Globex shows error 503")]
        alike = common(texts, before, at_least=AT_LEAST)
        assert bool(alike and is_like(texts[-1], alike)) == (number == AT_LEAST - 1), (number, alike)


@pytest.mark.parametrize("seed", range(20))
def test_what_may_not_be_like_is_not(seed: int) -> None:
    """A text that is ruled out before the past is read is not like the others; of a story of its own it never is."""
    random = Random(seed)
    drawn = random.sample(real_requests(), 170)
    surge = [f"the Globex gateway shows error 503 {word}" for word in drawn[60:70]]
    texts, before = read(*drawn[:60], *surge), read(*drawn[70:])
    known = common(texts, before, at_least=AT_LEAST)
    assert known
    ruled_out = [one for one in texts if not may_be_like(one, texts, at_least=AT_LEAST)]
    assert [one for one in ruled_out if is_like(one, known)] == []
    assert may_be_like(texts[-1], texts, at_least=AT_LEAST)
    assert not may_be_like(read("a printer jams")[0], texts, at_least=AT_LEAST)
