"""From Slack into the dashboard and nobody else: commands, App Home, and the web process, one after another."""

import json
from typing import Any

import pytest

from bot.store.schema import AuditRow, DashboardLink, Message, MessageState
from tests.support.dashboard_visits import PUBLIC, VisitedAddress
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.workspace_names import HELP, RANDOM

OWNER, RESPONDER, REQUESTER = "U0OLIVIA", "U0PRIYA", "U0MAYA"
START = f"{PUBLIC}/dashboard/open?link="


@pytest.fixture(autouse=True)
def _model_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker have the key that the agent's card names."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-the-model")


def asked(house: FrontDoor, user: str, command: str, text: str = "", channel: str = HELP) -> list[str]:
    """Let a person send a command and a worker answer it; return the links that they alone see."""
    house.act("command", user, channel=channel, command=command, text=text)
    house.work()
    return links(house.sees(user)["ephemeral"])


def links(shown: Any) -> list[str]:
    """Return every link to the dashboard in something that is shown."""
    if isinstance(shown, dict):
        return [url for key, value in shown.items() for url in ([value] if is_link(key, value) else links(value))]
    return [url for value in shown for url in links(value)] if isinstance(shown, list) else []


def is_link(key: str, value: object) -> bool:
    """Return whether a field is the address of a link."""
    return key == "url" and isinstance(value, str) and value.startswith(START)


def opens(visit: VisitedAddress, address: str) -> int:
    """Open a link's page and press its button; return the status of the dashboard afterwards."""
    path = address.removeprefix(PUBLIC)
    assert visit.get(path).status == 200
    return visit.get("/dashboard", visit.press("/dashboard/open", {"link": address.removeprefix(START)}).cookie).status


@pytest.mark.parametrize("command", ["/agent-eval", "/agent-cost"])
@pytest.mark.parametrize("user", [OWNER, RESPONDER])
def test_answer_to_a_command_holds_a_link_that_works(
    house: FrontDoor, visit: VisitedAddress, command: str, user: str
) -> None:
    """Owners and responders get one link in the answer that they alone see, and it opens the dashboard."""
    [address] = asked(house, user, command)
    assert opens(visit, address) == 200
    [made] = [row for row in house.rows(AuditRow) if row.event == "dashboard.link_made"]
    assert (made.actor, made.record["link"]) == (user, address.removeprefix(START).split(".")[1])


@pytest.mark.parametrize("command", ["/agent-eval", "/agent-cost"])
def test_others_get_no_link(house: FrontDoor, command: str) -> None:
    """A requester's answer has none, and none is made."""
    assert asked(house, REQUESTER, command) == []
    assert house.rows(DashboardLink) == []


@pytest.mark.parametrize(("command", "text"), [("/agent-eval", "help"), ("/agent-eval", "none"), ("/agent-cost", "x")])
def test_only_a_report_holds_a_link(house: FrontDoor, command: str, text: str) -> None:
    """Usage and misunderstandings have none."""
    assert asked(house, OWNER, command, text) == []


def test_owner_who_is_a_guest_by_now_gets_no_link(house: FrontDoor) -> None:
    """Whoever may not look gets no link, whatever else they are told."""
    house.slack_says(OWNER, is_restricted=True)
    assert asked(house, OWNER, "/agent-cost") == []
    assert house.rows(DashboardLink) == []


def test_link_is_shown_to_one_person_alone_and_kept_nowhere(house: FrontDoor) -> None:
    """Nobody else sees it, no channel holds it, and once Slack has it our database does not."""
    [address] = asked(house, OWNER, "/agent-eval", channel=RANDOM)
    token = address.removeprefix(START)
    for user in (RESPONDER, REQUESTER, "U0BEN"):
        assert token not in json.dumps(house.sees(user))
    assert token not in json.dumps(house.sees(OWNER)["messages"])
    [answer] = [row for row in house.rows(Message) if row.key.startswith("response:")]
    assert answer.state is MessageState.POSTED
    assert token not in json.dumps(answer.body)
    assert "dashboard" not in json.dumps(answer.body)
    assert token.rpartition(".")[2] not in json.dumps([row.record for row in house.rows(AuditRow)])


def test_without_a_public_address_nothing_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str
) -> None:
    """Neither commands nor homes mention a dashboard that is not there."""
    monkeypatch.delenv("DESKHAND_PUBLIC_URL", raising=False)
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url) as front:
        assert asked(front, OWNER, "/agent-eval") == []
        front.act("home", OWNER)
        front.work()
        seen = front.sees(OWNER)
        assert "dashboard" not in json.dumps([seen["ephemeral"], seen["home"]]).lower()


def at_home(house: FrontDoor, user: str) -> list[str]:
    """Let a person open their home; return the ids of its buttons."""
    house.act("home", user)
    house.work()
    blocks = house.sees(user)["home"]["blocks"]
    return [one["action_id"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


def press_at_home(house: FrontDoor, user: str) -> None:
    """Press the button for the dashboard in the home."""
    home = house.sees(user)["home"]
    [block] = [one["block_id"] for one in home["blocks"] if "dashboard.open" in json.dumps(one)]
    house.act("click", user, view_id=home["id"], block_id=block, action_id="dashboard.open")
    house.work()


@pytest.mark.parametrize("user", [OWNER, RESPONDER])
def test_home_has_a_button_and_its_press_a_link(house: FrontDoor, visit: VisitedAddress, user: str) -> None:
    """The home itself holds no link; each press makes a fresh one, in a view that its presser alone sees."""
    assert at_home(house, user)[0] == "dashboard.open"
    assert links(house.sees(user)["home"]) == []
    press_at_home(house, user)
    [address] = links(house.sees(user)["view"])
    assert opens(visit, address) == 200
    press_at_home(house, user)
    [another] = links(house.sees(user)["view"])
    assert another != address


def test_home_of_others_has_no_button(house: FrontDoor) -> None:
    """A requester is not offered what they may not see."""
    assert at_home(house, REQUESTER) == []


@pytest.mark.parametrize("change", ["role", "left"])
def test_forged_press_makes_no_link(house: FrontDoor, change: str) -> None:
    """A press of somebody who may not look, from whatever their browser still shows, is answered in words."""
    user = REQUESTER if change == "role" else OWNER
    if change == "left":
        house.leaves(user)
    person = {"user": {"id": user, "team_id": "T0DESKHAND"}, "team": {"id": "T0DESKHAND"}, "api_app_id": "A0"}
    pressed = {"action_id": "dashboard.open", "type": "button", "block_id": "b", "value": "-"}
    where = {"container": {"type": "view", "view_id": "V0"}, "trigger_id": "T.1"}
    assert house.payload({**person, **where, "type": "block_actions", "actions": [pressed]})[0] == 200
    assert house.rows(DashboardLink) == []
    [(told, text)] = house.only()
    assert (told, "dashboard" in text) == (user, False)
    assert text


def test_press_of_a_link_is_acknowledged(house: FrontDoor) -> None:
    """Slack tells us of it, and is answered 200 although there is nothing to do."""
    person = {"user": {"id": OWNER, "team_id": "T0DESKHAND"}, "team": {"id": "T0DESKHAND"}, "api_app_id": "A0"}
    pressed = {"action_id": "dashboard.followed", "type": "button", "block_id": "b"}
    where = {"container": {"type": "message", "message_ts": "1.1", "channel_id": HELP}, "trigger_id": "T.2"}
    before = house.kept()
    assert house.payload({**person, **where, "type": "block_actions", "actions": [pressed]})[0] == 200
    assert house.kept() == before
