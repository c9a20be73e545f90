"""The questions of `deskhand init`, in their order; each answer is checked before the next question."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import click

from bot.agent import release
from bot.agent.card import Agent
from bot.cli.questions import Interviewer, SetupQuestion, listed
from bot.errors import ConfigError
from bot.principals import GROUP_ID
from bot.settings import Settings
from bot.setup import addresses, plan, workspace
from bot.setup.plan import Answers
from bot.setup.workspace import NotAnswered, Workspace
from bot.slack.api.lookups import ChannelSeen, PersonSeen

Answer = TypeVar("Answer")
Seen = TypeVar("Seen", ChannelSeen, PersonSeen)

KEPT = ("SLACK_API_URL", "ANTHROPIC_BASE_URL", "DESKHAND_MODEL")
"Variables that are not asked for, and go into `.env` when the environment has them."


@dataclass(frozen=True, slots=True)
class Given:
    """What the options say; an empty text means that nothing was said."""

    hear: str = ""
    help_channel: str = ""
    queue_channel: str = ""
    owner: str = ""
    responder: str = ""
    approver: str = ""
    on_call: str = ""
    time_zone: str = ""
    daily_cap: str = ""


@dataclass(frozen=True, slots=True)
class Interview:
    """One interview: where answers come from, and what has been found out."""

    interviewer: Interviewer
    settings: Settings
    agent: Agent
    given: Given
    variables: dict[str, str] = field(default_factory=dict)
    "What was answered for `.env`, by variable."
    warnings: list[str] = field(default_factory=list)

    def hold(self) -> Answers:
        """Ask everything, and return the checked answers.

        Raises:
            ConfigError: an answer is missing or wrong, and there is no terminal to ask on.
            click.Abort: somebody has pressed Ctrl-C.
        """
        enter = partial(workspace.enter, settings=self.settings)
        slack = self._variable("SLACK_BOT_TOKEN", "Bot token (xoxb-...)", enter)
        click.echo(f"  This is {slack.bot} in {slack.team}.", err=True)
        self._hear(slack)
        channels, queue = self._channels(slack)
        owners, responders, approvers = self._people(slack)
        on_call, zone = self._hours(slack, owners)
        cap = self._ask(
            SetupQuestion(
                "US dollars that each channel may spend a day",
                "--daily-cap",
                self.given.daily_cap,
                plan.daily_cap(self.settings),
                optional=True,
            ),
            lambda text: addresses.dollars(text) if text else "",
        )
        self._addresses()
        self.variables.update({name: os.environ[name] for name in KEPT if os.environ.get(name)})
        return Answers(
            channels, queue, _ids(owners), _ids(responders), _ids(approvers), on_call, zone, cap, self.variables
        )

    def _ask(self, question: SetupQuestion, check: Callable[[str], Answer]) -> Answer:
        return self.interviewer.ask(question, check)

    def _variable(
        self, name: str, words: str, check: Callable[[str], Answer], *, current: str = "", secret: bool = True
    ) -> Answer:
        """Ask for what `.env` is to hold under a name."""

        def checked(text: str) -> Answer:
            found = check(text)
            self.variables[name] = text
            return found

        return self._ask(SetupQuestion(words, name, current=os.environ.get(name) or current, secret=secret), checked)

    def _hear(self, slack: Workspace) -> None:
        settings = self.settings
        by_http = settings.slack_signing_secret is not None and settings.slack_app_token is None
        words = "How Slack reaches Deskhand: socket (no public address) or http"
        way = self._ask(SetupQuestion(words, "--hear", self.given.hear, "http" if by_http else "socket"), _way)
        if way == "socket":
            self._variable("SLACK_APP_TOKEN", "App-level token (xapp-...)", partial(workspace.app_token, slack))
        else:
            self._variable("SLACK_SIGNING_SECRET", "Signing secret", str)

    def _channels(self, slack: Workspace) -> tuple[tuple[str, ...], str]:
        card, given = self.agent.card, self.given
        now, names = _known(slack.channel, card.channels)
        words = "Help channels, in which people ask, by name"
        help_channels = self._ask(
            SetupQuestion(words, "--help-channel", given.help_channel, now, names), listed(slack.channel)
        )

        def queue_of(text: str) -> ChannelSeen:
            found = slack.channel(text)
            if found in help_channels:
                raise ConfigError(f"#{found.name} is a help channel; responders need a channel of their own")
            return found

        now, names = _known(slack.channel, [card.handoff.queue_channel])
        words = "Queue channel, for responders and owners alone, by name"
        queue = self._ask(SetupQuestion(words, "--queue-channel", given.queue_channel, now, names), queue_of)
        if not queue.private:
            self.warnings.append(
                f"#{queue.name} is public: direct messages are not shown there. A private one is better."
            )
        return tuple(one.id for one in help_channels), queue.id

    def _people(self, slack: Workspace) -> tuple[tuple[PersonSeen, ...], ...]:
        card, given, people = self.agent.card, self.given, listed(slack.person)
        now, names = _known(slack.person, card.owners)
        owners = self._ask(SetupQuestion("Owners, by e-mail address", "--owner", given.owner, now, names), people)
        now, names = _known(slack.person, card.handoff.responders)
        words = "Responders, by e-mail address"
        responders = self._ask(SetupQuestion(words, "--responder", given.responder, now, names), people)

        def approvers_of(text: str) -> tuple[PersonSeen, ...]:
            found = people(text)
            if others := [one.name for one in found if one not in responders]:
                raise ConfigError(f"expected some of the responders, found {', '.join(others)}")
            return found

        ids = _ids(responders)
        kept = card.handoff.approvers if ids == card.handoff.responders else ids
        now, names = _known(slack.person, kept)
        words = "Those of them who may also approve"
        approvers = self._ask(SetupQuestion(words, "--approver", given.approver, now, names), approvers_of)
        return owners, responders, approvers

    def _hours(self, slack: Workspace, owners: Sequence[PersonSeen]) -> tuple[str | None, str]:
        """Ask who is mentioned when a handoff is not claimed in time, and where the responders live."""
        handoff, given = self.agent.card.handoff, self.given
        is_ours = _ids(owners) == self.agent.card.owners  # otherwise the card still holds what it was shipped with
        words = "Mentioned when a handoff is not claimed in time: an e-mail or a group's id; empty: every responder"
        now = (handoff.on_call or "") if is_ours else ""
        on_call = self._ask(
            SetupQuestion(words, "--on-call", given.on_call, now, optional=True), partial(_person_or_group, slack)
        )
        zone = handoff.time_zone if is_ours else owners[0].time_zone or handoff.time_zone
        words = "Time zone of the responders"
        return on_call, self._ask(SetupQuestion(words, "--time-zone", given.time_zone, zone), addresses.time_zone)

    def _addresses(self) -> None:
        settings, key = self.settings, self.agent.card.credentials.model
        url = settings.database_url
        self._variable("DATABASE_URL", "Database", addresses.database, current=url, secret="@" in url)
        url, check = settings.redis_url, partial(addresses.redis, settings)
        self._variable("REDIS_URL", "Redis", check, current=url, secret="@" in url)
        model = release.model_of(settings, self.agent)
        self._variable(key, f"Key for {model}", partial(addresses.model_key, settings, model))


def _ids(people: Sequence[PersonSeen]) -> tuple[str, ...]:
    return tuple(one.id for one in people)


def _known(look_up: Callable[[str], Seen], ids: Sequence[str]) -> tuple[str, str]:
    """Return ids of the card as an answer, and their names; empty texts when they are not of this workspace.

    Raises:
        NotAnswered: Slack does not say whether they are.
    """
    try:
        found = [look_up(one) for one in ids]
    except NotAnswered:
        raise
    except ConfigError:
        return "", ""
    return ",".join(one.id for one in found), ", ".join(one.name for one in found)


def _way(text: str) -> str:
    if text not in ("socket", "http"):
        raise ConfigError(f"expected socket or http, found {text}")
    return text


def _person_or_group(slack: Workspace, text: str) -> str | None:
    if not text or re.fullmatch(GROUP_ID, text):
        return text or None
    return slack.person(text).id
