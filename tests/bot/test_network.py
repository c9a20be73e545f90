"""One rule for all: by which proxy each client of the house reaches others, and whose certificates it trusts.

Each client is the real one, over real sockets: a forward proxy, and behind it a server with a certificate of a private
authority. Every name leads to this machine, so that what NO_PROXY says of a name can be seen.
"""

import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import logs
from bot.errors import ConfigError, Transient
from bot.logs import described
from bot.network import DIRECT, Network
from bot.settings import Settings
from tests.support import private_ca
from tests.support.forward_proxy import Everybody, ForwardProxy, everybody, forwarding
from tests.support.network_clients import CLIENTS
from tests.support.private_ca import PrivateCa
from tests.support.redis_servers import free_port

HOST = "slack.example"
SECRET = "p@ss/w:rd%"
IN_ADDRESS = "p%40ss%2Fw%3Ard%25"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass
class World:
    """A proxy, and everybody behind it under every name."""

    ca: PrivateCa
    everybody: Everybody
    proxy: ForwardProxy

    def base(self, host: str = HOST) -> str:
        """Return the address of everybody under a name."""
        return f"https://{host}:{self.everybody.port}"

    def filled(self, text: str) -> str:
        """Fill the proxy's address into the value of a variable."""
        return text.format(proxy=f"127.0.0.1:{self.proxy.port}", port=self.everybody.port)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    """Make one authority."""
    return private_ca.make(tmp_path_factory.mktemp("ca"), HOST, "localhost")


