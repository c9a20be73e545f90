"""The Slack manifest asks for what the code uses, no more and no less."""

import re

import yaml

from bot.cost_dimensions import DIMENSIONS, WINDOWS
from bot.sandbox.methods import METHODS
from bot.slack.reports import evaluations
from jobs.eval_answers import EvalVerb
from tests.support.paths import MANIFEST, ROOT

ASKED = yaml.safe_load(MANIFEST.read_text())
SPOKEN = "\n".join(
    file.read_text() for folder in ("bot/slack", "jobs", "bot/listeners") for file in (ROOT / folder).rglob("*.py")
)
HEARD = "\n".join(file.read_text() for file in (ROOT / "bot/listeners").glob("*.py"))
READS = {"channels:read", "groups:read"}
"`conversations.info` and `conversations.members`, of queue channels, which are no direct messages."
HISTORIES = {"channels:history", "groups:history", "im:history"}
"A message event, and a look for a message in doubt, in each kind of conversation that we hear."


def test_scopes_are_those_of_the_methods_and_events_that_the_code_uses() -> None:
    """Each scope is needed by a Web API method that we call or an event that we hear."""
    called = {name.replace("_", ".") for name in re.findall(r"(?:client|slack)\.([a-z]+_[a-zA-Z_]+)\b", SPOKEN)} & set(
        METHODS
    )
    assert {"chat.postMessage", "chat.update", "chat.postEphemeral", "users.info", "views.open"} <= called
    needed = {scope for name in called for scope in METHODS[name].scopes}
    assert {"conversations.info", "conversations.members"} <= called
    needed |= READS
    needed |= HISTORIES  # message.*, conversations.replies and conversations.history
    needed |= {"app_mentions:read", "commands", "users:read.email", "chat:write.customize"}
    needed.add("assistant:write")  # Slack gives it to every app that is declared an agent
    assert set(ASKED["oauth_config"]["scopes"]["bot"]) == needed


def test_every_event_command_and_shortcut_has_a_listener_and_the_reverse() -> None:
    """What Slack is told to send is what somebody listens to."""
    listened = set(re.findall(r'@app\.event\("(\w+)"\)', HEARD))
    subscribed = {name.partition(".")[0] for name in ASKED["settings"]["event_subscriptions"]["bot_events"]}
    assert listened == subscribed
    commands = {entry["command"] for entry in ASKED["features"]["slash_commands"]}
    assert commands == set(re.findall(r'"(/agent-\w+)"', HEARD))
    shortcuts = {entry["callback_id"] for entry in ASKED["features"]["shortcuts"]}
    assert shortcuts == set(re.findall(r'@app\.shortcut\("(\w+)"\)', HEARD))


def test_the_home_tab_is_on() -> None:
    """Slack shows people the home that we publish, beside their conversation with the bot."""
    tabs = ASKED["features"]["app_home"]
    assert (tabs["home_tab_enabled"], tabs["messages_tab_enabled"]) == (True, True)


def test_new_apps_get_the_agent_view() -> None:
    """Slack no longer gives new apps the assistant view."""
    assert "agent_view" in ASKED["features"]
    assert "assistant_view" not in ASKED["features"]


def test_the_hint_of_agent_eval_names_what_it_takes() -> None:
    """Each thing that may be asked is in the hint and in the usage: whoever adds one finds it there."""
    [hint] = [one["usage_hint"] for one in ASKED["features"]["slash_commands"] if one["command"] == "/agent-eval"]
    usage = evaluations.usage("/agent-eval")["text"]
    for verb in EvalVerb:
        assert re.search(rf"\b{verb}\b", hint), verb
        assert f"• `{verb}" in usage, verb


def test_the_hint_of_agent_cost_names_what_it_takes() -> None:
    """Every window, a day as people say it, and every dimension: whoever adds one finds it in the hint."""
    [hint] = [one["usage_hint"] for one in ASKED["features"]["slash_commands"] if one["command"] == "/agent-cost"]
    windows = "|".join("today" if window == "day" else window for window in WINDOWS)
    assert hint == f"[{windows}] [by {'|'.join(DIMENSIONS)}]"
