"""What a trial is held to: `tests.e2e.chaos.chaos_invariants`."""

import pytest

from bot.store.schema import InboxEvent, Message
from tests.e2e.chaos import chaos_invariants
from tests.e2e.chaos.chaos_invariants import ChaosVerdict


@pytest.mark.parametrize(("asked", "bot_voice", "lost"), [("", True, 0), ("locked", True, 1), ("", False, 1)])
def test_an_answer_is_withdrawn_when_nothing_is_asked(asked: str, bot_voice: bool, lost: int) -> None:  # noqa: FBT001
    """Its requester deleted their words before it was said; where words are left, or it is no answer, it is missed."""
    event = InboxEvent(ticket_id=1, channel="C0HELP", ts="1.1", text=asked)
    place = {"key": "reply:turn:1", "ticket_id": 1, "op": "post", "state": "withdrawn", "body": {}}
    answer = Message(**place, bot_voice=bot_voice, revision=1, shown_revision=0)
    rows = chaos_invariants._Rows({}, {}, {("C0HELP", "1.1"): event}, [answer], [])
    verdict = ChaosVerdict(tickets=1)
    chaos_invariants._judge_posts(verdict, rows, {"reply:turn:1": []})
    assert len(verdict.unposted) == lost
