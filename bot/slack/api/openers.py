"""Opens addresses by our rule (`bot.network`): urllib's own handler would read the proxy variables in its own way."""

import base64
import http.client
import urllib.request
from contextlib import closing
from urllib.parse import urlsplit

from bot.errors import Transient
from bot.network import PORTS, Network, Proxy


def opener(network: Network) -> urllib.request.OpenerDirector:
    """Return what opens http and https addresses; it follows no redirect, which would take our token along."""
    made = urllib.request.OpenerDirector()
    for handler in (
        _ByRule(network),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=network.certificates()),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        made.add_handler(handler)
    return made


def reach(network: Network, url: str, *, seconds: float) -> None:
    """Open a connection to an address, with TLS where it has it, and close it: nothing is sent on it.

    Raises:
        Transient: it cannot be opened.
    """
    parts, proxy = urlsplit(url), network.proxy_for(url)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    place = f"{host}:{port}" if proxy is None else proxy.place
    connection = http.client.HTTPConnection(place, timeout=seconds)
    if parts.scheme in {"https", "wss"}:
        connection = http.client.HTTPSConnection(place, timeout=seconds, context=network.certificates())
    if proxy is not None:
        connection.set_tunnel(host, port, _credentials(proxy))
    with closing(connection):
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            raise Transient(f"slack: {network.obstacle(url, error)}") from error


class _ByRule(urllib.request.ProxyHandler):
    """Sends each request by the proxy that the rule has for its address, or directly."""

    def __init__(self, network: Network) -> None:
        super().__init__({})
        self._network = network

    def http_open(self, request: urllib.request.Request) -> None:
        """Point a request at its proxy; the handlers after this one open it."""
        proxy = self._network.proxy_for(request.full_url)
        if proxy is None:
            return
        for name, value in _credentials(proxy).items():
            request.add_unredirected_header(name, value)
        request.set_proxy(proxy.place, "http")

    https_open = http_open


def _credentials(proxy: Proxy) -> dict[str, str]:
    """Return the header that shows a proxy the user name and password that it wants, if it has one."""
    if proxy.user is None:
        return {}
    who = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {who}"}
