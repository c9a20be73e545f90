"""What the tests of runs play: a release of the access agent, and twenty cases of no slice of its own."""

from bot.agent import card
from bot.agent.release import ReleaseId
from bot.evals.cases import Suite
from tests.support.fixed_model import a_case
from tests.support.paths import CONFIG

RUN_AGENT = card.load(CONFIG / "agents" / "access")
RUN_RELEASE = ReleaseId("access", "1f3c9a20" * 8, {"model": "stand-in-1"}, "0" * 64)
RUN_CASES = tuple(a_case(f"case-{number:02}") for number in range(20))
RUN_SUITE = Suite(RUN_CASES, "5" * 64)
