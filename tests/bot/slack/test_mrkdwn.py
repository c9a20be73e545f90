"""Text and figures on their way into Slack: `bot.slack.mrkdwn`."""

import html
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import mrkdwn
from tests.support.block_checks import NASTY, texts, tried


@tried
@given(texts)
def test_escaped_text_holds_no_markup(text: str) -> None:
    """Nothing that a person writes survives as a mention, a link or a broadcast."""
    escaped = mrkdwn.escape(text)
    assert not set(escaped) & set("<>")
    assert re.sub(r"&(?:lt|gt|amp);", "", escaped).count("&") == 0
    assert html.unescape(escaped) == mrkdwn.visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\rc\n\n\n\nd\x00", "a\nb\nc\n\n\n\nd"),
        ("abc\u202edef", "abcdef"),
        ("it@here.com, @here and &lt; as typed", "it@here.com, @here and &lt; as typed"),
        ("List<@NonNull T> <https://a.example|b>", "List<@NonNull T> <https://a.example|b>"),
    ],
)
def test_what_is_visible_stays_as_it_is(text: str, shown: str) -> None:
    """Only what cannot be seen goes: nothing is taken for markup, for an entity or for a call."""
    assert mrkdwn.visible(text) == shown


@tried
@given(texts)
def test_an_address_can_be_followed_and_is_shown_as_it_is(text: str) -> None:
    """Brackets around addresses are all that is added, so that no words hide where one leads."""
    escaped = mrkdwn.escape(text)
    linked = mrkdwn.addressed(escaped)
    assert re.sub(r"<(https?://[^<>|]*)>", r"\1", linked, flags=re.IGNORECASE) == escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Open https://a.example/x?a=1&b=2.", "Open <https://a.example/x?a=1&amp;b=2>."),
        ("<https://a.example>", "&lt;<https://a.example>&gt;"),
        ("(see http://a.example/b)", "(see <http://a.example/b>)"),
        ("nohttps://a.example https://...", "nohttps://a.example https://..."),
    ],
)
def test_what_stands_behind_an_address_is_none_of_it(text: str, shown: str) -> None:
    """A full stop, a bracket or an entity after an address is the sentence's."""
    assert mrkdwn.addressed(mrkdwn.escape(text)) == shown


@tried
@given(texts)
def test_markdown_keeps_no_link_and_no_angle(text: str) -> None:
    """In Markdown no words hide an address, in no form of link, and nothing opens an angle bracket."""
    shown = mrkdwn.markdown(text)
    assert "<" not in shown
    assert not re.search(r"\][(\[:]", shown)


def test_markdown_keeps_what_the_model_may_use() -> None:
    """Bold, lists and code of an answer are left as they are."""
    text = "Done, **unlocked**.\n\n- one\n- `two`"
    assert mrkdwn.markdown(text) == text


@tried
@given(texts, st.integers(10, 3_000))
def test_a_clamped_text_fits_and_breaks_no_entity(text: str, limit: int) -> None:
    """A cut text is within its limit, ends in an ellipsis, and never in half an `&amp;`."""
    escaped = mrkdwn.escape(text)
    cut = mrkdwn.clamp(escaped, limit)
    assert len(cut) <= limit
    assert cut == escaped or cut.endswith("…")
    assert re.sub(r"&(?:lt|gt|amp);", "", cut).count("&") == 0


@tried
@given(texts, st.integers(20, 3_000))
def test_pieces_join_to_the_whole(text: str, limit: int) -> None:
    """Splitting loses nothing, keeps every piece within the limit and every entity whole."""
    escaped = mrkdwn.escape(text)
    pieces = mrkdwn.split(escaped, limit)
    assert "".join(pieces) == escaped
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert all(re.sub(r"&(?:lt|gt|amp);", "", piece).count("&") == 0 for piece in pieces)


@tried
@given(texts, st.integers(20, 3_000))
def test_every_line_of_a_quotation_is_quoted(text: str, limit: int) -> None:
    """No line of a person's text stands outside the quotation, where it could pass for one of ours."""
    for piece in mrkdwn.split_quote(mrkdwn.quote(text), limit):
        assert len(piece) <= limit
        assert all(line.startswith("> ") for line in piece.rstrip("\n").split("\n"))


