"""Says what the files of an installation become by what was answered; nothing is written here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from bot import configured_keys, env_file, file_changes
from bot.agent import card
from bot.agent.card import Agent, Card
from bot.budget import config
from bot.budget.caps import Budgets
from bot.cost_dimensions import NANO
from bot.delegation import keys
from bot.errors import ConfigError
from bot.file_changes import Change
from bot.principals import SecondStep
from bot.second_step import secret_box
from bot.settings import Settings
from bot.setup import yaml_edit

BUDGETS, EXAMPLE = "budgets.yaml", Path(".env.example")
"The file of the budgets in the configuration folder, and what a new `.env` is made from."


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered, checked."""

    channels: tuple[str, ...]
    queue_channel: str
    owners: tuple[str, ...]
    responders: tuple[str, ...]
    approvers: tuple[str, ...]
    on_call: str | None
    time_zone: str
    daily_cap: str
    "US dollars that each channel may spend a day; empty: as it is."
    variables: Mapping[str, str]
    "What `.env` is to hold, by variable."


def changes(settings: Settings, agent: Agent, answers: Answers, env: Path) -> tuple[Change, ...]:
    """Return the files that become other ones; none when everything is as answered.

    Args:
        settings: of this process, with what was answered.
        agent: the agent that is set up.
        answers: what was answered.
        env: the file of variables.

    Raises:
        ConfigError: an answer does not fit the rest of the configuration, or a file cannot be read or changed.
    """
    all_files = (_card(settings, agent, answers), _budgets(settings, answers), _env(settings, answers, env))
    return tuple(one for one in all_files if not one.is_none)


def files(settings: Settings, agent: Agent, env: Path) -> tuple[Path, ...]:
    """Return the files that `changes` may change."""
    return agent.folder / card.FILE, settings.deskhand_config / BUDGETS, env


def _card(settings: Settings, agent: Agent, answers: Answers) -> Change:
    file, text, now = agent.folder / card.FILE, agent.files[card.FILE], agent.card
    wanted: dict[yaml_edit.Place, tuple[yaml_edit.Value, yaml_edit.Value]] = {
        ("owners",): (now.owners, answers.owners),
        ("channels",): (now.channels, answers.channels),
        ("handoff", "queue_channel"): (now.handoff.queue_channel, answers.queue_channel),
        ("handoff", "responders"): (now.handoff.responders, answers.responders),
        ("handoff", "approvers"): (now.handoff.approvers, answers.approvers),
        ("handoff", "on_call"): (now.handoff.on_call, answers.on_call),
        ("handoff", "time_zone"): (now.handoff.time_zone, answers.time_zone),
    }
    values = {place: value for place, (known, value) in wanted.items() if value != known}
    after = yaml_edit.with_values(file, text, values)
    new = replace(agent, card=config.parse(file, after, Card))
    card.check_together({**card.load_all(settings.deskhand_config), new.card.name: new})
    return Change(file, text, after)


def _budgets(settings: Settings, answers: Answers) -> Change:
    file = settings.deskhand_config / BUDGETS
    text, known = env_file.text(file), daily_cap(settings)
    if answers.daily_cap in ("", known):
        return Change(file, text, text)
    if not known:
        raise ConfigError(f"{file}: channel.default: is no daily cap; write the new cap there")
    after = yaml_edit.with_values(file, text, {("channel", "default", "hard"): answers.daily_cap})
    config.parse(file, after, Budgets)
    return Change(file, text, after)


def _env(settings: Settings, answers: Answers, env: Path) -> Change:
    """Return what `.env` becomes; the keys that sign and that encrypt are made where there are none."""
    before = file_changes.read(env)
    text = (file_changes.read(EXAMPLE) or "") if before is None else before
    variables = {**answers.variables}
    for kind, written, file in (
        (keys.KIND, settings.deskhand_delegation_keys, settings.deskhand_delegation_keys_file),
        (secret_box.KIND, settings.deskhand_approver_key, settings.deskhand_approver_key_file),
    ):
        if written is None and file is None:
            variables[kind.variable] = configured_keys.generate(kind)
    known = {} if before is None else env_file.read(env)
    new = {name: value for name, value in variables.items() if known.get(name) != value}
    return Change(env, before, env_file.updated(env, text, new) if new else text, secret=True)


def without_app(agent: Agent, answers: Answers) -> tuple[str, ...]:
    """Return the approvers who can approve nothing until one of them has an authenticator app; none if they can."""
    steps = {
        terms.second_step_of(enrolled=False, approvers=len(answers.approvers))
        for terms in agent.card.approvals.values()
    }
    return answers.approvers if SecondStep.CODE in steps else ()


def daily_cap(settings: Settings) -> str:
    """Return what each channel may spend a day by the budgets, in US dollars; empty when there is no daily cap.

    Raises:
        ConfigError: the file is wrong.
    """
    cap = Budgets.load(settings.deskhand_config / BUDGETS).channel.default
    return "" if cap is None or cap.window != "day" else f"{Decimal(cap.hard) / NANO:.2f}"
