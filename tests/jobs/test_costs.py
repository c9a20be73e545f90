"""What `/agent-cost` answers to whom: `jobs.costs`."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.budget.caps import Budgets
from bot.network import DIRECT
from bot.rights import Forbidden
from bot.slack.api import client as slack
from bot.slack.handoffs import denials
from bot.store.schema import InboxEvent, LedgerRow, now
from jobs import costs
from jobs.costs import CostQuestion
from jobs.process import WorkerContext
from tests.support.block_checks import check, shown
from tests.support.local_workspace import LocalWorkspace
from tests.support.product_harness import put_agent

TEAM = "T0DESKHAND"
OWNER, MAYA, IVAN, LENA, PRIYA = "U0OLIVIA", "U0MAYA", "U0IVAN", "U0LENA", "U0PRIYA"
OURS = (*(f"<@{user}>" for user in (OWNER, MAYA, IVAN, LENA)), "<#C0HELP>", "<#C0VPN>", "<#C0BOSS>", "<#C0QUEUE>")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("", CostQuestion("day", "user")),
        ("week", CostQuestion("week", "user")),
        ("by tool", CostQuestion("day", "tool")),
        ("Month BY channel", CostQuestion("month", "channel")),
        ("by outcome  day", CostQuestion("day", "outcome")),
        ("week, by model.", CostQuestion("week", "model")),
        ("week week by tool by tool", CostQuestion("week", "tool")),
        ("Today by channel", CostQuestion("day", "channel")),
        ("by tool this week.", CostQuestion("week", "tool")),
        ("this month", CostQuestion("month", "user")),
    ],
)
def test_a_question_is_read(text: str, question: CostQuestion) -> None:
    """Window and cut in any order and case; without words it is today by user."""
    assert costs.parse(text) == question


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("weak", "I do not know `weak`. Did you mean `week`?"),
        ("by tools", "I do not know `tools`. Did you mean `tool`?"),
        ("tools", "I do not know `tools`. Did you mean `by tool`?"),
        ("channel", "I do not know `channel`. Did you mean `by channel`?"),
        ("todya", "I do not know `todya`. Did you mean `day`?"),
        ("xyzzy", "I do not know `xyzzy`."),
        ("weak by tols", "I do not know `weak` and `tols`. Did you mean `week` and `tool`?"),
        ("a b c d e f g", "I do not know `a`, `b`, `c`, `d`, `e` and 2 more."),
        ("by week", "I do not know `week`."),
        ("by by tool", "I do not know `by` and `tool`. Did you mean `by tool`?"),
        ("by", "After `by` comes one of `channel`, `user`, `team`, `agent`, `tool`, `outcome`, `model`."),
        ("week by", "After `by` comes one of `channel`,"),
        ("day week", "I take one of `day` and `week` at a time."),
        ("by tool week by user by tool", "I take one of `tool` and `user` at a time."),
        ("day <!channel>", "I do not know `&lt;!channel&gt;`."),
        ("x" * 4_000, f"I do not know `{'x' * 39}…`."),
    ],
)
def test_wrong_words_are_named_with_the_nearest(text: str, complaint: str) -> None:
    """Which words, what was probably meant, and never an answer to half a question."""
    said = costs.parse(text)
    assert isinstance(said, str)
    assert said.startswith(complaint)
    check({"text": said, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": said}}]})


def spend(ctx: WorkerContext, rid: str, cost: int, channel: str, user: str, agent: str = "access") -> None:
    """Let a model call have cost something."""
    fields: dict[str, Any] = {"release": f"{agent}@1", "step": 0, "model": "stand-in-1", "price_version": "1"}
    at = now()
    with ctx.database.write() as session:
        session.add(
            LedgerRow(
                rid=rid,
                state="settled",
                team=TEAM,
                channel=channel,
                user=user,
                agent=agent,
                accounts=[],
                reserved_nusd=cost,
                cost_nusd=cost,
                at=at,
                lease_until=at + timedelta(minutes=1),
                **fields,
            )
        )


@pytest.fixture
def spent(ctx: WorkerContext) -> WorkerContext:
    """Return a house of two agents with owners of their own, in which four people have spent."""
    access = ctx.agents["access"]
    owned = access.card.model_copy(update={"name": "vpn", "owners": (LENA,), "channels": ("C0VPN",)})
    put_agent(ctx, replace(access, card=owned))
    put_agent(ctx, replace(access, card=access.card.model_copy(update={"owners": (OWNER, LENA)})))
    spend(ctx, "a", 10_000_000, "C0HELP", MAYA)
    spend(ctx, "b", 20_000_000, "C0HELP", IVAN)
    spend(ctx, "c", 40_000_000, "D0MAYA", MAYA)
    spend(ctx, "d", 80_000_000, "C0VPN", IVAN, agent="vpn")
    return ctx


def ask(ctx: WorkerContext, user: str, channel: str, text: str = "") -> str:
    """Let somebody ask, and return all that they would read; Slack must take it, natively and plainly."""
    event = InboxEvent(team=TEAM, channel=channel, user=user, text=text)
    answered = costs.answer(ctx, event)
    assert not isinstance(answered, str)
    for body in answered:
        check(body, ours=OURS)
    return shown(answered[0]) + str(answered[0]["blocks"])


def with_budgets(ctx: WorkerContext, **scopes: Any) -> WorkerContext:
    """Return the house with another budget file."""
    budgets = Budgets.model_validate({"time_zone": "UTC", **scopes})
    return replace(ctx, meter=replace(ctx.meter, read_budgets=lambda: budgets))


@pytest.mark.parametrize(
    ("user", "channel", "whose", "dollars"),
    [
        (MAYA, "C0HELP", "in this channel", "$0.03"),
        (MAYA, "D0MAYA", "for you", "$0.05"),
        (IVAN, "D0IVAN", "for you", "$0.10"),
        (MAYA, "C0ELSE", "in this channel", "$0.00"),
        (OWNER, "D0OLIVIA", "for you and by the agent access", "$0.07"),
        (OWNER, "C0VPN", "in this channel and by the agent access", "$0.15"),
        (LENA, "C0HELP", "everywhere", "$0.15"),
    ],
)
def test_everybody_sees_as_far_as_they_may(
    spent: WorkerContext, user: str, channel: str, whose: str, dollars: str
) -> None:
    """Their channel, in a direct message themselves; what agents spent for their owner; an owner of all, everything."""
    told = ask(spent, user, channel)
    assert f"*Spent today {whose}: {dollars}*" in told


def test_no_cut_shows_another_channel(spent: WorkerContext) -> None:
    """Of other channels neither name nor amount is told."""
    for by in ("user", "channel", "team", "agent", "tool", "outcome", "model"):
        told = ask(spent, MAYA, "C0HELP", f"month by {by}")
        for secret in ("C0VPN", "D0MAYA", "vpn"):
            assert secret not in told
        bars = re.findall(r"'label': '[^']*', 'value': ([0-9.]+)", told)
        assert sum(map(float, bars)) == pytest.approx(0.03)


def test_the_owner_of_a_budget_sees_what_it_is_for(spent: WorkerContext) -> None:
    """Its channel, or its person, beside their own, wherever they ask; of another's budget nothing."""
    limit = {"window": "day", "hard": "1.00"}
    ctx = with_budgets(
        spent,
        channel={"named": {"C0VPN": {**limit, "owner": MAYA}, "C0BOSS": {**limit, "owner": IVAN}}},
        user={"named": {IVAN: {**limit, "owner": MAYA}}},
    )
    told = ask(ctx, MAYA, "D0MAYA", "by channel")
    assert "*Spent today for you and in <#C0VPN> and for <@U0IVAN>: $0.15*" in told
    assert "• <#C0VPN>, today: $0.08 of $1.00 (8 %)" in told
    assert "• <@U0IVAN>, today: $0.10 of $1.00 (10 %)" in told
    assert "C0BOSS" not in told


