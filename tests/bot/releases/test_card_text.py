"""A card with another's behaviour and its own people: `bot.releases.card_text`."""

from bot.releases.card_text import with_behaviour_of

NOW = """# The access agent.
name: access
owners: [U0SAM]  # since Monday
limits:
  steps: 9
tools: [resolve]
handoff:
  responders: [U0BEN]
"""
THEN = """name: access
owners: [U0OLIVIA]
limits:
  # enough for most
  steps: 12
links: [https://it.example.com]
handoff:
  responders: [U0PRIYA]"""


def test_what_decides_behaviour_is_as_it_was_and_people_are_as_they_are() -> None:
    """Comments go with the field that they are in; a field that was not there is gone, a new one comes at the end."""
    assert (
        with_behaviour_of(NOW, THEN)
        == """# The access agent.
name: access
owners: [U0SAM]  # since Monday
limits:
  # enough for most
  steps: 12
handoff:
  responders: [U0BEN]
links: [https://it.example.com]
"""
    )


def test_a_card_with_its_own_behaviour_is_the_same_text() -> None:
    """Nothing is written anew that need not be."""
    assert with_behaviour_of(NOW, NOW) == NOW
