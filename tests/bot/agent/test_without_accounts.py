"""An agent that needs no account, played on real storage: nobody is looked up in a directory, which is not there."""

from dataclasses import replace
from typing import Any

from bot.agent import card
from bot.agent.card import Agent
from bot.agent.conclusion import conclude
from bot.agent.loop import NeedsPerson, Reply, Resolution
from bot.principals import Effect, Reason, Subject
from bot.store.schema import AuditRow, Ticket
from bot.store.schema import Handoff as HandoffRow
from bot.tools.registry import NoArgs, Tool, ToolUse
from tests.support.agent_office import Office, play_attempt
from tests.support.factories import rows
from tests.support.paths import CONFIG
from tests.support.scripted_models import Script, results

SOFTWARE = card.load(CONFIG / "examples/agents/software")
KIM = Subject("T1", "U0KIM", ())
NONE: Any = None
"A directory that is no object at all."


def in_stock(call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Say what there is."""
    return {"seats": 3, "asked_by_an_account": call.bound is not None}


STOCK = Tool("in_stock", "Says how many seats are left.", NoArgs, Effect.READ, "catalogue:read", False, in_stock)


def with_stock(**changes: Any) -> Agent:
    """Return the agent with a tool that reads something else than accounts."""
    named = SOFTWARE.card.model_copy(update={"tools": (*SOFTWARE.card.tools, "in_stock"), **changes})
    return replace(SOFTWARE, card=named, tools=(*SOFTWARE.tools, STOCK))


def test_its_word_closes_the_ticket(office: Office) -> None:
    """With a category of its own, and no account anywhere."""
    resolve = ("resolve", {"done": "Told them where to get Figma.", "category": "known_product"})
    model = Script([(resolve,), ("Figma is in the software centre.",)])
    attempt = office.begin(office.asks("I need Figma"))
    runtime = office.runtime(model, agent=SOFTWARE, directory=NONE)
    outcome = play_attempt(runtime, attempt, KIM)
    resolution = Resolution("Told them where to get Figma.", "known_product", closed=True)
    assert outcome == Reply("Figma is in the software centre.", resolution)
    with office.database.write() as session:
        conclude(session, runtime, attempt, KIM, outcome)
    [ticket] = rows(office.database, Ticket)
    assert (ticket.state, ticket.category, ticket.account) == ("resolved", "known_product", None)


def test_another_agents_category_is_not_taken(office: Office) -> None:
    """The model is told which there are, and goes on."""
    model = Script([(("resolve", {"done": "Did it.", "category": "locked"}),), ("Figma is there.",)])
    outcome = play_attempt(
        office.runtime(model, agent=SOFTWARE, directory=NONE), office.begin(office.asks("I need Figma")), KIM
    )
    assert outcome == Reply("Figma is there.", None)
    assert "category: expected one of known_product" in results(model.prompts[1])[0]["error"]


def test_a_tool_that_needs_no_account_does_its_work(office: Office) -> None:
    """It is decided, audited and journalled like any other; and it is handed no account."""
    model = Script([(("in_stock", {}),), ("There are three.",)])
    runtime = office.runtime(model, agent=with_stock(), directory=NONE)
    assert play_attempt(runtime, office.begin(office.asks("Is there a seat?")), KIM) == Reply("There are three.", None)
    assert results(model.prompts[1]) == [{"seats": 3, "asked_by_an_account": False, "is_error": False}]
    assert [row.event for row in rows(office.database, AuditRow)] == ["tool.intended", "tool.finished"]


def test_the_same_tool_where_the_card_wants_an_account(office: Office) -> None:
    """Then it works for nobody who has not exactly one."""
    model = Script([(("in_stock", {}),)])
    runtime = office.runtime(model, agent=with_stock(needs_account=("in_stock",)), directory=NONE)
    outcome = play_attempt(runtime, office.begin(office.asks("Is there a seat?")), KIM)
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.IDENTITY_MISMATCH


def test_its_people_are_told_nothing_of_accounts(office: Office) -> None:
    """What they get with the ticket says that there is none to look up."""
    model = Script([(("hand_off", {"reason": "out_of_policy", "summary": "AutoCAD, for floor plans."}),)])
    attempt = office.begin(office.asks("I need AutoCAD"))
    runtime = office.runtime(model, agent=SOFTWARE, directory=NONE)
    with office.database.write() as session:
        conclude(session, runtime, attempt, KIM, play_attempt(runtime, attempt, KIM))
    [handoff] = rows(office.database, HandoffRow)
    assert (handoff.queue_channel, handoff.context.of_account) == ("C0SOFTWAREQUEUE", False)
