"""The command that explains how the policy would decide on a call."""

import json
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from bot.cli.root import cli, known, reading_database, settings_to_look_at
from bot.principals import CHANNEL_ID, DIRECT_ID, USER_ID

if TYPE_CHECKING:
    from bot.agent.card import Agent
    from bot.casework.effective_right import EffectiveRight, RightQuestion
    from bot.settings import Settings
    from bot.tools.registry import Args, Tool

GIVEN, NOT_GIVEN, UNKNOWN = 0, 1, 2
"Exit codes: the call may run, it may not, and it is not known."


@cli.group("policy")
def policy_group() -> None:
    """Find out what the policy says, and why."""


@policy_group.command("explain")
@click.option("--user", required=True, help="Slack user id of the requester, such as U024BE7LH.")
@click.option("--channel", required=True, help="Slack id of the channel, or of a direct message, such as C061EG9SL.")
@click.option("--tool", "tool_name", required=True, help="Name of the tool.")
@click.option("--args", "arguments", default="{}", help="The tool's arguments, one JSON object; {} by default.")
@click.option("--agent", "name", help="The folder under config/agents/; by default the agent that hears the channel.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def policy_explain(*, user: str, channel: str, tool_name: str, arguments: str, name: str | None, as_json: bool) -> None:
    """Show whether a tool may run for a person in a channel, and which of the four rights is missing.

    It asks Slack and the directory, changes nothing, and says what it could not ask. Exit code 0 when the call may
    run, 1 when it may not, 2 when that is not known.
    """
    from bot import directory
    from bot.agent.release import release_of
    from bot.casework import effective_right
    from bot.casework.effective_right import RightQuestion, RightState
    from bot.slack.api import client as slack

    settings = settings_to_look_at()
    _check_ids(user, channel)
    agent = _agent(settings, name, channel)
    tool, given = _call(agent, tool_name, arguments)
    question = RightQuestion(agent, user, channel, channel.startswith("D"), tool, given)
    token = settings.slack_bot_token
    client = (
        None
        if token is None
        else slack.connect(token=token.get_secret_value(), base_url=settings.slack_api_url, network=settings.network)
    )
    with reading_database(settings) as database:
        right = effective_right.work_out(
            question, client=client, directory=directory.connect(database), database=database
        )
    digest = release_of(settings, agent).policy
    if as_json:
        click.echo(json.dumps(effective_right.as_json(question, right) | {"policy": digest}))
    else:
        click.echo(_as_text(question, right, digest))
    sys.exit({RightState.GIVEN: GIVEN, RightState.UNKNOWN: UNKNOWN}.get(right.verdict, NOT_GIVEN))


def _check_ids(user: str, channel: str) -> None:
    """Check that both are ids of Slack.

    Raises:
        click.BadParameter: one is not.
    """
    if re.fullmatch(USER_ID, user) is None:
        raise click.BadParameter(f"expected a Slack user id such as U024BE7LH, found {user!r}", param_hint="--user")
    if re.fullmatch(f"{CHANNEL_ID}|{DIRECT_ID}", channel) is None:
        what = f"expected the id of a channel or direct message such as C061EG9SL, found {channel!r}"
        raise click.BadParameter(what, param_hint="--channel")


def _agent(settings: "Settings", name: str | None, channel: str) -> "Agent":
    """Return the agent that is meant: the named one, or the one that hears the channel.

    Raises:
        ConfigError: no agent has the name, or none is named and it is not clear which one hears.
    """
    from bot.agent import card

    if name is None:
        agents = card.load_all(settings.deskhand_config).values()
        hearing = [agent for agent in agents if channel in agent.card.channels]
        if len(hearing) == 1:
            return hearing[0]
    return known(settings, name)


def _call(agent: "Agent", name: str, arguments: str) -> tuple["Tool", "Args"]:
    """Return the tool with this name, and its arguments after they were checked.

    Raises:
        ConfigError: no tool has the name.
        click.BadParameter: the arguments are wrong.
    """
    from bot.tools.registry import chosen

    own = {tool.name: tool for tool in agent.tools}
    tool = own[name] if name in own else chosen([name])[0]
    given: Any = None
    with suppress(ValueError, RecursionError):
        given = json.loads(arguments)
    if not isinstance(given, dict):
        raise click.BadParameter("expected one JSON object, such as '{}'", param_hint="--args")
    try:
        return tool, tool.parse(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--args") from error


def _as_text(question: "RightQuestion", right: "EffectiveRight", digest: str) -> str:
    """Return the intersection for a terminal."""
    from bot.casework.effective_right import RightState
    from bot.stories import plain_words

    words = {
        RightState.GIVEN: "may run",
        RightState.DENIED: "may not run",
        RightState.NOT_NEEDED: "has nothing to do",
        RightState.MISSING: "may run only after an approval",
        RightState.UNKNOWN: "is not known to be allowed: something could not be asked",
    }
    card, tool = question.agent.card, question.tool
    lines = [f"{tool.name} of {card.name}, for {question.user} in {question.channel}: {words[right.verdict]}.", ""]
    lines += [f"  {part.name:<10} {plain_words.plain(part.state):<11} {_plain(part.says)}" for part in right.parts]
    if right.decision is not None:
        said, rule = plain_words.decision(type(right.decision).__name__), right.decision.rule
        lines += ["", f"  By the policy's rule {rule} the call is {said}: {rule.sentence}"]
    return "\n".join([*lines, f"  Policy {digest[:12]}. Nothing was changed."])


def _plain(text: str) -> str:
    """Return a text without what would move the cursor of a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