def test_the_owner_of_everybodys_budgets_sees_everything(spent: WorkerContext) -> None:
    """Who answers for the budget of each channel may see each channel."""
    ctx = with_budgets(spent, channel={"default": {"window": "day", "hard": "1.00", "owner": MAYA}})
    told = ask(ctx, MAYA, "D0MAYA")
    assert "*Spent today everywhere: $0.15*" in told
    assert "• <#C0VPN>, today: $0.08 of $1.00 (8 %)" in told
    assert "*Spent today for you: $0.10*" in ask(ctx, IVAN, "D0IVAN")


def test_budgets_of_the_reader_are_told(spent: WorkerContext) -> None:
    """The channel's and their own; those of the team and of agents are their owners' business."""
    day = {"default": {"window": "day", "hard": "1.00"}}
    ctx = with_budgets(spent, channel=day, user=day, team=day, agent=day)
    told = ask(ctx, MAYA, "C0HELP")
    assert "*Spent today in this channel: $0.03* of $1.00 (3 %)" in told
    assert "• This channel, today: $0.03 of $1.00 (3 %)" in told
    assert "• You, today: $0.05 of $1.00 (5 %)" in told
    assert "team" not in told
    assert "agent" not in told
    told = ask(ctx, LENA, "C0HELP")
    for line in ("This workspace, today: $0.15", "The agent access, today: $0.07", "The agent vpn, today: $0.08"):
        assert line in told


