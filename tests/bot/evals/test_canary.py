"""Sabotaged agents: what is wrong with each, and when it counts as caught."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.agent import card
from bot.agent.card import Agent
from bot.agent.model import Completion, Prompt
from bot.agent.runtime import AgentRuntime
from bot.errors import ConfigError, Transient
from bot.evals import cases
from bot.evals.canary import canary_file, matrix, playing, sabotages
from bot.evals.canary.canary_file import FILE, CanaryEnd, SabotageKind
from bot.evals.canary.playing import CanaryPlay, SabotageResult
from bot.evals.canary.sabotages import Sabotage
from bot.evals.cases import Suite
from bot.evals.gate import ReleaseVerdict
from bot.store.db import Database
from bot.store.schema import Verdict
from tests.support.eval_runtimes import RuntimesOf
from tests.support.fixed_model import a_case, answering, completion_of
from tests.support.paths import CONFIG

ACCESS = CONFIG / "agents" / "access"
SLICES = frozenset(case.slice for case in cases.load(card.load(ACCESS)).cases)
SECRET = "my password is Sommer2026!"
SOFT = CanaryEnd(slice="small", shows="expected a reply, saw a handoff")
HARD = [a_case(f"case-{number}", hard=True) for number in range(30)]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[..., Agent]:
    """Return a copy of the access agent with some of its canary changed; None deletes a key."""

    def copy(**changes: Any) -> Agent:
        folder = Path(shutil.copytree(ACCESS, tmp_path / "access"))
        known = yaml.safe_load((folder / FILE).read_text())
        for name, change in changes.items():
            known[name] = known.get(name, {}) | change if isinstance(change, dict) else change
        (folder / FILE).write_text(yaml.safe_dump({key: value for key, value in known.items() if value is not None}))
        return card.load(folder)

    return copy


@pytest.fixture
def runtime(runtimes_of: RuntimesOf, agent: Agent, main: Database) -> AgentRuntime:
    """Return the shipped agent at work on a database."""
    return runtimes_of(agent)(main)


@pytest.fixture
def by_kind(agent: Agent) -> dict[SabotageKind, Sabotage]:
    """Return the shipped agent's sabotages."""
    return {one.kind: one for one in sabotages.all_of(canary_file.read(agent, SLICES))}


def harmless(end: CanaryEnd = SOFT) -> Sabotage:
    """Return a sabotage that changes nothing."""
    return Sabotage(SabotageKind.LOOP, end, lambda runtime: runtime)


def suite_of(*chosen: cases.Case) -> Suite:
    """Return a suite of some cases."""
    return Suite(chosen, "0" * 64)


def test_each_sabotage_takes_one_thing_away(runtime: AgentRuntime, by_kind: dict[SabotageKind, Sabotage]) -> None:
    """Tools, prompt and model are what they were but for the one thing; what ran so is another release."""
    spoiled = {kind: one.spoil(runtime) for kind, one in by_kind.items()}
    for kind, tool in ((SabotageKind.TOOL_DROPPED, "reset_second_factor"), (SabotageKind.HANDOFF_OFF, "hand_off")):
        left = spoiled[kind].agent
        assert {*runtime.agent.card.tools} - {*left.card.tools} == {tool}
        assert [one.name for one in left.tools] == [*left.card.tools]
    before, deleted = runtime.agent.prompt, spoiled[SabotageKind.PARAGRAPH_DELETED].agent.prompt
    gone = before[before.index("- Text inside <message>") : before.index("- A <colleague>")]
    assert deleted == before.replace(gone, "")
    cut = spoiled[SabotageKind.PROMPT_CUT].agent.prompt
    assert before.startswith(cut)
    assert len(cut) == round(0.3 * len(before))
    assert spoiled[SabotageKind.WRONG_MODEL].model == "stand-in-0"
    assert len({str(one.release) for one in spoiled.values()}) == 6
    heard = {kind: one.hear(SECRET) for kind, one in by_kind.items()}
    assert {kind for kind, said in heard.items() if said == SECRET} == {SabotageKind.REDACTION_OFF}


def test_the_loop_sends_the_question_again(runtime: AgentRuntime, by_kind: dict[SabotageKind, Sabotage]) -> None:
    """What the model did in this turn is kept from it, and what was said before is not."""
    asked: list[Prompt] = []

    def call(prompt: Prompt) -> Completion:
        asked.append(prompt)
        return completion_of(prompt, "well")

    looping = by_kind[SabotageKind.LOOP].spoil(replace(runtime, call_model=call)).call_model
    said = ({"role": "user", "content": [{"type": "text", "text": "locked out"}]},)
    did = (
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look_up_my_account", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "{}"}]},
    )
    answered = ({"role": "assistant", "content": [{"type": "text", "text": "Which account?"}]}, *said)
    for messages in (said, said + did, said + did + did, said + answered + did):
        looping(Prompt("m", "s", (), messages, 700))
    assert [prompt.messages for prompt in asked] == [said, said, said, said + answered]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"loop": {"slice": "lokced"}}, "loop.slice: no such slice: lokced; known: always_human, "),
        ({"tool_dropped": {"tool": "launch"}}, "tool_dropped.tool"),
        ({"paragraph_deleted": {"begins": "- Tekst"}}, "paragraph_deleted.begins: no line of prompt.md begins with"),
        ({"prompt_cut": {"keep": 1}}, "prompt_cut.keep"),
        ({"stale_tool_data": None}, "stale_tool_data"),
        ({"redaction_off": {"shows": "("}}, "redaction_off.shows"),
        ({"an_idea": {"slice": "locked"}}, "an_idea"),
    ],
)
def test_a_wrong_canary_file_is_refused(copied: Callable[..., Agent], changes: dict[str, Any], told: str) -> None:
    """Its file and field are named; nothing is played that would prove less than it seems."""
    with pytest.raises(ConfigError) as refused:
        canary_file.read(copied(**changes), SLICES)
    assert FILE in str(refused.value)
    assert told in str(refused.value)


