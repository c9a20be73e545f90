"""The Web API as the house calls it: `bot.slack.api.client`, against a served workspace."""

import socket
import ssl
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.errors import DeskhandError, OutcomeUnknown, Transient
from bot.network import DIRECT, Network
from bot.slack.api import client as slack
from bot.slack.api import response_urls
from bot.slack.api.client import SlackMember, WebClient
from bot.slack.outbox import enclosures
from tests.support.local_workspace import LocalWorkspace
from tests.support.peers import ESTABLISHED, Peer, falls_silent, hangs_up, http_refusal, listening, says
from tests.support.redis_servers import free_port

POST = "chat.postMessage"


def fault(workspace: LocalWorkspace, kind: str, **more: Any) -> None:
    """Let the next post go wrong."""
    workspace.faults({"method": POST, "kind": kind, **more})


def post(client: WebClient) -> dict[str, Any]:
    """Say something in the help channel."""
    return slack.call(client.chat_postMessage, channel="C0HELP", text="hello")


def failure(client: WebClient) -> DeskhandError:
    """Return what saying something raises."""
    with pytest.raises(DeskhandError) as raised:
        post(client)
    return raised.value


def tries(workspace: LocalWorkspace) -> int:
    """Return how often a post reached Slack."""
    return [entry["name"] for entry in workspace.get("/sandbox/log")].count(POST)


def test_a_call_returns_what_slack_says(workspace: LocalWorkspace, client: WebClient) -> None:
    """Place and time of a message come back."""
    answer = post(client)
    assert (answer["channel"], answer["message"]["text"]) == ("C0HELP", "hello")
    assert answer["ts"] in workspace.world.state.channels["C0HELP"].messages


def test_certificates_are_read_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call over HTTPS reads the trusted certificates again, which takes 20 ms of CPU; each call checks Slack's."""
    trusted, read = DIRECT.certificates(), list[str]()
    assert (trusted.verify_mode, trusted.check_hostname) == (ssl.CERT_REQUIRED, True)
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_: read.append("again"))
    api = f"https://127.0.0.1:{free_port()}/api/"
    client = slack.connect(token="xoxb-any", base_url=api, network=DIRECT)
    assert type(failure(client)) is Transient
    with pytest.raises(Transient):
        response_urls.respond(client, f"{api}answers/1", {"text": "hello"})
    with pytest.raises(Transient):
        enclosures._send(client, f"{api}upload", b"hello")
    assert read == []


def test_a_rate_limit_is_worth_another_try_when_slack_says(workspace: LocalWorkspace, client: WebClient) -> None:
    """The wait that Slack asks for is passed on, and nothing is tried in between."""
    fault(workspace, "rate_limit", seconds=7)
    error = failure(client)
    assert (type(error), getattr(error, "retry_after", None)) == (Transient, 7.0)
    assert tries(workspace) == 1


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        (None, 1.0),
        ("", 1.0),
        ("soon", 1.0),
        ("nan", 1.0),
        ("inf", 1.0),
        ("-3", 0.0),
        ("9e9", 600),
    ],
)
def test_whatever_slack_asks_us_to_wait_can_be_waited(after: str | None, seconds: float) -> None:
    """A wait that makes no sense is short, one without end has one."""
    headers = {} if after is None else {"Retry-After": after}
    response: Any = SlackResponse(
        client=None,
        http_verb="POST",
        api_url="",
        req_args={},
        data={"error": "ratelimited"},
        headers=headers,
        status_code=429,
    )
    error = slack.translated(SlackApiError("no", response))  # type: ignore[no-untyped-call]
    assert (type(error), getattr(error, "retry_after", None)) == (Transient, seconds)


@pytest.mark.parametrize("code", ["service_unavailable", "request_timeout", "ratelimited"])
def test_slacks_own_trouble_is_worth_another_try(workspace: LocalWorkspace, client: WebClient, code: str) -> None:
    """Slack names it, and has done nothing."""
    fault(workspace, "fail", error=code)
    assert type(failure(client)) is Transient


@pytest.mark.parametrize("code", ["invalid_auth", "not_allowed_token_type", "account_inactive", "missing_scope"])
def test_what_an_operator_mends_waits_until_then(workspace: LocalWorkspace, client: WebClient, code: str) -> None:
    """A wrong token or a missing right is ours: what is owed is not given up for it."""
    fault(workspace, "fail", error=code)
    assert isinstance(failure(client), Transient)
    fault(workspace, "fail", error=code)
    assert type(failure(client)) is slack.NotAuthorized


@pytest.mark.parametrize("code", ["fatal_error", "internal_error"])
def test_what_slack_may_have_done_is_looked_up_first(workspace: LocalWorkspace, client: WebClient, code: str) -> None:
    """Slack says itself that some of it may have succeeded."""
    fault(workspace, "fail", error=code)
    assert type(failure(client)) is OutcomeUnknown


@pytest.mark.parametrize("kind", ["drop_answer", "http_500"])
def test_a_lost_answer_leaves_the_outcome_unknown(workspace: LocalWorkspace, client: WebClient, kind: str) -> None:
    """It may have been done, so it is tried once and not again by itself."""
    fault(workspace, kind)
    assert type(failure(client)) is OutcomeUnknown
    assert tries(workspace) == 1