def test_the_chart_calls_people_by_name(spent: WorkerContext) -> None:
    """Slack is asked for the names of those whose bars are drawn; whom it does not know keeps the id."""
    spend(spent, "e", 1_000_000, "C0HELP", "U0GHOST")
    told = ask(spent, PRIYA, "C0HELP")
    for name in ("'label': 'Ivan Petrov'", "'label': 'Maya Okafor'", "'label': 'U0GHOST'"):
        assert name in told


def test_the_chart_calls_channels_by_name(spent: WorkerContext) -> None:
    """A private one by none: whoever is in it reads it in the table beside, where Slack writes it out."""
    spend(spent, "e", 5_000_000, "C0QUEUE", IVAN)
    told = ask(spent, LENA, "C0HELP", "by channel")
    labels = re.findall(r"'label': '([^']*)', 'value'", told)
    assert labels == ["a channel", "direct messages", "#help-access", "a private channel"]
    assert "access-queue" not in told


def test_without_names_the_figures_are_told(spent: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Slack that does not answer for names takes nothing but the names."""
    nowhere = slack.connect(token="xoxb-test", base_url="http://127.0.0.1:9/api/", network=DIRECT)
    told = ask(replace(spent, slack=nowhere), PRIYA, "C0HELP")
    assert "'label': 'U0IVAN'" in told
    told = ask(replace(spent, slack=nowhere), LENA, "C0HELP", "by channel")
    assert re.findall(r"'label': '([^']*)', 'value'", told) == ["a channel", "direct messages", "a channel 2"]


@pytest.mark.parametrize("by", ["user", "channel", "team", "agent", "tool", "outcome", "model"])
def test_colleagues_are_told_apart_for_owners_and_responders_alone(spent: WorkerContext, by: str) -> None:
    """In any cut everybody else reads their own amount beside the sum of all others, and no ranking."""
    told, of_responder = (ask(spent, user, "C0HELP", f"by {by}") for user in (MAYA, PRIYA))
    for secret in (IVAN, "Ivan", "Who spent most"):
        assert secret not in told
    assert "$0.03" in told
    assert (IVAN in of_responder) is True
    assert ("everybody else" in told) is (by == "user")


def test_owners_choose_that_a_channel_sees_its_people(spent: WorkerContext) -> None:
    """By the card of the agent whose channel it is; of no other channel, and of nobody's budget there."""
    access = spent.agents["access"]
    put_agent(spent, replace(access, card=access.card.model_copy(update={"show_people": "channel"})))
    assert IVAN in ask(spent, MAYA, "C0HELP")
    assert "everybody else" not in ask(spent, MAYA, "C0HELP")
    spend(spent, "e", 5_000_000, "C0VPN", MAYA, agent="vpn")
    assert IVAN not in ask(spent, MAYA, "C0VPN")
    assert IVAN not in ask(spent, MAYA, "D0MAYA")


def test_a_responder_of_one_agent_is_anybody_in_the_channel_of_another(spent: WorkerContext) -> None:
    """Their role reaches as far as their agent does."""
    vpn = spent.agents["vpn"].card
    people = vpn.handoff.model_copy(update={"responders": ("U0BEN",), "queue_channel": "C0VPNQ"})
    put_agent(spent, replace(spent.agents["vpn"], card=vpn.model_copy(update={"handoff": people})))
    spend(spent, "e", 5_000_000, "C0VPN", MAYA, agent="vpn")
    assert IVAN not in ask(spent, PRIYA, "C0VPN")
    assert IVAN in ask(spent, PRIYA, "C0HELP")


def test_whom_slack_does_not_confirm_just_now_is_told_no_figures(
    spent: WorkerContext, workspace: LocalWorkspace
) -> None:
    """Not even anybody's: a responder would take them for all that there is. Who has no role is not looked up."""
    workspace.faults({"method": "users.info", "kind": "http_500", "times": -1})
    assert costs.answer(spent, InboxEvent(team=TEAM, channel="C0HELP", user=PRIYA, text="")) == (
        denials.in_words(Forbidden.UNCHECKED)
    )
    assert "in this channel" in ask(spent, MAYA, "C0HELP")