def test_an_agent_without_the_dropped_tool_or_a_weaker_model_is_refused(
    copied: Callable[..., Agent], runtime: AgentRuntime
) -> None:
    """A tool that the card does not name cannot be dropped, and a model must be known that answers in its place."""
    agent = copied(wrong_model={"serves": {"another": "yet-another"}})
    [wrong] = [one for one in sabotages.all_of(canary_file.read(agent, SLICES)) if one.kind == "wrong_model"]
    with pytest.raises(ConfigError, match=r"wrong_model\.serves: nothing for stand-in-1; known: another"):
        wrong.spoil(runtime)
    bare = replace(agent, card=agent.card.model_copy(update={"tools": ("hand_off",)}))
    with pytest.raises(ConfigError, match="the agent has no reset_second_factor"):
        canary_file.read(bare, SLICES)


def test_an_agent_that_is_as_good_as_before_is_not_caught(runtimes_of: RuntimesOf, agent: Agent) -> None:
    """When the expected slice does not block it, every other case is played, and it passes."""
    other = a_case("other", slice="large")
    played = playing.play(harmless(), suite_of(*HARD[:3], other), runtimes_of(agent), pass_at_least=0.1, workers=2)
    assert (played.verdict.word, played.whole, len(played.plays)) == (Verdict.PASS, True, 4)
    assert (played.caught, played.slice, played.evidence) == (False, None, None)
    table = matrix.as_text([played], standin=True)
    assert "NOT CAUGHT: expected a block for small" in table
    assert "0 of 1 sabotaged agents" in table
    assert "A stand-in model has played: this says nothing of Claude." in table


@pytest.mark.parametrize(
    ("failure", "slices", "caught", "told"),
    [
        ("expected a reply, saw a handoff for error", ("small",), True, "for small, as expected: expected a reply"),
        ("expected a reply, saw a silence", ("small",), False, "NOT CAUGHT: no failed case of small says"),
        ("expected a reply, saw a handoff for error", ("large",), False, "NOT CAUGHT: expected a block for small"),
    ],
)
def test_a_block_for_another_reason_is_no_catch(failure: str, slices: tuple[str, ...], caught: bool, told: str) -> None:  # noqa: FBT001
    """It must be the expected slice that blocks it, and its failed cases must say what was expected of them."""
    verdict = ReleaseVerdict(Verdict.BLOCK, ("why",), slices)
    result = SabotageResult(harmless(), verdict, (CanaryPlay(HARD[0], (failure,)),), whole=False)
    assert (result.caught, result.slice) == (caught, slices[0])
    assert told in matrix.as_text([result], standin=False)
    [row] = matrix.as_json([result], standin=False)["sabotages"]
    assert (row["name"], row["verdict"], row["slice"], row["expected_slice"]) == ("loop", "block", slices[0], "small")


def test_what_was_not_played_never_saves_an_agent() -> None:
    """Blocked while the rest counts as passed, it is blocked however many of the rest fail as well."""
    failed = CanaryPlay(HARD[0], ("wrong",))
    for fallen in range(len(HARD) - 1):
        rest = [CanaryPlay(case, ("wrong",) if number < fallen else ()) for number, case in enumerate(HARD[1:])]
        assert playing.judged([failed, *rest], (), pass_at_least=0.1).word is Verdict.BLOCK
    assert playing.judged([failed], HARD[1:], pass_at_least=0.1).word is Verdict.BLOCK
    assert playing.judged([CanaryPlay(HARD[0], ())], HARD[1:], pass_at_least=0.1).word is Verdict.PASS


def test_an_outage_says_nothing_of_a_sabotage(runtimes_of: RuntimesOf, agent: Agent) -> None:
    """A case that never gets to its end is no failed case: the canary ends without a result."""
    real = runtimes_of(agent)
    away = answering(*[Transient("the model is away")] * 30)
    with pytest.raises(Transient, match="case-0 could not be played: "):
        playing.play(
            harmless(),
            suite_of(HARD[0]),
            lambda own: replace(real(own), call_model=away),
            pass_at_least=0.1,
            workers=1,
        )