def test_a_slow_answer_leaves_the_outcome_unknown(workspace: LocalWorkspace, client: WebClient) -> None:
    """No call waits for ever."""
    fault(workspace, "slow", seconds=5)
    client.timeout = 2  # connecting needs less, however busy the machine is
    assert type(failure(client)) is OutcomeUnknown
    until = time.monotonic() + 5
    while not tries(workspace) and time.monotonic() < until:  # it is still being done
        time.sleep(0.01)


def test_a_refused_connection_is_worth_another_try() -> None:
    """Nobody has heard anything."""
    client = slack.connect(token="xoxb-local", base_url=f"http://127.0.0.1:{free_port()}/api/", network=DIRECT)
    assert type(failure(client)) is Transient


@pytest.mark.parametrize(
    "treat",
    [
        says(http_refusal(403)),
        says(http_refusal(407)),
        hangs_up,
        falls_silent(),
        says(ESTABLISHED, b"no TLS"),
        says(ESTABLISHED),
    ],
    ids=["403", "407", "hangs up", "silent", "no TLS behind it", "nothing behind it"],
)
def test_a_proxy_that_does_not_let_through_is_worth_another_try(
    treat: Callable[[socket.socket, Peer], None],
) -> None:
    """Slack has heard nothing: there is nothing to look for before it is said again."""
    with listening(treat) as proxy:
        network = Network.read({"HTTPS_PROXY": proxy.url})
        client = slack.connect(token="xoxb-local", base_url="https://slack.example/api/", seconds=1, network=network)
        assert type(failure(client)) is Transient
        assert proxy.heard[0].startswith(b"CONNECT slack.example:443 ")
        assert proxy.posts == 0


def test_a_token_that_is_no_header_is_worth_another_try() -> None:
    """An operator mends it, and nothing has left until then."""
    with listening(hangs_up) as peer:
        client = slack.connect(token="xoxb-é\u0142", base_url=f"{peer.url}/api/", network=DIRECT)
        assert type(failure(client)) is Transient
        assert peer.posts == 0


def test_a_request_that_was_heard_leaves_the_outcome_unknown() -> None:
    """It was read to its end, and no answer came."""
    with listening(hangs_up) as peer:
        client = slack.connect(token="xoxb-local", base_url=f"{peer.url}/api/", network=DIRECT)
        assert type(failure(client)) is OutcomeUnknown
        assert peer.posts == 1


@pytest.mark.parametrize("code", ["channel_not_found", "invalid_blocks", "is_archived"])
def test_a_refusal_is_for_good_and_names_its_code(workspace: LocalWorkspace, client: WebClient, code: str) -> None:
    """What Slack will never take is told apart by Slack's own name."""
    fault(workspace, "fail", error=code)
    error = failure(client)
    assert isinstance(error, slack.Rejected)
    assert (error.code, str(error)) == (code, f"slack: {code}")


def test_a_person_is_read_as_slack_knows_them(workspace: LocalWorkspace, client: WebClient) -> None:
    """A name to speak under; a deactivated one is not usable, an unknown id is nobody."""
    found = slack.person(client, "U0MAYA")
    assert isinstance(found, SlackMember)
    assert (found.id, found.name, found.usable) == ("U0MAYA", "Maya Okafor", True)
    assert slack.person(client, "U0NOBODY") is None
    assert workspace.send("/sandbox/user", {"user": "U0MAYA", "deleted": True})["ok"]
    gone = slack.person(client, "U0MAYA")
    assert gone is not None
    assert not gone.usable


def test_a_person_who_cannot_be_asked_for_is_an_error(workspace: LocalWorkspace, client: WebClient) -> None:
    """A refusal is not mistaken for a missing person."""
    workspace.faults({"method": "users.info", "kind": "fail", "error": "team_access_not_granted"})
    with pytest.raises(slack.Rejected, match="team_access_not_granted"):
        slack.person(client, "U0MAYA")


@pytest.mark.parametrize("fault", [None, {"kind": "fail"}, {"kind": "http_500"}, {"kind": "rate_limit"}])
def test_a_card_does_not_wait_for_a_link(
    workspace: LocalWorkspace, client: WebClient, fault: dict[str, Any] | None
) -> None:
    """A message's address is given when Slack gives it, and nothing otherwise."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    if fault is not None:
        workspace.faults({"method": "chat.getPermalink", **fault})
    link = slack.permalink(client, "C0HELP", ts)
    assert link == (None if fault else f"{workspace.base}/archives/C0HELP/p{ts.replace('.', '')}")


@pytest.mark.parametrize("answer", [b"\x1f\x8b", "ok", None, []])
def test_an_answer_that_is_no_object_leaves_the_outcome_open(answer: object) -> None:
    """The SDK passes on what is compressed, for example; what was asked for may have been done."""
    with pytest.raises(OutcomeUnknown, match="no JSON object"):
        slack.call(lambda: SimpleNamespace(data=answer))
