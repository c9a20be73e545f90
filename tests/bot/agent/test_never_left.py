"""What a call to the model costs when it fails: nothing before it has begun to leave, its worst case after.

Each error is made by a real client over real sockets; `heard` is what reached the other end.
"""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from bot.agent import model
from bot.agent.loop import NeedsPerson
from bot.agent.model import Prompt, connect, counter, knows
from bot.agent.retries import TRIES
from bot.errors import ConfigError, DeskhandError, OutcomeUnknown, Refused, Transient
from bot.network import DIRECT, Network
from bot.principals import Reason
from bot.store.schema import LedgerRow
from tests.support.agent_office import Office, play_attempt
from tests.support.peers import ESTABLISHED, Peer, falls_silent, hangs_up, http_refusal, listening, resets, says
from tests.support.redis_servers import free_port

VENDOR = "https://vendor.example"
"Its name is never looked up: a proxy would do that."
PATIENT, SHORT = 60.0, 0.5
"Longest wait of a call in seconds: for a peer that does something, and for one that is silent."


def deaf(connection: socket.socket, peer: Peer) -> None:
    """Take the first bytes of a request, and no more."""
    peer.heard.append(connection.recv(16))
    time.sleep(3 * SHORT)


def prompt(text: str = "I am locked out") -> Prompt:
    """Return something to ask."""
    return Prompt("stand-in-1", "Be kind.", (), ({"role": "user", "content": text},), 300)


def failure(
    url: str = VENDOR,
    *,
    network: Network = DIRECT,
    key: str = "k",
    asked: Prompt | None = None,
    seconds: float = PATIENT,
) -> DeskhandError:
    """Return what a call raises."""
    with pytest.raises(DeskhandError) as caught:
        connect(api_key=key, base_url=url, network=network, timeout=seconds)(asked or prompt())
    return caught.value


def through(proxy: str) -> Network:
    """Return the way to the vendor by a proxy, as an operator sets it."""
    return Network.read({"HTTPS_PROXY": proxy})


