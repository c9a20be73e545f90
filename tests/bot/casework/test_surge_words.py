"""What a requester says of a surge, in the six languages of the bot's own sentences."""

import pytest

from bot.casework.surge_words import says_different, says_over


@pytest.mark.parametrize(
    "text",
    [
        "mine is different",
        "My problem is something else, I lost my phone",
        "no, mine has nothing to do with the directory",
        "this is not the same problem",
        "I have a different problem",
        "bei mir ist es anders",
        "Mein Problem ist ein anderes",
        "ich habe aber ein ganz anderes Problem",
        "lo mío es distinto",
        "mi problema no tiene nada que ver",
        "tengo otro problema",
        "le mien est différent",
        "mon problème n'a rien à voir",
        "j'ai un autre problème",
        "o meu é diferente",
        "meu problema é outro",
        "tenho outro problema",
        "私の問題は別です",
        "それとは違います",
        "別の問題です",
    ],
)
def test_mine_is_different(text: str) -> None:
    """Plain words count, as the button does."""
    assert says_different(text)


@pytest.mark.parametrize(
    "text",
    [
        "I am locked out of my account",
        "is mine different?",
        "I do not know whether mine is different",
        "any news?",
        "thanks, I will wait",
        "> mine is different",
        "a different browser does not help either",
        "mein anderes Konto geht",
        "ist es bei mir anders?",
        "j'ai essayé un autre navigateur",
        "he probado con otro navegador",
        "tentei outro navegador",
        "別のブラウザでも駄目でした",
        "私の問題は別ですか?",
    ],
)
def test_what_does_not_say_so(text: str) -> None:
    """A question, a doubt, a quotation, and another browser."""
    assert not says_different(text)


@pytest.mark.parametrize(
    ("text", "is_over"),
    [
        ("it works again now", True),
        ("geht wieder, danke", True),
        ("ça remarche", True),
        ("ya funciona", True),
        ("já está funcionando", True),
        ("it does not work", False),
        ("does it work again?", False),
        ("ok, thanks", False),
    ],
)
def test_it_works_again(text: str, *, is_over: bool) -> None:
    """Thanks alone do not say so: who was told to wait may be polite."""
    assert says_over(text) is is_over
