"""The agent of the example folder, for another class of requests: it is whole, and its evaluation passes."""

from bot.agent import card
from bot.agent.release import fingerprint
from bot.evals import cases
from bot.evals.runner import run_suite
from bot.principals import Solved
from bot.store.db import Database
from bot.store.releases import verdicts
from tests.support.eval_runtimes import MODEL, RuntimesOf
from tests.support.paths import CONFIG

SOFTWARE = card.load(CONFIG / "examples/agents/software")


def test_it_is_another_ticket_class() -> None:
    """It has no tool on accounts and needs none, categories of its own, and shares neither channels nor people."""
    access = card.load(CONFIG / "agents/access")
    assert not [tool.name for tool in SOFTWARE.tools if tool.acts_on_account]
    assert (SOFTWARE.card.needs_account, SOFTWARE.card.solved) == ((), Solved.AGENTS_WORD)
    assert not SOFTWARE.card.categories.keys() & access.card.categories.keys() - {"not_ours"}
    people = [{*one.card.owners, *one.card.handoff.responders} for one in (SOFTWARE, access)]
    places = [{*one.card.channels, one.card.handoff.queue_channel} for one in (SOFTWARE, access)]
    assert not people[0] & people[1]
    assert not places[0] & places[1]


def test_its_evaluation_passes_the_gate(runtimes_of: RuntimesOf, main: Database) -> None:
    """Twenty cases and more, none failed, played as production plays them; the release may serve then."""
    release = fingerprint(SOFTWARE, model=MODEL, endpoint="http://stand-in")
    suite = cases.load(SOFTWARE)
    report = run_suite(
        agent=SOFTWARE,
        release_id=release,
        runtime_for=runtimes_of(SOFTWARE),
        suite=suite,
        main=main,
        started_by="operator",
        progress=lambda _seen: None,
    )
    assert [(play.case.id, play.failures) for play in report.plays if play.failures] == []
    assert (report.verdict, len(suite.cases) >= 20) == ("pass", True)
    with main.read() as session:
        assert verdicts.standing(session, str(release), SOFTWARE.suite).verdict == "pass"