PROXIES = {
    **{f"refuses with {status}": says(http_refusal(status)) for status in (403, 407, 502)},
    "speaks nonsense": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "hangs up": hangs_up,
    "breaks off": resets,
    "never answers": falls_silent(),
    "connects, and the other end hangs up": says(ESTABLISHED),
    "connects, and the other end speaks no TLS": says(ESTABLISHED, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "connects, and the other end never answers": falls_silent(ESTABLISHED),
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_that_does_not_let_through_costs_nothing(name: str) -> None:
    """It is worth another try, whatever the proxy did with CONNECT and whatever came of TLS behind it."""
    with listening(PROXIES[name]) as proxy:
        error = failure(network=through(proxy.url), seconds=SHORT if "never answers" in name else PATIENT)
        assert type(error) is Transient
        while not proxy.heard:  # it listens in a thread of its own
            time.sleep(0.005)
        assert proxy.heard[0].startswith(b"CONNECT vendor.example:443 ")
        assert proxy.posts == 0


def test_no_way_to_the_vendor_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is closed, the proxy's too; no TLS at the other end; a name that is unknown; no answer in time."""
    closed = f"127.0.0.1:{free_port()}"
    assert type(failure(f"http://{closed}")) is Transient
    for treat, seconds in ((says(b"hello\r\n"), PATIENT), (hangs_up, PATIENT), (falls_silent(), SHORT)):
        with listening(treat) as peer:
            assert type(failure(f"https://127.0.0.1:{peer.port}", seconds=seconds)) is Transient
    for error in (socket.gaierror(-2, "Name or service not known"), TimeoutError(), OSError(24, "Too many open files")):
        with monkeypatch.context() as patch:
            patch.setattr(socket, "create_connection", raising(error))
            assert type(failure("http://vendor.example")) is Transient
    assert type(failure(network=through(f"http://{closed}"))) is Transient


def raising(error: Exception) -> Callable[..., None]:
    """Return a function that fails."""

    def fail(*_given: Any, **_named: Any) -> None:
        raise error

    return fail


def test_a_call_that_finds_no_free_connection_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before it is still waiting for its answer."""
    monkeypatch.setattr(model, "CONNECT_SECONDS", SHORT / 10)
    over = threading.Event()

    def waits(connection: socket.socket, peer: Peer) -> None:
        peer.read(connection)
        over.wait(PATIENT)

    with listening(waits) as peer, ThreadPoolExecutor(1) as thread:
        call = connect(api_key="k", base_url=peer.url, network=DIRECT, timeout=PATIENT, connections=1)
        first = thread.submit(call, prompt())
        while not peer.heard:
            time.sleep(0.005)
        with pytest.raises(Transient) as caught:
            call(prompt())
        over.set()
        assert type(first.exception()) is OutcomeUnknown
        assert (type(caught.value), peer.posts) == (Transient, 1)


@pytest.mark.parametrize(
    ("scheme", "key", "text", "reason"),
    [
        ("http://", "se\ncret", "x", Reason.MODEL_UNAVAILABLE),
        ("ftp://", "secret", "x", Reason.MODEL_UNAVAILABLE),
        ("", "secret", "x", Reason.MODEL_UNAVAILABLE),
        ("http://", "secret", "half a pair \ud83d", Reason.ERROR),
    ],
)
def test_what_cannot_be_sent_is_a_persons_work(scheme: str, key: str, text: str, reason: Reason) -> None:
    """A key that is no header, an address that is none, a text that is no UTF-8: to ask again would not help."""
    with listening(hangs_up) as peer:
        error = failure(f"{scheme}127.0.0.1:{peer.port}", key=key, asked=prompt(text))
        assert isinstance(error, Refused)
        assert error.reason == reason
        assert peer.posts == 0
    assert str(error).removeprefix("the model cannot be asked: its ") in {
        "key or its address holds what HTTP does not allow",
        "request could not be made",
    }


LEFT = {
    "no word": hangs_up,
    "broken off": resets,
    "silence": falls_silent(),
    "nonsense": says(b"hello\r\n\r\n"),
    "half a header": says(b"HTTP/1.1 200 OK\r\ncontent-ty"),
    "half an answer": says(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\ncontent-type: text/event-stream\r\n\r\nevent: "),
    **{f"a page that says {status}": says(http_refusal(status)) for status in (408, 502, 504)},
}


@pytest.mark.parametrize("name", LEFT)
def test_what_has_left_without_the_vendors_answer_may_be_billed(name: str) -> None:
    """The request was heard, and nobody can say what became of it."""
    with listening(LEFT[name]) as peer:
        assert type(failure(peer.url, seconds=SHORT if name == "silence" else PATIENT)) is OutcomeUnknown
        while not peer.heard:  # it listens in a thread of its own
            time.sleep(0.005)
        assert peer.posts == 1


def test_what_was_cut_off_half_way_may_be_billed() -> None:
    """A prompt that is not taken to its end."""
    with listening(deaf) as peer:
        assert type(failure(peer.url, asked=prompt("x" * 20_000_000), seconds=SHORT)) is OutcomeUnknown


@pytest.mark.parametrize("status", [403, 407, 429, 503, 522])
def test_a_proxys_page_that_says_no_costs_nothing(status: int) -> None:
    """It was not let through, or there was no way on: not in the vendor's shape, and yet sure."""
    with listening(says(http_refusal(status))) as peer:
        assert type(failure(peer.url)) in {Transient, Refused}


def test_a_proxy_that_wants_a_password_is_no_wrong_key() -> None:
    """Over plain HTTP it answers the request itself, and the request was not passed on."""
    with listening(says(http_refusal(407))) as proxy:
        error = failure("http://vendor.example", network=Network.read({"HTTP_PROXY": proxy.url}))
    assert type(error) is Transient
    assert "(HTTP_PROXY) wants a user name and a password" in str(error)


def test_turns_without_a_way_out_fill_no_channel(office: Office) -> None:
    """Each is handed off because the model is away; every row costs nothing, and nothing is held in the channel."""
    account = office.account("kim")
    with listening(says(http_refusal(403))) as proxy:
        call = connect(api_key="k", base_url=VENDOR, network=through(proxy.url), timeout=PATIENT)
        runtime = office.runtime(call, hard="0.03")  # two worst cases
        for _ in range(3):
            outcome = play_attempt(runtime, office.begin(office.asks()), account)
            assert isinstance(outcome, NeedsPerson)
            assert outcome.reason == Reason.MODEL_UNAVAILABLE
    with office.database.read() as session:
        rows = session.execute(select(LedgerRow.state, LedgerRow.cost_nusd)).all()
    assert [tuple(row) for row in rows] == [("settled", 0)] * 3 * TRIES


def test_a_count_and_a_look_fail_as_a_call_does() -> None:
    """They cost nothing, and say the same of what stood in their way."""
    with listening(says(http_refusal(407))) as proxy:
        network = through(proxy.url)
        with pytest.raises(Transient, match="could not be reached"):
            counter(api_key="k", base_url=None, network=network, timeout=PATIENT)(prompt())
        with pytest.raises(Transient, match="could not be reached"):
            knows("m", api_key="k", base_url=None, network=network, timeout=PATIENT)
    with listening(hangs_up) as peer:
        with pytest.raises(Refused, match="cannot be asked"):
            counter(api_key="k\n", base_url=peer.url, network=DIRECT, timeout=PATIENT)(prompt())
        with pytest.raises(Refused, match="cannot be asked"):
            knows("m", api_key="k\n", base_url=peer.url, network=DIRECT, timeout=PATIENT)


def test_an_address_that_is_none_refuses_to_start() -> None:
    """The variable is named."""
    with pytest.raises(ConfigError, match="ANTHROPIC_BASE_URL"):
        connect(api_key="k", base_url="http://[::1", network=DIRECT, timeout=PATIENT)
