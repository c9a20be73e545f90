"""Checks the address at which people reach the web process. Pure."""

import ipaddress
from urllib.parse import urlsplit

WANTED = "write only scheme and host, such as https://deskhand.example.com"


def checked(address: str) -> str:
    """Return the address as browsers write an origin: in small letters, without a slash at its end.

    Raises:
        ValueError: it is no such address, or it would carry sessions over the network without TLS.
    """
    parts = urlsplit(address.strip().lower())
    port = parts.port  # raises ValueError itself
    if not parts.hostname or parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(WANTED)
    if any(letter in parts.netloc for letter in " \\\t\r\n;,") or not parts.netloc.isascii():
        raise ValueError(WANTED)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("use https; http is only for this machine itself (http://127.0.0.1:3000)")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port is None or port == {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
