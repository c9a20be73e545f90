"""How requests leave this machine: by which proxy, if any, and whose certificates are trusted.

The libraries that we use read the proxy variables each in a way of its own. So they are read once, here, and each
client is given what this says. Connections to the database and to Redis never use a proxy.

A variable counts in lower case before upper case, as in curl. An address on this machine itself is always reached
directly, and so is what NO_PROXY lists.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from bot import errors
from bot.errors import ConfigError
from bot.public_address import is_loopback

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
WANTS_CREDENTIALS = 407
"The status with which a proxy asks for a user name and a password."
WANTED = (
    "cannot be read: write http://host:port or http://user:password@host:port, with the special characters of a "
    "password percent-encoded (@ is %40, / is %2F); a proxy that is itself reached over https or SOCKS cannot be used"
)
_REFUSED = re.compile(r"(?:Tunnel connection failed: )?([1-5]\d\d)\b")
"How the texts of errors of urllib, httpx2 and aiohttp begin when a proxy has refused to connect: its status."
_UNKNOWN_ISSUER = frozenset({18, 19, 20, 21})
"OpenSSL's numbers for a certificate whose issuer is not trusted."
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[^:]+))(?::(?P<port>\d+))?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy, reached over plain HTTP; its text never holds the password."""

    variable: str
    "The environment variable that names it."
    place: str
    "Its `host:port`."
    user: str | None = None
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, variable: str, text: str) -> Self:
        """Read the value of a variable; a scheme is not needed.

        Raises:
            ConfigError: it is not the address of an HTTP proxy. The message does not quote it.
        """
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            port = parts.port or PORTS["http"]
        except ValueError:
            raise ConfigError(f"environment: {variable} {WANTED}") from None
        rest = (parts.path.removeprefix("/"), parts.query, parts.fragment)
        if parts.scheme != "http" or not parts.hostname or any(rest) or not text.isascii() or not text.isprintable():
            raise ConfigError(f"environment: {variable} {WANTED}")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        user = None if parts.username is None else unquote(parts.username)
        return cls(variable, f"{host}:{port}", user, unquote(parts.password or ""))

    @property
    def url(self) -> str:
        """Return its address for a client, with user name and password: never for a log."""
        who = "" if self.user is None else f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@"
        return f"http://{who}{self.place}"

    def __str__(self) -> str:
        return f"the proxy http://{self.place} ({self.variable})"


