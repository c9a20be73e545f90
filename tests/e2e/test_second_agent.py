"""An agent is a folder: the example, copied beside the first agent with nothing else changed, serves through it all.

Its channel, its direct messages, its people, its costs, its evaluation and its reports are its own.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.sandbox.demo.scenes.checks import holding
from bot.sandbox.demo.scenes.stage import HELP, QUEUE, Stage, Thread, typed
from bot.sandbox.slack.blocks import interactive
from bot.slack.requesters.choices import CHOOSE
from bot.store.db import Session
from bot.store.figures import success
from bot.store.handoffs import handoff_metrics
from bot.store.releases import eval_runs
from bot.store.schema import Handoff, LedgerRow, Message, Ticket, Turn, now
from tests.e2e.generous_config import roomy
from tests.e2e.product import HTTP, House, moved_in, prepare
from tests.support.json_object import Json
from tests.support.paths import CONFIG

CHANNEL, OWN_QUEUE = "C0SOFTWARE", "C0SOFTWAREQUEUE"
BUYS = "I need an Adobe Creative Cloud licence for the spring campaign"
INSTALL = "Install it from the software centre"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900), pytest.mark.usefixtures("untroubled")]


@pytest.fixture(scope="module")
def house(_prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start the whole product on a configuration into which the example folder was copied, and nothing else."""
    folder = tmp_path_factory.mktemp("two-agents")
    config = Path(shutil.copytree(roomy(), folder / "config"))
    shutil.copytree(CONFIG / "examples/agents/software", config / "agents/software")
    url = f"sqlite:///{shutil.copy(_prepared, folder / 'deskhand.db')}"
    prepare(url, folder, config, agents=("software",))  # the first agent's release is the same, and has passed
    with moved_in(HTTP, url, folder, config) as house:
        yield house


def say(stage: Stage, user: str, channel: str, text: str) -> Thread:
    """Let somebody write at the top level of a channel, without a mention."""
    return Thread(user, channel, str(stage.act("say", user=user, channel=channel, text=text)["ts"]), 0.0)


def command(stage: Stage, user: str, channel: str, name: str) -> str:
    """Type a slash command; return all that its answer shows."""
    known = {note["id"] for note in stage.sees(user)["ephemeral"]}
    stage.act("command", user=user, channel=channel, command=name, text="")
    new = stage.wait(name, lambda: [note for note in stage.sees(user)["ephemeral"] if note["id"] not in known])
    return json.dumps(new[0], ensure_ascii=False)


def figures(session: Session, agent: str) -> Json:
    """Return everything that is counted of an agent: tickets, money, handoffs, what was solved."""
    cohort = handoff_metrics.last_days(7, at=now(), agent=agent)
    mine = select(func.count(), func.coalesce(func.sum(LedgerRow.cost_nusd), 0)).where(LedgerRow.agent == agent)
    calls, cost = session.execute(mine.where(LedgerRow.purpose == "turn")).one()
    return {
        "tickets": session.scalars(select(func.count()).select_from(Ticket).where(Ticket.agent == agent)).one(),
        "calls": calls,
        "cost": cost,
        "handoffs": handoff_metrics.totals(session, cohort),
        "requests": success.total(session, cohort).unsettled,
    }


def settled(session: Session) -> bool:
    """Say if no turn is under way and nothing is left to say."""
    under_way = select(func.count()).select_from(Turn).where(Turn.state != "done")
    unsaid = select(func.count()).select_from(Message).where(Message.state.in_(("stored", "sending")))
    return session.scalars(under_way).one() == session.scalars(unsaid).one() == 0


def test_the_first_agent_serves_as_before(stage: Stage) -> None:
    """A locked account is unlocked, and what the first agent has done and cost is written down."""
    stage.done(say(stage, "U0MAYA", HELP, "I'm locked out of my account"))
    assert stage.account("acc-maya") == "active"
    stage.kept["access"] = stage.read(lambda session: figures(session, "access"))
    assert stage.kept["access"]["tickets"] == 1
    assert stage.kept["access"]["cost"] > 0


def test_it_answers_in_its_own_channel(stage: Stage) -> None:
    """Without a mention, by its own words for what a plea is, and from its own prompt."""
    thread = say(stage, "U0IVAN", CHANNEL, "I need a licence for Figma")
    story = stage.done(thread)
    assert INSTALL in stage.replies(thread)[0]["text"]
    assert (story.ticket.agent, story.ticket.state, story.ticket.category) == ("software", "resolved", "known_product")
    assert story.ticket.account is None


