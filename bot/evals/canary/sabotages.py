"""How each sabotage changes an agent at work. Nothing else about it changes, and each change is a real one.

The model is asked what the sabotaged agent would ask it, so what comes of it is what the model makes of that.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from bot.agent import redaction
from bot.agent.card import Agent
from bot.agent.model import Completion, Prompt
from bot.agent.release import fingerprint
from bot.agent.runtime import AgentRuntime
from bot.errors import ConfigError
from bot.evals.canary.canary_file import FILE, CanaryEnd, CanaryFile, SabotageKind, WrongModel, paragraph
from bot.evals.canary.stale import StaleDirectory
from bot.telemetry.attributes import HAND_OFF

Spoil = Callable[[AgentRuntime], AgentRuntime]
"Sabotages an agent at work on a scratch database."


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One sabotaged agent, and what must block it."""

    kind: SabotageKind
    end: CanaryEnd
    spoil: Spoil
    hear: Callable[[str], str] = redaction.redact
    "What becomes of a message before it is stored."


def all_of(written: CanaryFile) -> tuple[Sabotage, ...]:
    """Return the sabotages of an agent."""
    return tuple(_sabotage(kind, written) for kind in SabotageKind)


def _sabotage(kind: SabotageKind, written: CanaryFile) -> Sabotage:
    match kind:
        case SabotageKind.TOOL_DROPPED:
            return Sabotage(kind, written.tool_dropped, _without(written.tool_dropped.tool))
        case SabotageKind.PARAGRAPH_DELETED:
            begins = written.paragraph_deleted.begins
            return Sabotage(kind, written.paragraph_deleted, _prompted(lambda prompt: _deleted(prompt, begins)))
        case SabotageKind.HANDOFF_OFF:
            return Sabotage(kind, written.handoff_off, _without(HAND_OFF))
        case SabotageKind.WRONG_MODEL:
            return Sabotage(kind, written.wrong_model, _served_by(written.wrong_model))
        case SabotageKind.PROMPT_CUT:
            keep = written.prompt_cut.keep
            cut = _prompted(lambda prompt: prompt[: round(keep * len(prompt))])
            return Sabotage(kind, written.prompt_cut, cut)
        case SabotageKind.STALE_TOOL_DATA:
            return Sabotage(kind, written.stale_tool_data, _reading_yesterday)
        case SabotageKind.REDACTION_OFF:
            return Sabotage(kind, written.redaction_off, lambda runtime: runtime, hear=lambda text: text)
        case SabotageKind.LOOP:
            return Sabotage(kind, written.loop, _forgetting)
        case _:
            assert_never(kind)


def _without(tool: str) -> Spoil:
    """Return what takes a tool away."""

    def spoil(runtime: AgentRuntime) -> AgentRuntime:
        card, tools = runtime.agent.card, tuple(one for one in runtime.agent.tools if one.name != tool)
        left = tuple(name for name in card.tools if name != tool)
        agent = replace(runtime.agent, card=card.model_copy(update={"tools": left}), tools=tools)
        return _serving(runtime, agent, runtime.model)

    return spoil


def _prompted(change: Callable[[str], str]) -> Spoil:
    """Return what changes the prompt."""

    def spoil(runtime: AgentRuntime) -> AgentRuntime:
        agent = replace(runtime.agent, prompt=change(runtime.agent.prompt))
        return _serving(runtime, agent, runtime.model)

    return spoil


def _served_by(wrong: WrongModel) -> Spoil:
    """Return what lets another model answer.

    Raises:
        ConfigError: the file does not say which model answers in place of the agent's.
    """

    def spoil(runtime: AgentRuntime) -> AgentRuntime:
        other = wrong.serves.get(runtime.model)
        if other is None:
            known = ", ".join(sorted(wrong.serves))
            where = f"{runtime.agent.folder / FILE}: {SabotageKind.WRONG_MODEL}.serves"
            raise ConfigError(f"{where}: nothing for {runtime.model}; known: {known}")
        return _serving(runtime, runtime.agent, other)

    return spoil


def _serving(runtime: AgentRuntime, agent: Agent, model: str) -> AgentRuntime:
    """Return a runtime of another agent or model; it is another release, whose spending is its own."""
    asked = runtime.release.body["endpoint"]
    release = fingerprint(agent, model=model, endpoint=None if asked == "vendor" else asked)
    return replace(runtime, agent=agent, model=model, release=release)


def _reading_yesterday(runtime: AgentRuntime) -> AgentRuntime:
    """Let the tools read yesterday's directory."""
    return replace(runtime, directory=StaleDirectory(runtime.database))


def _forgetting(runtime: AgentRuntime) -> AgentRuntime:
    """Keep from the model what it has done in this turn: each time it is asked as if for the first time."""

    def call(prompt: Prompt) -> Completion:
        messages = prompt.messages
        while len(messages) > 1 and _holds(messages[-1], "tool_result"):
            messages = messages[:-2]
        return runtime.call_model(replace(prompt, messages=messages))

    return replace(runtime, call_model=call)


def _holds(message: dict[str, object], kind: str) -> bool:
    content = message["content"]
    return isinstance(content, list) and any(block["type"] == kind for block in content)


def _deleted(prompt: str, begins: str) -> str:
    return prompt.replace(paragraph(prompt, begins) or "", "")