@pytest.mark.parametrize("text", NASTY)
def test_a_line_is_one_line_and_never_empty(text: str) -> None:
    """`line` gives one line within its limit, with a word for having no words."""
    shown = mrkdwn.line(text, 80)
    assert 0 < len(shown) <= 80
    assert "\n" not in shown
    assert mrkdwn.line(" ", 80) == mrkdwn.NO_WORDS


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("U0PRIYA", "<@U0PRIYA>"),
        ("<@U0PRIYA>", "<@U0PRIYA>"),
        ("<@U0PRIYA|priya>", "<@U0PRIYA>"),
        ("agent:access", "agent:access"),
        ("!channel", "!channel"),
        ("U0PRIYA> <!channel", "U0PRIYA&gt; &lt;!channel"),
    ],
)
def test_only_a_user_id_becomes_a_mention(user: str, shown: str) -> None:
    """What is not the id of a user stays words."""
    assert mrkdwn.mention(user) == shown


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("S0ONCALL", "<!subteam^S0ONCALL>"),
        ("U0PRIYA", "<@U0PRIYA>"),
        ("S0ONCALL> <!channel", "S0ONCALL&gt; &lt;!channel"),
        ("!channel", "!channel"),
    ],
)
def test_only_a_group_or_a_person_is_called(called: str, shown: str) -> None:
    """The id of a user group mentions the group, that of a person the person; anything else stays words."""
    assert mrkdwn.group(called) == shown


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://acme.slack.com/files/F1", "<https://acme.slack.com/files/F1|a/b &lt;1&gt;.png>"),
        (None, "a/b &lt;1&gt;.png"),
        ("javascript:alert(1)", "a/b &lt;1&gt;.png"),
        ("https://a.example/|Your bank> <!channel", "a/b &lt;1&gt;.png"),
        ("https://a.example/ x", "a/b &lt;1&gt;.png"),
        (f"https://a.example/{'x' * 400}", "a/b &lt;1&gt;.png"),
    ],
)
def test_a_file_is_linked_to_a_plain_address_alone(link: str | None, shown: str) -> None:
    """A name cannot end the link or hide where it leads, and an endless address does not break the message."""
    assert mrkdwn.linked("a|b <1>.png", link) == shown


def test_a_date_is_for_every_readers_zone_and_has_a_fallback() -> None:
    """A moment is a Slack date token; where that is not understood it says UTC."""
    at = datetime(2026, 11, 2, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    assert mrkdwn.date(at, "{time}") == f"<!date^{int(at.timestamp())}^{{time}}|2026-11-02 12:30 UTC>"
    assert at.astimezone(UTC).hour == 12


@pytest.mark.parametrize(
    ("nusd", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (420, "$0.00000042"),
        (4_200_000, "$0.0042"),
        (12_345_678, "$0.0123"),
        (500_000_000, "$0.50"),
        (999_999_999, "$1.00"),
        (1_200_000_000, "$1.20"),
        (1_234_567_890_000, "$1,234.57"),
        (-4_200_000, "-$0.0042"),
    ],
)
def test_dollars(nusd: int, shown: str) -> None:
    """Amounts are short and keep the digits that count."""
    assert mrkdwn.dollars(nusd) == shown


@tried
@given(st.integers(1, 10**18))
def test_something_is_never_shown_as_nothing(nusd: int) -> None:
    """An amount above zero never reads as zero, and is right within five per cent."""
    said = float(mrkdwn.dollars(nusd).replace("$", "").replace(",", ""))
    assert said > 0
    assert abs(said * 1e9 - nusd) <= 0.051 * nusd


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("two\n  lines", "two lines"),
        ("One sentence here. And then another one", "One sentence here. …"),
        ("one two three four five six seven", "one two three four five six…"),
        ("x" * 50, "x" * 28 + "…"),
        ("\u30ed" * 20, "\u30ed" * 14 + "…"),
    ],
)
def test_a_brief_text_is_one_line_of_a_bounded_width(text: str, shown: str) -> None:
    """Cut where a sentence or a word ends, and said to be; wide letters count twice."""
    assert mrkdwn.brief(text, 30) == shown


@tried
@given(texts)
def test_a_brief_text_is_never_wider(text: str) -> None:
    """Whatever it is made of."""
    told = mrkdwn.brief(text, 40)
    assert len(told) <= 41
    assert "\n" not in told
