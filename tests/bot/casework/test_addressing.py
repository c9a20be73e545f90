"""Whom a message speaks to: `bot.casework.addressing`."""

import pytest

from bot.casework.addressing import spoken_to
from tests.support.growth import again, grows_evenly

TO_IVAN = [
    "<@U0IVAN> can you look?",
    "<@U0IVAN|ivan>, any idea?",
    "hi <@U0IVAN> do you know this?",
    "Hello, <@U0IVAN>: same for you?",
    "  *<@U0IVAN>* please",
    "thanks <@U0IVAN>, that helped",
    "Danke <@U0IVAN>!",
    "good morning <@U0IVAN> <@U0PRIYA> have you seen this",
    "<@U0IVAN>",
    "ok thanks, <@U0IVAN>",
]
TO_NO_ONE = [
    "I can't sign in",
    "my manager <@U0IVAN> says my account is locked",
    "<@U0IVAN> says that my account is locked",
    "<@U0IVAN>'s account works, mine does not",
    "<@U0IVAN> is also locked out",
    "<@U0IVAN> and I can't sign in",
    "<@U0IVAN> hat gesagt, mein Konto ist gesperrt",
    "<@U0IVAN> told me to ask here",
    "it is still locked, cc <@U0IVAN>",
    "<#C0HELP> is the right place?",
    "<https://a.example|@ivan> look",
    "@ivan can you look?",
    "",
    "hi",
]


@pytest.mark.parametrize("text", TO_IVAN)
def test_what_begins_with_a_mention_is_said_to_that_person(text: str) -> None:
    """Behind a greeting too."""
    assert spoken_to(text) == "U0IVAN"


@pytest.mark.parametrize("text", TO_NO_ONE)
def test_who_is_only_spoken_about_is_not_spoken_to(text: str) -> None:
    """Elsewhere in the text, or as what its sentence is about."""
    assert spoken_to(text) is None


@pytest.mark.parametrize(
    ("text", "whom"), [("<!subteam^S0ONCALL|@oncall> help", "S0ONCALL"), ("<!here> anyone?", "here")]
)
def test_a_group_is_spoken_to_as_well(text: str, whom: str) -> None:
    """Or everybody who is here."""
    assert spoken_to(text) == whom


@pytest.mark.parametrize("piece", ["!", "hi ", "hi, ", "<@U0IVAN", "<", "thanks ok "])
def test_a_very_long_text_takes_time_in_proportion(piece: str) -> None:
    """No text is a riddle."""
    assert grows_evenly(spoken_to, again(piece))
