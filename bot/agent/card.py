"""What an agent is: `config/agents/<name>/card.yaml` with its `prompt.md`.

A process with a wrong card refuses to start, and names the file, the field and what was expected.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import Field

from bot.admission import Rules
from bot.agent import approval_terms, phrases, suite_files
from bot.agent import categories as kinds
from bot.agent.addresses import Link
from bot.agent.approval_terms import ApprovalTerms
from bot.agent.categories import Categories
from bot.agent.limits import PerPerson, TurnLimits
from bot.agent.passing import Passing
from bot.agent.phrases import LanguagePhrases
from bot.agent.retention_terms import RetentionTerms
from bot.budget import config
from bot.errors import ConfigError, kind, why_unreadable
from bot.policy.rules import AccountRules, CardPart
from bot.principals import CHANNEL_ID, AgentStatus, Effect, Grant, GuestPolicy, Solved
from bot.responders.people import ChannelId, People, UserId
from bot.responders.people_cost import PeopleCost
from bot.responders.surge_rule import SurgeFigures
from bot.tools import control, directory  # noqa: F401 - registers the tools
from bot.tools.registry import REGISTRY, Tool, chosen, refuse_mistakes

Place = Annotated[str, Field(pattern=f"^(?:dm|{CHANNEL_ID})$")]
DM: Final = "dm"
"The key for direct messages in `tools_in`, whose other keys are channel ids."
AgentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
FILE, PROMPT, PLEAS = "card.yaml", "prompt.md", "pleas.yaml"


class Credentials(CardPart):
    """Names of the environment variables that hold this agent's secrets."""

    model: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")


class Admission(CardPart):
    """Whom the agent helps besides the full members of its workspace."""

    guest_policy: GuestPolicy = GuestPolicy.REFUSE
    accept_organisation: bool = False
    "Whether it helps members of the organisation's other workspaces (Enterprise)."

    @property
    def rules(self) -> Rules:
        """Return the rules for `bot.admission`."""
        return Rules(self.guest_policy, self.accept_organisation)


class Card(CardPart):
    """One agent."""

    name: AgentName
    inherits: tuple[AgentName, ...] = ()
    "Agents that have no folder any longer and whose tickets are now this one's: its people read and answer them."
    purpose: str = Field(pattern=r"\S")
    owners: tuple[UserId, ...] = Field(min_length=1)
    sponsor: str = Field(pattern=r"\S")
    status: AgentStatus = AgentStatus.ACTIVE
    review_by: date
    "Until when the card's last review holds; `deskhand agents review` records a later day."
    model: str = Field(min_length=1)
    credentials: Credentials
    channels: tuple[ChannelId, ...] = Field(min_length=1)
    "Help channels."
    mention: Literal["optional", "required"] = "optional"
    "Whether it listens there only to messages that mention it, or also to those that `pleas.yaml` takes for requests."
    direct_messages: bool = True
    "Whether it listens to direct messages; where several agents do, the writer chooses one."
    tools: tuple[str, ...] = Field(min_length=1)
    tools_in: dict[Place, tuple[str, ...]] = Field(default_factory=dict)
    "What a channel, or direct messages, may use, where that is less than the agent may use elsewhere."
    needs_account: tuple[str, ...] = ()
    "Tools for requesters with exactly one directory account. Without any, the directory is not read."
    categories: Categories
    "What a request may turn out to be, by name: who may choose it, and what is in scope."
    solved: Solved
    "What must be true before a ticket that the agent has resolved closes."
    accounts: AccountRules = AccountRules()
    "What it may do to an account without a person; by default it may lift no lock."
    approvals: dict[str, ApprovalTerms] = Field(default_factory=dict)
    "Tools that a person may approve, by name; a tool that needs an approval and is not here is a person's work."
    links: tuple[Link, ...] = ()
    "The only addresses that an answer may hold; each includes what is below its path."
    limits: TurnLimits = TurnLimits()
    per_person: PerPerson = PerPerson()
    admission: Admission = Admission()
    show_people: Literal["owners", "channel"] = "owners"
    "Who sees in `/agent-cost` what each person has spent: the agent's owners, or everybody in its channels."
    handoff: People
    people: PeopleCost = PeopleCost()
    surge: SurgeFigures = SurgeFigures()
    retention: RetentionTerms = RetentionTerms()
    evals: Passing = Passing()