def test_its_people_get_what_is_theirs(stage: Stage) -> None:
    """A purchase goes to its own queue channel, which others do not see, and ends as one of its own categories."""
    thread = say(stage, "U0LENA", CHANNEL, BUYS)
    story = stage.done(thread)
    assert story.handoffs[-1].queue_channel == OWN_QUEUE
    assert OWN_QUEUE not in stage.sees("U0PRIYA")["messages"]
    [card] = [
        one for one in stage.sees("U0RUTH")["messages"][OWN_QUEUE] if one.get("thread_ts", one["ts"]) == one["ts"]
    ]
    shown = json.dumps(card["blocks"], ensure_ascii=False)
    assert "Adobe Creative Cloud" in shown
    assert "account" not in shown
    _press(stage, "U0RUTH", card, "handoff.claim")
    held = stage.wait("her claim", lambda: holding(stage.sees("U0RUTH")["messages"][OWN_QUEUE], "handoff.resolve"))
    _press(stage, "U0RUTH", held, "handoff.resolve")
    view = stage.modal("U0RUTH", "handoff.resolved")
    [menu] = [block for block in view["blocks"] if block["block_id"] == "category"]
    assert [option["value"] for option in menu["element"]["options"]] == [
        *("known_product", "purchase", "renewal", "declined", "not_ours")
    ]
    values = {
        "done": {"done": typed("Ordered it; it is in your software centre tomorrow.")},
        "category": {"category": {"type": "static_select", "selected_option": {"value": "purchase"}}},
        "agent_could": {"agent_could": {"type": "radio_buttons", "selected_option": {"value": "no"}}},
    }
    assert stage.act("submit", user="U0RUTH", view_id=view["id"], values=values)["ok"]
    done = stage.wait("the card to be resolved", lambda: _resolved(stage))
    assert "Bought a licence" in json.dumps(done, ensure_ascii=False)


def test_a_direct_message_goes_where_its_writer_wants(stage: Stage) -> None:
    """One button an agent with its purpose; what was written goes with the choice, and two presses are one ticket."""
    where = str(stage.act("dm", user="U0GRACE")["channel"])
    thread = say(stage, "U0GRACE", where, "I need Figma for a workshop")
    [question] = stage.wait("the question", lambda: stage.replies(thread))
    offered = {block["accessory"]["value"]: block for block in question["blocks"] if "accessory" in block}
    assert list(offered) == ["access", "software"]
    place = {"channel": where, "ts": question["ts"], "block_id": offered["software"]["block_id"], "action_id": CHOOSE}
    stage.act("click", user="U0GRACE", **place)
    stage.act("click", user="U0GRACE", **place, forge=True, value="software")
    story = stage.done(thread)
    stage.wait("the answer", lambda: holding(stage.replies(thread), INSTALL))
    assert (story.ticket.agent, len(story.turns)) == ("software", 1)
    mine = stage.read(lambda session: session.scalars(select(Ticket).where(Ticket.requester == "U0GRACE")).all())
    assert len(mine) == 1


def test_its_reports_are_its_own(stage: Stage) -> None:
    """Its owner reads its release, its evaluation, its handoffs and its costs in its channel; no one else's."""
    stage.wait("everything to end", lambda: stage.read(settled))
    run = stage.read(lambda session: eval_runs.last_run(session, "software"))
    assert run is not None
    evaluated = command(stage, "U0RUTH", CHANNEL, "/agent-eval")
    assert run.release in evaluated
    assert "So far 2 are solved; 1 went to a person" in evaluated
    assert "Handoffs, last 7 days: 1" in evaluated
    assert "access@" not in evaluated
    spent = command(stage, "U0RUTH", CHANNEL, "/agent-cost")
    assert "$0.0" in spent
    assert "Lena" in spent
    assert "Maya" not in spent
    refused = command(stage, "U0RUTH", HELP, "/agent-eval")
    assert "Only the owners and responders of an agent" in refused


def test_the_first_agents_figures_have_not_moved(stage: Stage) -> None:
    """Tickets, calls, money, handoffs and what was solved are those of before the second agent was asked anything."""
    assert stage.read(lambda session: figures(session, "access"))["cost"] == stage.kept["access"]["cost"]
    now_, before = stage.read(lambda session: figures(session, "access")), stage.kept["access"]
    assert now_ == before
    mine = stage.read(lambda session: figures(session, "software"))
    assert (mine["tickets"], mine["handoffs"].handoffs, mine["cost"] > 0) == (3, 1, True)
    assert [one for one in stage.sees("U0PRIYA")["messages"].get(QUEUE, []) if "Adobe" in json.dumps(one)] == []
    assert "access@" in command(stage, "U0OLIVIA", HELP, "/agent-eval")
    queues = stage.read(lambda session: session.scalars(select(Handoff.queue_channel).distinct()).all())
    assert list(queues) == [OWN_QUEUE]


def _press(stage: Stage, user: str, card: Json, action: str) -> None:
    [block_id] = [block_id for block_id, one in interactive(card["blocks"]) if one["action_id"] == action]
    stage.act("click", user=user, channel=OWN_QUEUE, ts=card["ts"], block_id=block_id, action_id=action)


def _resolved(stage: Stage) -> Json | None:
    return holding(stage.sees("U0RUTH")["messages"][OWN_QUEUE], "is resolved")
