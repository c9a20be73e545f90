"""Where our own texts quote a message: `bot.store.tickets.quotes`."""

from bot.store.tickets import quotes
from tests.support.slack_markup import named


def test_a_message_is_found_where_the_model_quotes_it_without_names() -> None:
    """Code quotes it with the name of whom it mentions, the model as it reads it: a deletion reaches both."""
    message = f"{named('Ivan Petrov')} has locked me out"
    for quoted in (message, "@somebody has locked me out"):
        assert (
            quotes.requoted(f'They wrote "{quoted}" at noon.', message, "(deleted)")
            == 'They wrote "(deleted)" at noon.'
        )
