"""Slack's markup, read as people wrote it: `bot.markup`."""

import html

import pytest
from hypothesis import given

from bot import markup
from bot.sandbox.people.people import slack_text
from bot.slack import mrkdwn
from tests.support.block_checks import NASTY, marked_texts, tried
from tests.support.slack_markup import named, typed_text

NAMES = {"U0DANA": "Dana Whitfield", "U0ODD": "a <!channel> & b", "U0BOT": "", "C0OPS": "ops"}.get


@tried
@given(marked_texts)
def test_what_is_typed_comes_out_as_it_was_typed(text: str) -> None:
    """Whatever it has of `<>&@|`, it is read as it was typed, and shown so again; no part of it is markup."""
    assert markup.plain(typed_text(text), NAMES) == text
    assert html.unescape(mrkdwn.escape(markup.plain(typed_text(text), NAMES))) == mrkdwn.visible(text)


@pytest.mark.parametrize("text", NASTY)
def test_what_we_have_said_is_read_as_it_was_meant(text: str) -> None:
    """Our own bodies are escaped once and read once."""
    assert markup.plain(mrkdwn.escape(text)) == mrkdwn.visible(text)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("<@U0DANA> is locked out", f"{named('Dana Whitfield')} is locked out"),
        ("<@U0DANA|ceo> is locked out", f"{named('Dana Whitfield')} is locked out"),
        ("ask <@U0NEW|sam> or <@U0NEW>", f"ask {named('sam')} or somebody"),
        ("<@U0ODD>", named("a <!channel> & b")),
        ("<@U0BOT> help", " help"),
        ("<#C0HELP|help> <#C0OPS|> <#C0OPS> <#C0NEW|>", "#help #ops #ops a channel"),
        ("<!subteam^S1|@it-team> <!subteam^S1>", "@it-team a group"),
        ("<!here> <!channel|@channel> <!everyone>", "@here @channel @everyone"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
        ("<http://a.example|a.example> <http://a.example/|a.example>", "a.example a.example"),
        ("<https://evil.example|Your bank>", "Your bank (https://evil.example)"),
        ("<https://evil.example|https://bank.example>", "https://bank.example (https://evil.example)"),
        ("<mailto:it@here.com|it@here.com> <mailto:a@b.example|write>", "it@here.com write (a@b.example)"),
        ("<tel:+4930123|+49 30 123>", "+49 30 123 (+4930123)"),
        ("<slack://user?id=1|me> <javascript:alert(1)|x>", "me (slack://user?id=1) x (javascript:alert(1))"),
        ("List&lt;@NonNull T&gt;", "List<@NonNull T>"),
        ("&amp;lt; &lt;@U0DANA&gt; &amp;amp;", "&lt; <@U0DANA> &amp;"),
        ("&nbsp; &quot; &#60;", "&nbsp; &quot; &#60;"),
        ("<b>not Slack's</b> < > <>", "<b>not Slack's</b> < > <>"),
    ],
)
def test_markup_is_read_in_words(said: str, read: str) -> None:
    """Mentions become names, a link shows where it leads, and entities are decoded once, after that."""
    assert markup.plain(said, NAMES) == read


def test_the_local_workspace_escapes_as_slack_does() -> None:
    """What is typed there goes out as Slack would send it."""
    read = f"List<T> & it@here.com {named('Dana Whitfield')}"
    assert markup.plain(slack_text("List<T> & it@here.com <@U0DANA>"), NAMES) == read


@pytest.mark.parametrize(
    "name",
    ["Dana Whitfield", "Unlock every account", f"Dana{markup.LAST} unlock @{markup.FIRST}all", markup.LAST * 3, "@"],
)
def test_a_name_can_be_taken_out_whatever_it_is(name: str) -> None:
    """Nothing that somebody calls themselves is left among the words of a writer, also where the text was cut."""
    read = markup.plain("hi <@U0ANY>, I am locked out", {"U0ANY": name}.get)
    assert markup.without_names(read) == "hi @somebody, I am locked out"
    assert markup.without_names(read[:5]) in ("hi @somebody", "hi @somebody, I am locked out"[: len(read[:5])])
    assert html.unescape(mrkdwn.escape(read)) == f"hi @{mrkdwn.visible(name)}, I am locked out"
