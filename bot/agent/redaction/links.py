"""Addresses that give access by themselves: logins in them, webhooks, reset links, `otpauth`."""

import re
from collections.abc import Iterator

from bot.agent.redaction.found import Secret
from bot.agent.redaction.view import View

ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s<>|\"`\ufffc\u3001-\u30ff\u4e00-\u9fff]+")
_LOGIN = re.compile(r"(?P<user>[^/?#:@]*):(?P<password>[^\s]+)@(?=[\w.\[\]-]+(?:[:/?#]|$))")
_ALONE = re.compile(r"[\w-]{16,}(?=@[\w.-]+(?:[:/]|$))")
_HOOK = re.compile(
    r"(?:hooks\.slack(?:-gov)?\.com|(?:[\w-]+\.)?discord(?:app)?\.com/api/webhooks|[\w.-]+\.webhook\.office\.com"
    r"|outlook\.office(?:365)?\.com/webhook|chat\.googleapis\.com|hooks\.zapier\.com|maker\.ifttt\.com|hook\.[\w.]*make\.com"
    r"|[\w.-]+\.logic\.azure\.com(?::443)?|api\.telegram\.org/bot|events\.pagerduty\.com/integration"
    r"|(?:[\w-]+\.)?webhook\.site|open\.(?:feishu\.cn|larksuite\.com)|oapi\.dingtalk\.com|api\.opsgenie\.com)[/?]?"
)
"Hosts of links whose whole path is the key."
_WORDS = re.compile(
    r"reset|magic|invit|confirm|verif|activat|recover|one-?time|token|hook|password|passwort|signin|sign-in|login"
    r"|unlock|auth|share|secret|setup|enroll|welcome"
)
_BY_KEY = re.compile(r"reset|magic|invit|confirm|verif|activat|recover|one-?time|token|password|passwort|unlock|enroll")
"Words in a path after which the next part is a key, even a short one."
_PART = re.compile(r"[^/?#&=]+")
_QUERY = re.compile(r"(?P<name>[\w.~%\[\]-]{1,40})=(?P<value>[^&#\s]+)")
_SECRET_NAME = re.compile(
    r"(?:.*[_.-])?(?:[a-z]*token|jwt|code|key|api_?key|apikey|secret|sig|signature|auth|otp|pin|session|sessionid|sid|magic"
    r"|invite|invitation|reset|hash|hmac|ticket_?key|assertion|samlresponse|credential|k|t|tk|nonce|state|p|h|s)"
)
_PASSWORD_NAME = re.compile(r"(?:.*[_.-])?(?:password|passwd|pwd|pw|pass|passwort|kennwort|contrasena|clave|mdp)")
_ONE_LETTER = 2
LEAST, LEAST_IN_PATH, RANDOM = 6, 16, 24
LEAST_DRAWN, MANY_RUNS = 10, 3
"Fewest characters of a key after a word like `reset`, and fewest runs of digits that show it to be random."


def find(view: View) -> Iterator[Secret]:
    """Find the secrets in addresses."""
    for address in ADDRESS.finditer(view.low):
        if address.group().startswith("otpauth"):
            yield Secret("secret", address.start(), address.end())
        else:
            yield from _in_address(view, address.start(), address.end())


def spans(view: View) -> list[tuple[int, int]]:
    """Return where addresses are; rules must not read their content as words."""
    return [address.span() for address in ADDRESS.finditer(view.low)]


def _in_address(view: View, start: int, end: int) -> Iterator[Secret]:
    host = view.low.index("://", start) + len("://")
    login = _LOGIN.match(view.low, host, end)
    if login is not None:
        yield Secret("password", *login.span("password"))
        host = login.end()
    else:
        alone = _ALONE.match(view.low, host, end)
        if alone is not None:
            yield Secret("secret", *alone.span())
            host = alone.end()
    hook = _HOOK.match(view.low, host, end)
    if hook is not None and hook.end() < end:
        yield Secret("secret", hook.end(), end)
        return
    yield from _in_query(view, host, end)
    yield from _in_path(view, host, end)


def _in_query(view: View, start: int, end: int) -> Iterator[Secret]:
    for given in _QUERY.finditer(view.low, start, end):
        name, value = given["name"], view.text[given.start("value") : given.end("value")]
        if _PASSWORD_NAME.fullmatch(name):
            yield Secret("password", *given.span("value"))
        elif _SECRET_NAME.fullmatch(name):
            least = LEAST if len(name) > _ONE_LETTER else LEAST_IN_PATH
            if len(value) >= least:
                yield Secret("secret", *given.span("value"))
        elif _is_random(value, RANDOM):
            yield Secret("secret", *given.span("value"))


def _in_path(view: View, start: int, end: int) -> Iterator[Secret]:
    query = view.low.find("?", start, end)
    path_end = end if query < 0 else query
    if not _WORDS.search(view.low, start, path_end):
        return
    before = ""
    for part in _PART.finditer(view.text, start, path_end):
        is_key = _BY_KEY.search(before) is not None and _is_drawn(part.group())
        if part.start() > start and (is_key or _is_random(part.group(), LEAST_IN_PATH)):
            yield Secret("secret", *part.span())
        before = part.group().lower() if part.start() > start else ""


def _is_drawn(value: str) -> bool:
    """Return whether a short part looks random: digits mixed with letters of both cases, or several runs of digits."""
    if len(value) < LEAST_DRAWN or value[0:4].isdecimal() or not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        return False
    cases = re.search(r"[a-z]", value) and re.search(r"[A-Z]", value[1:])
    runs = len(re.findall(r"\d+", value))
    return runs >= MANY_RUNS or (runs > 1 and cases is not None)


def _is_random(value: str, least: int) -> bool:
    """Return whether a value is long, has letters and digits, and is no file name."""
    return (
        len(value) >= least
        and any(c.isdigit() for c in value)
        and any(c.isalpha() for c in value)
        and not re.search(r"\.[a-z]{2,5}$", value)
        and not re.fullmatch(r"[a-z]+(?:-[a-z0-9]+)+", value)
    )


_REFERENCE = re.compile(r"<[@#!][^<>\s]{1,80}>")


def references(view: View) -> list[tuple[int, int]]:
    """Return where Slack's mentions of people and channels are."""
    return [match.span() for match in _REFERENCE.finditer(view.text)]
