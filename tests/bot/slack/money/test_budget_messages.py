"""Budgets on their way into Slack: `bot.slack.money.budget_messages`."""

from bot.slack.money import budget_messages
from bot.store.db import Database
from bot.store.money import blocked_tickets, reviews, soft_cap_alerts
from bot.store.schema import BudgetReview, Message, ReviewState
from tests.support.budget_rows import opened_review, passed
from tests.support.factories import message, new_turn, rows


def test_an_owner_is_asked_once(database: Database) -> None:
    """Each in their own direct messages; whoever is asked later does not make the others be asked again."""
    number = opened_review(database)
    for owners in (["U0OLIVIA"], ["U0OLIVIA", "U0RUTH"]):
        with database.write() as session:
            review = reviews.find(session, number)
            assert review is not None
            budget_messages.ask(session, review, owners)
    assert [(one.channel, one.thread_ts, one.bot_voice) for one in rows(database, Message)] == [
        ("U0OLIVIA", None, False),
        ("U0RUTH", None, False),
    ]
    with database.read() as session:
        assert blocked_tickets.asked(session, number) == {"U0OLIVIA": "stored", "U0RUTH": "stored"}


def test_a_decision_changes_every_card(database: Database) -> None:
    """And no card of another review."""
    number, other = opened_review(database), opened_review(database, account="team:T1:now", scope="team", holder="T1")
    with database.write() as session:
        for one in (number, other):
            budget_messages.ask(session, session.get_one(BudgetReview, one), ["U0OLIVIA", "U0RUTH"])
    with database.write() as session:
        decided = reviews.decide(session, number, by="U0RUTH", decision=ReviewState.DENIED, why="No.")
        assert decided is not None
        budget_messages.show(session, decided)
    changed = {one.key for one in rows(database, Message) if "<@U0RUTH> left it as it is" in str(one.body)}
    assert changed == {f"review:{number}:U0OLIVIA", f"review:{number}:U0RUTH"}


def test_a_notice_of_a_conversation_names_whose_it_is(database: Database) -> None:
    """The turn tells; an owner could do nothing with the id of a direct message."""
    passed(database, account="channel:D0MAYA:now", holder="D0MAYA", turn_id=new_turn(database))
    with database.write() as session:
        [notice] = soft_cap_alerts.untold(session)
        budget_messages.warn(session, notice, "U0OLIVIA")
        budget_messages.warn(session, notice, "U0OLIVIA")
    said = message(database, f"notice:budget:{notice.id}:U0OLIVIA").body["text"]
    assert "of a direct message with <@U0MAYA>" in said
    assert [(one.channel, one.kind) for one in rows(database, Message)] == [("U0OLIVIA", "budget_notice")]
