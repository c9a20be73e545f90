from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import charts, mrkdwn
from bot.slack.charts import ChartTable, Mention
from tests.support.block_checks import check, shown, texts, tried

TABLE = ChartTable(
    caption="Spend by user",
    header=("User", "Spent"),
    rows=((Mention("user", "U0MAYA"), "$1.00"), ("<!channel> & co", "$0.50")),
    values=((None, 1.0), (None, 0.5)),
)


@tried
@given(st.lists(texts, min_size=1, max_size=20), texts, st.sampled_from(["bar", "line", "area"]))
def test_no_names_break_a_chart(names: list[str], title: str, kind: Any) -> None:
    """Whatever things are called, the chart is one that Slack takes, and no two labels are alike."""
    chart = charts.chart(title, names, {"US dollars": [1.5] * len(names)}, y_label="US dollars", kind=kind)
    check(charts.body([mrkdwn.section("Spend")], [chart]))
    categories = chart["chart"]["axis_config"]["categories"]
    assert len(set(categories)) == len(names)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("look_up_my_account", "look_up_my_account"),
        ("answering without a tool", "answering without a…"),
        ("Maximiliane Schneider-Hoffmann", "Maximiliane…"),
        ("claude-sonnet-4-5-20250929", "claude-son…-20250929"),
        ("A Donaudampfschifffahrtsgesellschaft", "A Donaudam…ellschaft"),
    ],
)
def test_a_long_name_is_cut_where_it_can_be_recognised(name: str, label: str) -> None:
    """After a word, or in the middle, where a model's name has its date; the table beside has all of it."""
    chart = charts.chart("Spent", [name], {"US dollars": [1.5]}, y_label="US dollars")
    assert chart["chart"]["axis_config"]["categories"] == [label]
    assert len(label) <= charts.LABEL
    table = charts.native(ChartTable("Spent", ("Name",), ((name,),), ((None,),)))
    assert table["rows"][1][0]["text"] == name


def test_names_that_begin_alike_are_told_apart() -> None:
    """By a number, within the characters of a label."""
    chart = charts.chart("Spent", ["a private channel"] * 3, {"US dollars": [1.5] * 3}, y_label="US dollars")
    labels = ["a private channel", "a private… 2", "a private… 3"]
    assert chart["chart"]["axis_config"]["categories"] == labels


@tried
@given(st.lists(texts, min_size=1, max_size=charts.ROWS))
def test_no_texts_break_a_table(names: list[str]) -> None:
    """Whatever a cell says, both kinds of table are taken."""
    table = ChartTable("Rows", ("Name", "Calls"), tuple((name, "7") for name in names), tuple((None, 7) for _ in names))
    for block in (charts.native(table), charts.classic(table)):
        check(charts.body([mrkdwn.section("Spend")], [block]))


def test_both_tables_show_people_by_name_and_words_as_they_are() -> None:
    """A mention is one that Slack writes out; what somebody wrote is letters; a number sorts where it can."""
    native, classic = charts.native(TABLE), charts.classic(TABLE)
    person = {"type": "user", "user_id": "U0MAYA"}
    for block in (native, classic):
        check(charts.body([mrkdwn.section("Spend")], [block]))
        assert block["rows"][1][0]["elements"][0]["elements"] == [person]
        assert block["rows"][2][0] == {"type": "raw_text", "text": "<!channel> & co"}
    assert native["rows"][1][1] == {"type": "raw_number", "value": 1.0, "text": "$1.00"}
    assert classic["rows"][1][1] == {"type": "raw_text", "text": "$1.00"}


def test_facts_that_are_not_known_are_left_out() -> None:
    """None is no field."""
    assert shown({"blocks": [charts.fields({"Tickets": "3", "Per ticket": None})]}) == "*Tickets*\n3"


def test_a_body_is_announced_by_its_first_section() -> None:
    """What a notification says is what the message begins with."""
    body = charts.body([mrkdwn.section("Spent"), mrkdwn.section("more")], [charts.native(TABLE)])
    assert (body["text"], [block["type"] for block in body["blocks"]]) == (
        "Spent",
        ["section", "section", "data_table"],
    )