@dataclass(frozen=True, slots=True)
class PleaWords:
    """How people say that they need an agent, by its `pleas.yaml`, in all languages; empty without that file."""

    pleas: tuple[LanguagePhrases, ...] = ()
    "Phrases that alone show that the writer needs the agent."
    topic: tuple[LanguagePhrases, ...] = ()
    "What the agent is about."
    near: tuple[LanguagePhrases, ...] = ()
    "Phrases that may be about that, or about much else."
    others: tuple[LanguagePhrases, ...] = ()
    "Phrases for somebody else's trouble, or for advice."


@dataclass(frozen=True, slots=True)
class Agent:
    """A card with what is beside it in its folder."""

    card: Card
    prompt: str
    tools: tuple[Tool, ...]
    folder: Path
    words: PleaWords = PleaWords()
    suite: str = ""
    "Fingerprint of the suite that was in its folder; without one no verdict is valid for it."
    files: Mapping[str, str] = field(default_factory=dict, compare=False)
    "The texts from which it was loaded, by the names of their files."

    @property
    def system(self) -> str:
        """Return the system prompt: the prompt file, and the addresses that the agent may give."""
        if not self.card.links:
            return self.prompt
        listed = "".join(f"- {link}\n" for link in self.card.links)
        return f"{self.prompt.rstrip()}\n\n# Addresses that you may give\n{listed}"

    def grants(self, channel: str, *, private: bool) -> tuple[Grant, ...]:
        """Return all grants that must allow a tool in a channel, or in a direct message."""
        own = Grant(f"agent:{self.card.name}", frozenset(self.card.tools))
        place = DM if private else channel
        narrower = self.card.tools_in.get(place)
        holder = "direct messages" if private else f"channel:{channel}"
        return (own,) if narrower is None else (own, Grant(holder, frozenset(narrower)))


def load(folder: Path) -> Agent:
    """Read an agent from its folder.

    Raises:
        ConfigError: a file is missing, a field is wrong, or a tool is declared wrong.
    """
    refuse_mistakes()
    file = folder / FILE
    files = {name: _text(folder / name) for name in (FILE, PROMPT)}
    card = config.parse(file, files[FILE], Card)
    tools = _tools(file, card)
    if card.name != folder.name:
        raise ConfigError(f"{file}: name: expected {folder.name}, the folder's name")
    for name in card.accounts.at_most:
        if name not in REGISTRY or REGISTRY[name].effect is not Effect.WRITE:
            raise ConfigError(f"{file}: accounts.at_most: {name} is no tool that writes")
    for named, why in approval_terms.mistakes(card.approvals, card.tools, card.handoff.approvers):
        raise ConfigError(f"{file}: {named}: {why}")
    strangers = set(card.handoff.approvers) - set(card.handoff.responders)
    if strangers:
        raise ConfigError(f"{file}: handoff.approvers: {', '.join(sorted(strangers))} not among the responders")
    if (folder / PLEAS).exists():
        files[PLEAS] = _text(folder / PLEAS)
    words = _words(folder / PLEAS)
    suite = suite_files.of_folder(folder, card.evals)
    return Agent(card, files[PROMPT], tools, folder, words, suite, files)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: cannot be read: {why_unreadable(error)}") from error


def _tools(file: Path, card: Card) -> tuple[Tool, ...]:
    """Return the tools of a card; the one that resolves is built from the card's categories."""
    try:
        tools, *_ = [chosen(names) for names in (card.tools, *card.tools_in.values())]
    except ConfigError as error:
        raise ConfigError(f"{file}: tools: {error}") from error
    wrong = dict(_wrong_of_accounts(card, tools))
    may_resolve = kinds.chosen_by("agent", card.categories)
    if control.RESOLVE in card.tools and not may_resolve:
        wrong["categories"] = "none may be chosen by the agent, expected at least one: it has the tool resolve"
    for named, why in wrong.items():
        raise ConfigError(f"{file}: {named}: {why}")
    return tuple(control.resolving(may_resolve, card.solved) if one.name == control.RESOLVE else one for one in tools)