@dataclass(frozen=True, slots=True)
class _Exempt:
    """An entry of NO_PROXY: a host with all hosts below it, or a range of addresses; on one port or on each."""

    name: str = ""
    port: int | None = None
    network: IPv4Network | IPv6Network | None = None

    @classmethod
    def parse(cls, entry: str) -> Self:
        """Read an entry; one that makes no sense exempts nothing, as in curl."""
        try:
            return cls(network=ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            found = _HOST.fullmatch(entry.lower())
        if found is None:
            return cls(name=entry)
        port = None if found["port"] is None else int(found["port"])
        try:
            return cls(port=port, network=ip_network(found["v6"] or found["name"]))
        except ValueError:
            return cls((found["name"] or "").removeprefix("*").strip("."), port)

    def covers(self, host: str, port: int) -> bool:
        """Return whether a host on a port is to be reached directly."""
        if self.port not in {None, port}:
            return False
        if self.network is None:
            return f".{host}".endswith(f".{self.name}")
        try:
            return ip_address(host) in self.network
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Network:
    """The rule by which every client of this process reaches others; without values, all is reached directly."""

    http: Proxy | None = None
    https: Proxy | None = None
    "For https and wss."
    exempt: tuple[_Exempt, ...] = ()
    exempts_all: bool = False
    ca_file: str | None = None
    "Certificates that are trusted, in place of the system's file."
    ca_folder: str | None = None
    "The same, in place of the system's folder."

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the rule from the environment.

        Raises:
            ConfigError: a proxy or a file of certificates cannot be read; the message names the variable.
        """
        no_proxy = re.split(r"[,\s]+", _value(environment, "NO_PROXY")[1])
        file, folder = environment.get("SSL_CERT_FILE") or None, environment.get("SSL_CERT_DIR") or None
        _check_certificates(file, folder)
        return cls(
            _proxy(environment, "HTTP_PROXY"),
            _proxy(environment, "HTTPS_PROXY"),
            tuple(_Exempt.parse(entry) for entry in no_proxy if entry not in {"", "*"}),
            "*" in no_proxy,
            file,
            folder,
        )

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy by which an address is reached; None for directly."""
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:  # no address, so its client refuses it
            return None
        host = (parts.hostname or "").rstrip(".")
        if is_loopback(host) or self.exempts_all or any(one.covers(host, port) for one in self.exempt):
            return None
        return self.https if PORTS.get(parts.scheme) == PORTS["https"] else self.http

    def proxy_url(self, url: str) -> str | None:
        """Return the address of that proxy as clients take it, with its password; None for directly."""
        proxy = self.proxy_for(url)
        return None if proxy is None else proxy.url

    def route(self, url: str) -> str:
        """Say how an address is reached, without a password."""
        proxy = self.proxy_for(url)
        return "directly" if proxy is None else f"through {proxy}"

    def obstacle(self, url: str, error: BaseException) -> str:
        """Say why a request did not leave, and which variable an operator has to look at.

        Args:
            url: where it was to go.
            error: what the client raised; its text is not repeated.
        """
        proxy, causes = self.proxy_for(url), list(errors.causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return _distrust(urlsplit(url).hostname or "", cause)
        for status in filter(None, map(_refused_with, causes)):
            return refusal(proxy, status)
        return f"no connection{'' if proxy is None else f' through {proxy}'}: {errors.kind(error)}"

    @property
    def trusted_place(self) -> str | None:
        """Return one file or folder of trusted certificates, for a client that takes no context; None for its own."""
        paths = ssl.get_default_verify_paths()
        return self.ca_file or self.ca_folder or paths.cafile or paths.capath

    def certificates(self) -> ssl.SSLContext:
        """Return the certificates that we trust, read once a process."""
        return _certificates(self.ca_file, self.ca_folder)


DIRECT = Network()
"Reaches everything directly."


def refusal(proxy: Proxy | None, status: int) -> str:
    """Say what a proxy's refusal means."""
    if status != WANTS_CREDENTIALS or proxy is None:
        return f"{proxy or 'a proxy'} refuses to connect: status {status}"
    if proxy.user is None:
        return f"{proxy} wants a user name and a password: write http://user:password@{proxy.place}"
    return f"{proxy} does not take the user name and password in {proxy.variable}"


def _refused_with(error: BaseException) -> int | None:
    """Return the status with which a proxy has refused, if that is what an error says."""
    found = _REFUSED.match(str(error))
    return int(found[1]) if found else getattr(error, "status_code", None)


def _value(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the name under which a variable is set, and its value; empty when it is not set."""
    found = name.lower() if name.lower() in environment else name
    return found, environment.get(found, "").strip()


def _proxy(environment: Mapping[str, str], name: str) -> Proxy | None:
    for variable, text in (_value(environment, name), _value(environment, "ALL_PROXY")):
        if text:
            return Proxy.parse(variable, text)
    return None


def _check_certificates(file: str | None, folder: str | None) -> None:
    """Check what OpenSSL would skip without a word.

    Raises:
        ConfigError: there is no such folder, or no file with certificates.
    """
    if folder is not None and not all(Path(one).is_dir() for one in folder.split(":")):
        raise ConfigError("environment: SSL_CERT_DIR names a folder that does not exist")
    if file is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        why = f"the file named by SSL_CERT_FILE cannot be read as PEM certificates: {errors.kind(error)}"
        raise ConfigError(f"environment: {why}") from error


@cache
def _certificates(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return the certificates of two places, each in place of OpenSSL's own, as OpenSSL takes its variables."""
    usual = ssl.get_default_verify_paths()
    own_file = usual.openssl_cafile if Path(usual.openssl_cafile).is_file() else None
    own_folder = usual.openssl_capath if Path(usual.openssl_capath).is_dir() else None
    context = ssl.create_default_context(cafile=file or own_file, capath=folder or own_folder)
    context.set_alpn_protocols(["http/1.1"])  # as urllib does with its own
    return context


def _distrust(host: str, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _UNKNOWN_ISSUER:
        return (
            f"the certificate of {host} is not trusted: if your network or a CA of your own signs it, put that CA into "
            "the file that SSL_CERT_FILE names"
        )
    return f"the certificate of {host} is not valid: {error.verify_message}"