@pytest.fixture
def world(ca: PrivateCa, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Let every name lead to this machine, and set no variable."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    look_up = socket.getaddrinfo

    def here(host: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        return look_up("127.0.0.1" if name.endswith(".example") else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with everybody(ca.context()) as all_of_them, forwarding(wants=f"me:{SECRET}") as proxy:
        yield World(ca, all_of_them, proxy)


PROXY, CREDENTIALS = f"http://me:{IN_ADDRESS}@{{proxy}}", f"me:{IN_ADDRESS}@{{proxy}}"
DIRECTLY: Mapping[str, Mapping[str, str]] = {
    "no variable": {},
    "only for http": {"HTTP_PROXY": PROXY},
    "empty in lower case": {"https_proxy": "", "HTTPS_PROXY": PROXY},
    "exempt by name": {"HTTPS_PROXY": PROXY, "NO_PROXY": "other.test, slack.example"},
    "exempt by domain": {"HTTPS_PROXY": PROXY, "NO_PROXY": "example"},
    "exempt with a dot": {"https_proxy": PROXY, "NO_PROXY": ".Example"},
    "exempt with a star": {"ALL_PROXY": PROXY, "no_proxy": "*.example"},
    "exempt on this port": {"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.example:{port}"},
    "all exempt": {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"},
}
PROXIED: Mapping[str, Mapping[str, str]] = {
    "upper case": {"HTTPS_PROXY": PROXY},
    "lower case": {"https_proxy": PROXY, "HTTPS_PROXY": "http://127.0.0.1:9"},
    "without a scheme": {"HTTPS_PROXY": CREDENTIALS},
    "for everything": {"all_proxy": PROXY},
    "others are exempt": {"HTTPS_PROXY": PROXY, "NO_PROXY": "lack.example,example.test,slack.example:1,127.0.0.1,::1"},
    "lower case exempts nothing": {"HTTPS_PROXY": PROXY, "no_proxy": "", "NO_PROXY": "*"},
}
WAYS = {"directly": DIRECTLY, "by proxy": PROXIED}
SETTINGS = [(f"{way}: {name}", way, table[name]) for way, table in WAYS.items() for name in table]


@pytest.mark.parametrize(("way", "variables"), [row[1:] for row in SETTINGS], ids=[row[0] for row in SETTINGS])
def test_every_client_takes_the_same_way(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str, variables: Mapping[str, str]
) -> None:
    """Whatever its library would make of the variables, which are set for it too; and it trusts a private authority."""
    for name, text in {**variables, "SSL_CERT_FILE": str(world.ca.file)}.items():
        monkeypatch.setenv(name, world.filled(text))
    network = Network.read(os.environ)
    place = f"{HOST}:{world.everybody.port}"
    taken: dict[str, str] = {}
    for name, ask in CLIENTS.items():
        world.proxy.asked.clear()
        world.everybody.requests.clear()
        ask(network, world.base())
        assert world.everybody.requests, f"{name} has asked nobody"
        assert set(world.proxy.asked) <= {place}
        taken[name] = "by proxy" if world.proxy.asked else "directly"
    assert taken == dict.fromkeys(CLIENTS, way)
    assert network.route(world.base()).startswith("through" if way == "by proxy" else "directly")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_always_reached_directly(world: World, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """The local workspace and the stand-in are here, and no proxy knows the way."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("SSL_CERT_FILE", str(world.ca.file))
    network = Network.read(os.environ)
    world.everybody.host = host
    for ask in CLIENTS.values():
        ask(network, world.base(host))
    assert world.proxy.asked == []


SAYS = {name: ask for name, ask in CLIENTS.items() if name not in {"form", "modal", "socket", "traces"}}
"The clients whose errors we word; the libraries of the others log theirs, without values."
NOBODY = f"http://me:{IN_ADDRESS}@127.0.0.1:{free_port()}"
OBSTACLES: Mapping[str, tuple[Mapping[str, str], int, str]] = {
    "no credentials": ({"HTTPS_PROXY": "{proxy}"}, 200, r"\(HTTPS_PROXY\) wants a user name and a password"),
    "others": (
        {"HTTPS_PROXY": f"me:x{IN_ADDRESS}@{{proxy}}"},
        200,
        "not take the user name and password in HTTPS",
    ),
    "refused": ({"HTTPS_PROXY": PROXY}, 403, r"\(HTTPS_PROXY\) refuses to connect: status 403"),
    "nobody there": ({"ALL_PROXY": NOBODY}, 200, r"no connection through the proxy \S+ \(ALL_PROXY\)"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_stands_in_the_way_is_named_and_the_password_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """Nothing has left, so it is worth another try; an operator reads which variable to look at."""
    variables, status, said = OBSTACLES[name]
    world.proxy.status = status
    for variable, text in variables.items():
        monkeypatch.setenv(variable, world.filled(text))
    network = Network.read({**os.environ, "SSL_CERT_FILE": str(world.ca.file)})
    errors: dict[str, BaseException] = {}
    logs.configure("json")
    for client, ask in CLIENTS.items():
        if client == "traces":  # tries again for seconds, and words nothing
            continue
        with pytest.raises(Exception) as caught:  # noqa: PT011 - of which class is asserted below
            ask(network, world.base())
        errors[client] = caught.value
    assert {client: type(errors[client]) for client in SAYS} == dict.fromkeys(SAYS, Transient)
    assert [client for client in SAYS if not re.search(said, str(errors[client]))] == []
    assert world.everybody.requests == []
    said_of_it = [*map(described, errors.values()), *(str(errors[client]) for client in SAYS)]
    written = "".join([*said_of_it, *capfd.readouterr()])
    assert not any(secret in written for secret in (SECRET, IN_ADDRESS, "p%40ss", "p@ss"))


def test_a_certificate_of_an_unknown_authority_is_told_with_its_variable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By everybody who words errors; one that is for another name is told as such, whoever has signed it."""
    for ask in SAYS.values():
        with pytest.raises(Transient, match=f"certificate of {HOST} is not trusted.*SSL_CERT_FILE"):
            ask(DIRECT, world.base())
    monkeypatch.setenv("SSL_CERT_FILE", str(world.ca.file))
    network = Network.read(os.environ)
    for ask in SAYS.values():
        with pytest.raises(Transient, match=r"certificate of other\.example is not valid: Hostname mismatch"):
            ask(network, world.base("other.example"))
    assert world.everybody.requests == []


@pytest.mark.parametrize(
    "value",
    [
        "https://proxy.example:3128",
        "socks5://proxy.example:1080",
        "http://",
        "http://me:secret-word@",
        "http://me:secret-word@proxy.example:many",
        "http://me:secret#word@proxy.example:3128",
        "http://me:secret/word@proxy.example:3128",
        "http://proxy.example:3128/path",
        "http://pröxy.example:3128",
        "http://proxy.example:99999",
        "http://[::1",
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """For every client alike, in one line that names the variable and repeats nothing of its value."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=f"^environment: {variable} cannot be read: write http://") as caught:
        Settings.from_environment()
    assert not any(word in str(caught.value) for word in ("secret", "example", "\n"))


def test_a_variable_that_is_not_used_is_not_read() -> None:
    """Shells often have a SOCKS proxy for everything else."""
    network = Network.read(
        {"HTTP_PROXY": "p:1", "HTTPS_PROXY": "p:2", "ALL_PROXY": "socks5://p:3", "NO_PROXY": "10.0.0.0/8"}
    )
    routes = {
        url: network.route(url) for url in ("http://a.test", "wss://a.test", "https://10.1.2.3", "https://[::1]:9")
    }
    assert routes == {
        "http://a.test": "through the proxy http://p:1 (HTTP_PROXY)",
        "wss://a.test": "through the proxy http://p:2 (HTTPS_PROXY)",
        "https://10.1.2.3": "directly",
        "https://[::1]:9": "directly",
    }


@pytest.mark.parametrize(
    ("variable", "content", "said"),
    [
        ("SSL_CERT_FILE", None, "SSL_CERT_FILE cannot be read as PEM certificates: .*No such file"),
        ("SSL_CERT_FILE", "no certificate", "SSL_CERT_FILE cannot be read as PEM certificates: SSLError"),
        ("SSL_CERT_DIR", None, "SSL_CERT_DIR names a folder that does not exist"),
    ],
)
def test_certificates_that_cannot_be_read_refuse_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, content: str | None, said: str
) -> None:
    """OpenSSL would trust nobody, without a word."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(variable, str(file))
    with pytest.raises(ConfigError, match=said):
        Settings.from_environment()