def _wrong_of_accounts(card: Card, tools: Iterable[Tool]) -> Iterator[tuple[str, str]]:
    """Yield each mistake in what a card says of the tools that need an account: field and reason."""
    by_name, needing = {tool.name: tool for tool in tools}, set(card.needs_account)
    acting = {name for name, tool in by_name.items() if tool.acts_on_account or tool.effect is Effect.WRITE}
    if missing := sorted(acting - needing):
        yield "needs_account", f"{', '.join(missing)} missing: every tool that writes or acts on an account needs one"
    known = {name for name, tool in by_name.items() if tool.effect is not Effect.CONTROL}
    if odd := sorted(needing - known):
        yield "needs_account", f"{', '.join(odd)}: expected names of tools in tools, other than hand_off and resolve"
    if card.solved is Solved.ACCOUNT_ACTIVE and not needing:
        yield "solved", "account_active needs an account, and no tool in needs_account has one; expected agents_word"


def _words(file: Path) -> PleaWords:
    if not file.exists():
        return PleaWords()
    try:
        groups = phrases.load_groups(file)
        return PleaWords(**{group: tuple(languages.values()) for group, languages in groups.items()})
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError, re.error) as error:
        named = ", ".join(one.name for one in fields(PleaWords))
        raise ConfigError(f"{file}: expected {named}, by language, with phrases: {kind(error)}: {error}") from error


def load_all(folder: Path) -> dict[str, Agent]:
    """Read every agent under `config/agents/`, by name.

    Raises:
        ConfigError: one is wrong, there is none, or two listen to the same channel or inherit from the same agent.
    """
    folders = sorted(path.parent for path in (folder / "agents").glob(f"*/{FILE}"))
    if not folders:
        raise ConfigError(f"{folder / 'agents'}: no agent; expected <name>/{FILE}")
    agents = {one.name: load(one) for one in folders}
    check_together(agents)
    return agents


def check_together(agents: Mapping[str, Agent]) -> None:
    """Check what no card shows alone.

    Raises:
        ConfigError: two agents listen to the same channel or inherit from the same agent, or one to a queue channel.
    """
    heard: dict[str, str] = {}
    queues = {agent.card.handoff.queue_channel for agent in agents.values()}
    for agent in agents.values():
        for channel in agent.card.channels:
            if heard.setdefault(channel, agent.card.name) != agent.card.name:
                raise ConfigError(
                    f"{agent.folder / FILE}: channels: {channel} is {heard[channel]}'s, and each has one agent"
                )
            if channel in queues:
                raise ConfigError(f"{agent.folder / FILE}: channels: {channel} is a queue channel, for responders")
    check_heirs(agents)


def hearing_directly(agents: Mapping[str, Agent]) -> dict[str, Agent]:
    """Return the agents that listen to direct messages, by name: the active ones, or all if none is active."""
    hearing = {name: agent for name, agent in agents.items() if agent.card.direct_messages}
    at_work = {name: agent for name, agent in hearing.items() if agent.card.status == "active"}
    return at_work or hearing


def check_heirs(agents: Mapping[str, Agent]) -> None:
    """Check that each inherited agent is gone and has one heir.

    Raises:
        ConfigError: an inherited agent still has a folder, or has two heirs.
    """
    heirs: dict[str, str] = {}
    for agent in agents.values():
        for gone in agent.card.inherits:
            wrong = "is an agent of its own, expected one whose folder is gone" if gone in agents else ""
            if heirs.setdefault(gone, agent.card.name) != agent.card.name:
                wrong = f"is inherited by {heirs[gone]} already"
            if wrong:
                raise ConfigError(f"{agent.folder / FILE}: inherits: {gone} {wrong}")


def in_scope(agents: Mapping[str, Agent]) -> dict[str, tuple[str, ...]]:
    """Return the categories in scope, by agent; an inherited agent has those of its heir."""
    names = {name: agent for agent in agents.values() for name in (agent.card.name, *agent.card.inherits)}
    return {name: kinds.in_scope(agent.card.categories) for name, agent in names.items()}


def answering(agents: Mapping[str, Agent], name: str) -> Agent | None:
    """Return the agent that is responsible for another's tickets: itself, or its heir.

    None when its folder is gone and no card inherits from it: its tickets are then stranded.
    """
    return agents.get(name) or next((agent for agent in agents.values() if name in agent.card.inherits), None)
