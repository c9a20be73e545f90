"""Who is not answered: other web sites, names that were pointed here, pages without the key; route by route."""

import http.client
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from bot.sandbox import standin
from bot.sandbox.demo.serve import listen
from bot.sandbox.guard import FOR_PROGRAMS, FROM_ELSEWHERE, KEY_HEADER, OPEN, cookie_name
from bot.sandbox.standin.server import StandinConfig
from bot.sandbox.workspace import create_app
from tests.support.live_server import PromptWorkspace, running_server, served
from tests.support.local_workspace import KEY, WORKSPACE

Headers = dict[str, str]
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def asked(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Yield every method and path that an app answers, with something in the place of what a path leaves open."""
    for route in routes:
        match route:
            case Mount():
                yield "GET", f"{route.path}/app.js"
            case WebSocketRoute():
                yield "WEBSOCKET", route.path
            case Route():
                for method in sorted(route.methods or {"GET"}):
                    yield method, re.sub(r"{[^}]*}", "x", route.path)


ROUTES = tuple(asked(create_app(WORKSPACE).routes))
MODEL_ROUTES = tuple(asked(standin.create_app().routes))


def of_programs(path: str) -> bool:
    """Tell whether the bot asks for it, with a token or an address of its own."""
    return path.startswith(FOR_PROGRAMS)


def of_the_page(path: str) -> bool:
    """Tell whether the key is asked for."""
    return path not in OPEN and not of_programs(path)


def answer(
    base: str, method: str, path: str, headers: Headers, body: bytes = b'{"user": "U0MAYA"}'
) -> tuple[int, Headers, bytes]:
    """Send exactly these headers, and return status, headers and the beginning of the body."""
    given = dict(headers)
    if method == "WEBSOCKET":
        method, given = "GET", {**UPGRADE, **given}
    with closing(http.client.HTTPConnection(base.removeprefix("http://"), timeout=60)) as connection:
        connection.putrequest(method, path, skip_host="Host" in given)
        length = {} if method in ("GET", "HEAD", "OPTIONS") else {"Content-Length": str(len(body))}
        for name, value in {**given, **length}.items():
            connection.putheader(name, value)
        connection.endheaders(body if length else None)
        response = connection.getresponse()
        said = {name.lower(): value for name, value in response.getheaders()}
        return (
            response.status,
            said,
            b"" if said.get("content-type", "").startswith("text/event") else response.read(500),
        )


def port_of(base: str) -> int:
    """Return the port of an address."""
    return int(base.rpartition(":")[2])


def with_key(base: str) -> Headers:
    """Return what our own page sends: the cookie, and JSON."""
    return {"Cookie": f"{cookie_name(port_of(base))}={KEY}", "Content-Type": "application/json"}


FOREIGN: dict[str, Headers] = {
    "another name": {"Host": "evil.example"},
    "another name with our port": {"Host": "evil.example:{port}"},
    "a name that begins as ours": {"Host": "127.0.0.1.evil.example:{port}"},
    "a name that ends as ours": {"Host": "evil-localhost:{port}"},
    "another port": {"Host": "127.0.0.1:1"},
    "no port": {"Host": "127.0.0.1"},
    "another address of this machine": {"Host": "127.0.0.2:{port}"},
    "a user in front": {"Host": "127.0.0.1:{port}@evil.example"},
    "another site": {"Origin": "http://evil.example"},
    "another site, securely": {"Origin": "https://127.0.0.1:{port}"},
    "another port of this machine": {"Origin": "http://127.0.0.1:1"},
    "our other name": {"Origin": "http://localhost:{port}"},
    "a sandboxed page": {"Origin": "null"},
    "a site that a name was pointed for": {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Serve a workspace in which nothing happens."""
    app = create_app(WORKSPACE)
    with listen("127.0.0.1", 0) as listener, running_server(PromptWorkspace(app), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert not any(entry["ok"] for entry in app.state.world.journal.entries)


def statuses(base: str, routes: Iterable[tuple[str, str]], headers: Headers) -> dict[int, set[str]]:
    """Return which routes answered which status to these headers."""
    found: dict[int, set[str]] = {}
    for method, path in routes:
        found.setdefault(answer(base, method, path, headers)[0], set()).add(f"{method} {path}")
    return found


def every(*wanted: Callable[[str], bool], methods: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return the routes whose path is as wanted."""
    return [one for one in ROUTES if all(is_so(one[1]) for is_so in wanted) and (not methods or one[0] in methods)]


@pytest.mark.parametrize("name", FOREIGN)
def test_what_another_site_sends_is_answered_nowhere(base: str, name: str) -> None:
    """Not even with the key, which a browser may send along, nor with the bot's token."""
    headers = {one: value.format(port=port_of(base)) for one, value in FOREIGN[name].items()}
    given = {**with_key(base), "Authorization": "Bearer xoxb-local", **headers}
    assert statuses(base, ROUTES, given).keys() == {403}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_says_comes_from_elsewhere_is_refused(base: str, site: str) -> None:
    """A picture or a form of another page has no Origin of its own, and the browser says so all the same."""
    headers = {**with_key(base), "Sec-Fetch-Site": site}
    assert statuses(base, every(lambda path: path not in FROM_ELSEWHERE), headers).keys() == {403}


def test_a_browser_has_nothing_to_ask_where_the_bot_does(base: str) -> None:
    """Not even our own page: there the token counts, and no page has one."""
    headers = {**with_key(base), "Origin": base, "Sec-Fetch-Site": "same-origin"}
    assert statuses(base, every(of_programs), headers).keys() == {403}


@pytest.mark.parametrize("shown", ["nothing", "wrong cookie", "wrong header", "empty", "other name"])
def test_without_the_key_there_is_nothing(base: str, shown: str) -> None:
    """Each route of the page asks for it."""
    name = cookie_name(port_of(base))
    headers: Headers = {
        "nothing": {},
        "wrong cookie": {"Cookie": f"{name}={KEY}x"},
        "wrong header": {KEY_HEADER: KEY[:-1]},
        "empty": {"Cookie": f"{name}=", KEY_HEADER: ""},
        "other name": {"Cookie": f"deskhand={KEY}; {name}-1={KEY}"},
    }[shown]
    assert statuses(base, every(of_the_page), {"Content-Type": "application/json", **headers}).keys() == {403}


def test_the_key_in_an_address_opens_the_page_alone(base: str) -> None:
    """Nothing else takes it there, where it would be kept and passed on; and only the whole of it counts."""
    others = [(method, f"{path}?key={KEY}") for method, path in every(of_the_page, lambda path: path != "/")]
    wrong = [("GET", f"/?key={KEY}x"), ("GET", f"/?key={KEY[:-1]}"), ("GET", "/?key"), ("GET", "/?key=%00")]
    assert statuses(base, [*others, *wrong], {"Content-Type": "application/json"}).keys() == {403}


def test_the_key_of_the_page_opens_nothing_of_the_bots(base: str) -> None:
    """There a token counts, or an address that only the bot was told."""
    for method, path in every(of_programs, methods=("GET", "POST", "PUT", "WEBSOCKET")):
        status, _, body = answer(base, method, f"{path}y", {KEY_HEADER: KEY, "Content-Type": "application/json"})
        assert status in {403, 404} or json.loads(body)["ok"] is False, path


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
def test_only_json_changes_anything(base: str, kind: str) -> None:
    """What a form of another page can send is no JSON, whatever it holds."""
    headers = {**with_key(base), "Content-Type": kind}
    assert statuses(base, every(of_the_page, methods=("POST", "PUT")), headers).keys() == {415}


def test_no_answer_may_be_framed_or_read_elsewhere(base: str) -> None:
    """With the key or without it, done or refused, and to a browser that asks before it sends."""
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for method, path in every(methods=("GET",)):
        place = f"{path}?user=U0MAYA" if path == "/sandbox/events" else path
        for asking, headers in ((method, with_key(base)), (method, {}), ("OPTIONS", preflight)):
            _, said, _ = answer(base, asking, place, headers)
            assert "frame-ancestors 'none'" in said["content-security-policy"]
            assert "default-src 'none'" in said["content-security-policy"]
            assert (said["x-frame-options"], said["x-content-type-options"]) == ("DENY", "nosniff")
            assert not any(name.startswith("access-control-") for name in said)


def test_the_printed_address_becomes_a_cookie(base: str) -> None:
    """No script reads it, no other site sends it, and the address that is shown and kept has no key any more."""
    status, said, _ = answer(base, "GET", f"/?key={KEY}", {"Sec-Fetch-Site": "none"})
    assert (status, said["location"]) == (303, "/")
    cookie, *attributes = said["set-cookie"].lower().split("; ")
    assert cookie == f"{cookie_name(port_of(base))}={KEY}"
    assert {"httponly", "samesite=strict", "path=/"} <= set(attributes)
    for host in (f"127.0.0.1:{port_of(base)}", f"LOCALHOST:{port_of(base)}"):
        headers = {"Host": host, "Cookie": f"other=1; {cookie}", "Sec-Fetch-Site": "same-origin"}
        status, _, body = answer(base, "GET", "/", headers)
        assert (status, b"Local Slack workspace" in body) == (200, True)


def test_a_page_without_the_key_is_told_what_to_do(base: str) -> None:
    """Typed from memory, or opened by a link in another page: in words, with a way on for who has the cookie."""
    for site in ("none", "cross-site"):
        status, said, body = answer(base, "GET", "/", {"Sec-Fetch-Site": site})
        assert (status, said["content-type"]) == (403, "text/html; charset=utf-8")
        assert b"Open the whole address that <code>make demo</code> or <code>deskhand sandbox</code> printed" in body


@pytest.mark.parametrize("path", ["/new", "/links", "/link/new", "/apis"])
def test_a_route_that_is_added_needs_the_key(path: str) -> None:
    """Who may ask is the page unless it is said otherwise, also of a name that begins as one of the bot's does."""
    app = create_app(WORKSPACE)

    async def secret(_request: Request) -> Response:
        return PlainTextResponse("secret")

    app.router.routes.append(Route(path, secret, methods=["GET", "POST"]))
    with served(app) as base:
        assert answer(base, "GET", path, {})[0] == 403
        assert answer(base, "POST", path, {KEY_HEADER: KEY, "Content-Type": "text/plain"})[0] == 415
        assert answer(base, "GET", path, {KEY_HEADER: KEY})[2] == b"secret"


def test_a_workspace_without_a_key_does_not_start() -> None:
    """An empty key would be everybody's."""
    with pytest.raises(ValueError, match="needs a key"):
        create_app(replace(WORKSPACE, key=""))


def test_a_token_that_is_no_text_is_a_wrong_one(base: str) -> None:
    """JSON can hold half of a pair of surrogates."""
    _, _, body = answer(base, "POST", "/api/auth.test", {"Content-Type": "application/json"}, rb'{"token": "\ud800"}')
    assert json.loads(body) == {"ok": False, "error": "invalid_auth"}


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """Serve a stand-in with a key, as the demo does."""
    app = standin.create_app(StandinConfig(latency=0, key="model-key"))
    with served(app) as base:
        yield base


@pytest.mark.parametrize(("method", "path"), MODEL_ROUTES, ids=map(" ".join, MODEL_ROUTES))
def test_the_stand_in_answers_who_has_its_key(model: str, method: str, path: str) -> None:
    """Not another site, not a browser at all, and not another key: what people asked is read there."""
    known = {"x-api-key": "model-key", "anthropic-version": "2023-06-01"}
    for foreign in (*FOREIGN.values(), {"Origin": model}, {"Sec-Fetch-Site": "same-origin"}):
        headers = {name: value.format(port=port_of(model)) for name, value in foreign.items()}
        assert answer(model, method, path, {**known, **headers})[0] == 403
    for wrong in ({}, {"x-api-key": "model-kez"}, {"authorization": "Bearer x"}, {"x-api-key": ""}):
        headers = {"anthropic-version": "2023-06-01", **wrong}
        assert answer(model, method, path, headers)[0] == (200 if path == "/" else 401)
    assert answer(model, method, path, known)[0] not in {401, 403}
