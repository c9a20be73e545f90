"""How helpful answers were: `bot.slack.reports.thumb_report`."""

from hypothesis import given
from hypothesis import strategies as st

from bot.slack import mrkdwn
from bot.slack.reports import thumb_report
from bot.store.tickets.feedback import WORST, Thumbs, Unhelpful
from tests.support.block_checks import check, texts, tried

ANSWER = "https://acme.slack.com/archives/C0HELP/p1762088700000100"
BAD = Unhelpful(3, "my password has expired", "The link never came", "C0HELP", "1.1")
SILENT = Unhelpful(4, None, None, None, None)


def test_the_share_and_the_worst_answers_are_told() -> None:
    """Each with its ticket, linked where others may read it, what was asked, and what was wrong."""
    told = list(thumb_report.lines(Thumbs(12, 20, (BAD, SILENT)), {3: ANSWER}))
    assert told == [
        "*Helpful: 12 of 20* answers that their requesters judged.",
        f"• <{ANSWER}|Ticket 3>: asked “my password has expired”, says “The link never came”.",
        "• Ticket 4: did not say what was wrong.",
        "… and 6 more that did not help.",
    ]


def test_where_nobody_judged_that_is_said() -> None:
    """And nothing is guessed."""
    assert list(thumb_report.lines(Thumbs(), {})) == ["*Helpful:* no answer was judged."]


@tried
@given(st.lists(st.tuples(texts, texts), min_size=WORST, max_size=WORST))
def test_words_of_requesters_stay_words(said: list[tuple[str, str]]) -> None:
    """Whatever they wrote: Slack takes it, and none of it mentions or links."""
    worst = tuple(Unhelpful(number, asked, words, "C0HELP", "1.1") for number, (asked, words) in enumerate(said))
    told = "\n".join(thumb_report.lines(Thumbs(0, WORST, worst), {}))
    check({"text": told, "blocks": [mrkdwn.section(told)]})
