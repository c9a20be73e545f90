"""What a person gets with a ticket, as its row keeps it: `bot.store.schema.handoff_context`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bot.store.db import Database
from bot.store.schema import EndingRaise, Handoff, HandoffContext
from tests.support.factories import handed_off, put, rows

BEFORE: dict[str, Any] = {
    "tried": [["look_up_my_account", "status: active"]],
    "went_through": ["look_up_my_account"],
    "account": "active",
    "accounts": 1,
    "of_account": True,
    "cost_nusd": 4531100,
    "calls": 2,
    "before": None,
    "zone": "Europe/Berlin",
    "link": "https://acme.slack.com/archives/C0HELP/p1795986118123785",
    "notice": "This is better in a person's hands.",
    "footers": [],
    "transcript": [["InboxEvent", 1]],
}
"A row of the build before, by an agent that has looked."
READ = HandoffContext(
    tried=(("look_up_my_account", "status: active"),),
    went_through=("look_up_my_account",),
    account="active",
    accounts=1,
    cost_nusd=4531100,
    calls=2,
    zone="Europe/Berlin",
    link="https://acme.slack.com/archives/C0HELP/p1795986118123785",
    notice="This is better in a person's hands.",
    transcript=(("InboxEvent", 1),),
)
FIRST_BUILD: dict[str, Any] = {
    "tried": [],
    "account": None,
    "accounts": None,
    "cost_nusd": 0,
    "zone": None,
    "link": None,
}
words, number = st.text(max_size=9), st.integers(0, 2**60)
maybe = st.none() | words


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        (BEFORE, READ),
        (FIRST_BUILD, HandoffContext()),
        ({}, HandoffContext()),
        (
            {
                "before": ["resolved", "U0PRIYA", "Done."],
                "withheld": "yes",
                "fell_back": True,
                "raised": {"by": "U0BUDGET", "review": 7},
                "of_account": False,
            },
            HandoffContext(
                before=("resolved", "U0PRIYA", "Done."),
                withheld=True,
                fell_back=True,
                raised=EndingRaise("U0BUDGET", 7),
                of_account=False,
            ),
        ),
        ({"cost_nusd": 7, "of_a_later_build": {"what": "ever"}}, HandoffContext(cost_nusd=7)),
    ],
    ids=["the build before", "the first build", "nothing", "all that comes later", "a later build"],
)
def test_what_other_builds_have_kept_is_read(database: Database, kept: dict[str, Any], read: HandoffContext) -> None:
    """What they did not know has its default, and what this build does not know is left out."""
    number = handed_off(database).id
    with database.write() as session:
        session.execute(text("UPDATE handoffs SET context = :kept"), {"kept": json.dumps(kept)})
    assert [row.context for row in rows(database, Handoff)] == [read]
    put(database, Handoff, number, context=read)
    assert [row.context for row in rows(database, Handoff)] == [read]


@given(
    st.builds(
        HandoffContext,
        tried=st.lists(st.tuples(words, words)).map(tuple),
        went_through=st.lists(words).map(tuple),
        account=maybe,
        account_reason=maybe,
        barred=maybe,
        accounts=st.none() | number,
        of_account=st.booleans(),
        cost_nusd=number,
        calls=number,
        before=st.none() | st.tuples(words, words, words),
        zone=maybe,
        link=maybe,
        withheld=st.booleans(),
        notice=maybe,
        footers=st.lists(words).map(tuple),
        transcript=st.lists(st.tuples(words, number)).map(tuple),
        raised=st.none() | st.builds(EndingRaise, by=words, review=number),
        fell_back=st.booleans(),
    )
)
def test_what_is_kept_is_what_is_read(context: HandoffContext) -> None:
    """Every field comes out of its JSON as it went in, tuples included."""
    assert HandoffContext.from_json(json.loads(json.dumps(context.to_json()))) == context
