"""The way into the dashboard: links, forms and sessions by real HTTP against the real app (`bot.web.doorway`)."""

import html
import re
import time
from dataclasses import replace
from urllib.parse import quote

import pytest
from sqlalchemy import update

from bot import signed_links
from bot.casework import dashboard_links
from bot.casework.dashboard_links import DashboardDoor
from bot.ground import Ground
from bot.settings import Settings
from bot.store import members
from bot.store.installation import marks
from bot.store.schema import AuditRow, DashboardLink, DashboardSession, now
from bot.web import doorway
from tests.support.dashboard_visits import COOKIE, PUBLIC, Seen, VisitedAddress
from tests.support.factories import at_once
from tests.support.web_harness import FrontDoor, web_opened

OWNER, RESPONDER, REQUESTER = "U0OLIVIA", "U0PRIYA", "U0MAYA"
OPEN, SIGN_OUT = "/dashboard/open", "/dashboard/sign-out"
FIGURE = "Solved without a person"
"What the dashboard shows of the agent, and no other page does."


def ground(house: FrontDoor) -> Ground:
    """Return which installation the database belongs to."""
    with house.database.read() as session:
        seen = marks.read(session)
    assert seen is not None
    return seen.ground


def door(house: FrontDoor) -> DashboardDoor:
    """Return the door with the keys that the process has."""
    found = dashboard_links.door_of(Settings.from_environment(), ground(house))
    assert found is not None
    return found


def link_for(house: FrontDoor, user: str = OWNER) -> str:
    """Make a link as the product does; return what its address carries."""
    with house.database.write() as session:
        address = dashboard_links.make(session, door(house), user)
    assert address.startswith(f"{PUBLIC}/dashboard/open?link=")
    return address.partition("link=")[2]


def audited(house: FrontDoor) -> list[tuple[str, str, str | None]]:
    """Return what was audited of the dashboard, but for the making of links: event, actor, reason."""
    found = [row for row in house.rows(AuditRow) if row.event.startswith("dashboard.")]
    return [
        (row.event.removeprefix("dashboard."), row.actor, row.record.get("why"))
        for row in found
        if row.event != "dashboard.link_made"
    ]


def closed(visit: VisitedAddress) -> tuple[int, str]:
    """Return what is answered to a link that is none of ours: every refusal must look like it."""
    seen = visit.get(f"{OPEN}?link=nonsense")
    return seen.status, seen.text


def opened(visit: VisitedAddress, link: str) -> str:
    """Open the dashboard with a link; return the session's secret."""
    secret = visit.press(OPEN, {"link": link}).cookie
    assert secret is not None
    return secret


def test_link_opens_the_dashboard_for_its_person(house: FrontDoor, visit: VisitedAddress) -> None:
    """The page names the person, the button opens the dashboard, and each step is audited without the secret."""
    link = link_for(house)
    page = visit.get(f"{OPEN}?link={link}")
    assert (page.status, page.cookie) == (200, None)
    assert "Open the dashboard as Olivia" in page.text
    assert (FIGURE in page.text, "<script" in page.text) == (False, False)
    [field] = re.findall(r'name="link" value="([^"]+)"', page.text)
    seen = visit.press(OPEN, {"link": html.unescape(field)})
    assert (seen.status, seen.headers["Location"]) == (303, "/dashboard")
    assert seen.cookie is not None
    assert FIGURE in visit.get("/dashboard", seen.cookie).text
    assert audited(house) == [("opened", OWNER, None)]
    rows = str([row.record for row in house.rows(AuditRow)])
    assert (seen.cookie in rows, link.rpartition(".")[2] in rows) == (False, False)


def test_looking_at_a_link_does_not_use_it(house: FrontDoor, visit: VisitedAddress) -> None:
    """Slack's unfurler and scanners fetch a link as often as they like, also with HEAD: it still works once."""
    link = link_for(house)
    for _ in range(3):
        assert visit.get(f"{OPEN}?link={link}").status == 200
        assert visit.send("HEAD", f"{OPEN}?link={link}").cookie is None
    assert opened(visit, link)


def test_link_works_once(house: FrontDoor, visit: VisitedAddress) -> None:
    """A replayed link is refused, on its page and at its button, and the first session stays open."""
    link = link_for(house)
    secret = opened(visit, link)
    page, again = visit.get(f"{OPEN}?link={link}"), visit.press(OPEN, {"link": link})
    assert {(seen.status, seen.text) for seen in (page, again)} == {closed(visit)}
    assert again.cookie is None
    assert visit.get("/dashboard", secret).status == 200
    assert audited(house)[1:3] == [("refused", OWNER, "used before or withdrawn")] * 2


def test_of_two_presses_at_once_one_wins(house: FrontDoor, visit: VisitedAddress) -> None:
    """However many use a link at the same moment, one browser gets a session."""
    link = link_for(house)
    seen = at_once(8, lambda _: visit.press(OPEN, {"link": link}))
    assert sorted(one.status for one in seen) == [303] + [403] * 7
    assert len([one for one in seen if one.cookie]) == 1
    assert len(house.rows(DashboardSession)) == 1


def test_expired_link_opens_nothing(house: FrontDoor, visit: VisitedAddress) -> None:
    """A link whose signed end is over is refused although its row would still be good, and the other way round."""
    found = signed_links.read(door(house).keys, link_for(house))
    assert found is not None
    late = signed_links.write(door(house).keys, replace(found, expires=int(time.time())))
    assert (visit.press(OPEN, {"link": late}).cookie, visit.get(f"{OPEN}?link={late}").status) == (None, 403)
    link = link_for(house)
    with house.database.write() as session:
        session.execute(update(DashboardLink).values(expires_at=now()))
    seen = visit.press(OPEN, {"link": link})
    assert ((seen.status, seen.text), seen.cookie) == (closed(visit), None)
    assert {why for _, _, why in audited(house)} >= {"expired", "used before or withdrawn"}


@pytest.mark.parametrize("part", range(5))
def test_altered_link_opens_nothing(house: FrontDoor, visit: VisitedAddress, part: int) -> None:
    """Version, id, person, end or signature changed: it is none of ours, and nobody is named in the audit."""
    link = link_for(house)
    other = signed_links.write(door(house).keys, signed_links.SignedLink("x" * 22, RESPONDER, 1_999_999_999))
    parts = link.split(".")
    parts[part] = "2" if part == 0 else other.split(".")[part]
    altered = ".".join(parts)
    for seen in (visit.get(f"{OPEN}?link={altered}"), visit.press(OPEN, {"link": altered})):
        assert ((seen.status, seen.text), seen.cookie) == (closed(visit), None)
    assert {(actor, why) for _, actor, why in audited(house)} == {("unknown", "not signed by us")}
    assert opened(visit, link), "the link itself is still good"


def test_link_of_an_old_key_opens_nothing(house: FrontDoor, visit: VisitedAddress) -> None:
    """After the secret was replaced, links that the old one has signed are none of ours."""
    found = signed_links.read(door(house).keys, link_for(house))
    assert found is not None
    old = signed_links.keys(["the secret before this one, as long"], str(ground(house)))
    assert visit.press(OPEN, {"link": signed_links.write(old, found)}).cookie is None


def test_link_that_nobody_made_opens_nothing(house: FrontDoor, visit: VisitedAddress) -> None:
    """A good signature alone is not enough: the link must be one that was made."""
    made_up = signed_links.SignedLink("A" * 22, OWNER, int(time.time()) + 600)
    seen = visit.press(OPEN, {"link": signed_links.write(door(house).keys, made_up)})
    assert ((seen.status, seen.text), seen.cookie) == (closed(visit), None)


def test_link_gives_no_more_than_its_person_may(house: FrontDoor, visit: VisitedAddress) -> None:
    """Somebody who opens another person's link is that person, named on the page, with their rights and no others."""
    house.say(REQUESTER, "C0HELP", "I am locked out")
    secret = opened(visit, link_for(house, RESPONDER))
    assert visit.get("/dashboard", secret).status == 200
    assert visit.get("/dashboard/tickets/1", secret).status == 404


@pytest.mark.parametrize(
    ("change", "why"),
    [("role", "not a responder"), ("left", "no longer a member"), ("guest", "not a confirmed member")],
)
def test_who_may_not_look_any_more_cannot_use_their_link(
    house: FrontDoor, visit: VisitedAddress, change: str, why: str
) -> None:
    """Rights are read when the link is used, not when it was made."""
    user = REQUESTER if change == "role" else OWNER
    link = link_for(house, user)
    if change == "left":
        house.leaves(user)
    if change == "guest":
        house.slack_says(user, is_restricted=True)
    seen = visit.press(OPEN, {"link": link})
    assert ((seen.status, seen.text), seen.cookie) == (closed(visit), None)
    assert audited(house)[0] == ("refused", user, why)


def test_while_slack_is_silent_a_link_is_kept(house: FrontDoor, visit: VisitedAddress) -> None:
    """Who cannot be looked up is asked to come again, and the link still works then."""
    link = link_for(house)
    house.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": -1})
    seen = visit.press(OPEN, {"link": link})
    assert (seen.status, seen.cookie) == (503, None)
    house.faults()
    assert opened(visit, link)


ORIGINS = {
    "none": (),
    "foreign": (("Origin", "https://evil.example"),),
    "null alone": (("Origin", "null"),),
    "null from another site": (("Origin", "null"), ("Sec-Fetch-Site", "cross-site")),
    "null from a sibling": (("Origin", "null"), ("Sec-Fetch-Site", "same-site")),
    "ours from another site": (("Origin", PUBLIC), ("Sec-Fetch-Site", "cross-site")),
    "two": (("Origin", PUBLIC), ("Origin", "https://evil.example")),
    "a longer one": (("Origin", f"{PUBLIC}.evil.example"),),
    "another port": (("Origin", "http://127.0.0.1:3001"),),
    "no origin, own site": (("Sec-Fetch-Site", "same-origin"),),
}


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_form_of_another_page_does_nothing(
    house: FrontDoor, visit: VisitedAddress, origin: tuple[tuple[str, str], ...]
) -> None:
    """A page of another site can neither use a link in somebody's browser nor sign them out."""
    link, secret = link_for(house), opened(visit, link_for(house))
    for path, fields in ((OPEN, {"link": link}), (SIGN_OUT, {})):
        seen = visit.press(path, fields, secret, origin=origin)
        assert ((seen.status, seen.text), seen.cookie) == (closed(visit), None)
    assert visit.get("/dashboard", secret).status == 200
    assert opened(visit, link)


def test_own_form_without_a_referrer_is_accepted(house: FrontDoor, visit: VisitedAddress) -> None:
    """Under our referrer policy Chromium and Firefox send `Origin: null`, and that the form is from here."""
    own = (("Origin", "null"), ("Sec-Fetch-Site", "same-origin"))
    assert visit.press(OPEN, {"link": link_for(house)}, origin=own).status == 303


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"link": "%s"}'),
        ("text/plain", b"link=%s"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="link"\r\n\r\n%s\r\n--x--'),
        ("application/x-www-form-urlencoded", b"link=%s&link=%s"),
        ("application/x-www-form-urlencoded", b"link=%s&padding=" + b"x" * 3000),
        ("application/x-www-form-urlencoded", b"link=%s&" + b"&".join(b"a%d=1" % n for n in range(50))),
        ("application/x-www-form-urlencoded", b"\xff\xfe=1&link%%5B%%5D=%s"),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_odd_form_opens_nothing(house: FrontDoor, visit: VisitedAddress, kind: str, body: bytes) -> None:
    """Only a short form with one link is read; nothing else uses the link, and there is no fault."""
    link = link_for(house)
    raw = body.replace(b"%s", link.encode()).replace(b"%%", b"%")
    seen = visit.send("POST", OPEN, ("Content-Type", kind), ("Origin", PUBLIC), body=raw)
    assert ((seen.status, seen.text), seen.cookie) == (closed(visit), None)
    assert opened(visit, link)


def test_two_links_in_one_address_are_none(house: FrontDoor, visit: VisitedAddress) -> None:
    """Neither of them is chosen."""
    one, other = link_for(house), link_for(house, RESPONDER)
    seen = visit.get(f"{OPEN}?link={one}&link={other}")
    assert (seen.status, seen.text) == closed(visit)


def test_link_in_the_address_of_a_post_is_not_used(house: FrontDoor, visit: VisitedAddress) -> None:
    """Only the form counts."""
    link = link_for(house)
    assert visit.press(f"{OPEN}?link={link}", {}).cookie is None
    assert opened(visit, link)


PATHS = [
    *("//dashboard", "/dashboard/", "/dashboard//", "/dashboard/.", "/dashboard/..", "/dashboard/../dashboard"),
    *("/./dashboard", "/%64ashboard/", "/dashboard%2f", "/dashboard%2ftickets%2f1", "/dashboard/tickets%2f1"),
    *("/dashboard/tickets/../../dashboard", "/dashboard;x=1", "/dashboard/tickets/1/", "/dashboard/tickets/1;x"),
    *("/DASHBOARD", "/dashboard%00", "/dashboard\\", "/dashboard/%2e%2e/dashboard", "/dashboard/open/../../dashboard"),
    *("/healthz/../dashboard", "/dashboard/style.css/../../dashboard", "/dashboard/" + "x" * 9000),
    *("http://evil.example/dashboard", "/dashboard?next=https://evil.example", "/dashboard#figures"),
]


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_is_a_way_in(house: FrontDoor, visit: VisitedAddress, path: str) -> None:
    """Without a session no path shows a figure or leads away; with a requester's ended one neither."""
    for secret in (None, "guessed"):
        seen = visit.get(quote(path, safe="/%;?=#:.\\"), secret)
        assert seen.status in (400, 403, 404), path
        assert FIGURE not in seen.text
        assert "Location" not in seen.headers


METHODS = ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "GETX", "PROPFIND")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/tickets/1", "/dashboard/style.css"])
def test_other_methods_do_nothing(house: FrontDoor, visit: VisitedAddress, method: str, path: str) -> None:
    """A page answers GET and HEAD alone, whoever asks."""
    secret = opened(visit, link_for(house))
    seen = visit.send(method, path, ("Cookie", f"{COOKIE}={secret}"))
    assert (seen.status, FIGURE in seen.text) == (405, False)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_do_not_use_a_link(house: FrontDoor, visit: VisitedAddress, method: str) -> None:
    """Only a POST uses it; a GET of the way out ends nothing."""
    link, secret = link_for(house), opened(visit, link_for(house))
    assert visit.send(method, f"{OPEN}?link={link}", ("Origin", PUBLIC)).status == 405
    assert visit.get(SIGN_OUT, secret).status == 405
    assert visit.get("/dashboard", secret).status == 200
    assert opened(visit, link)


HEADERS = {
    "forwarded host": (("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https")),
    "forwarded for us": (("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1")),
    "forwarded user": (("X-Forwarded-User", OWNER), ("Remote-User", OWNER), ("X-Deskhand-User", OWNER)),
    "rewritten path": (("X-Original-URL", "/dashboard"), ("X-Rewrite-URL", "/dashboard")),
    "forwarded": (("Forwarded", "for=127.0.0.1;host=evil.example;proto=https"),),
    "another method": (("X-HTTP-Method-Override", "POST"),),
    "another host": (("Host", "evil.example"),),
    "host with a name": (("Host", "evil.example@127.0.0.1:3000"),),
    "a bearer": (("Authorization", "Bearer guessed"), ("Authorization", "Basic VTBPTElWSUE6")),
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_no_header_is_a_way_in(house: FrontDoor, visit: VisitedAddress, headers: tuple[tuple[str, str], ...]) -> None:
    """What a proxy might add gives nobody a session, and no address in an answer is made of it."""
    for path in ("/dashboard", "/dashboard/", f"{OPEN}?link=x"):
        seen = visit.get(path, None, *headers)
        assert seen.status in (403, 404)
        assert FIGURE not in seen.text
        assert "evil.example" not in seen.text + str(seen.headers)
    with_link = visit.send(
        "POST",
        OPEN,
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", PUBLIC),
        *headers,
        body=f"link={link_for(house)}".encode(),
    )
    assert (with_link.status, with_link.headers["Location"]) == (303, "/dashboard")
    assert "evil.example" not in str(with_link.headers)


def test_there_is_no_open_redirect(house: FrontDoor, visit: VisitedAddress) -> None:
    """Where a link leads to is not in the request: more fields change nothing."""
    fields = {"link": link_for(house), "next": "https://evil.example", "redirect": "//evil.example"}
    seen = visit.press(f"{OPEN}?next=//evil.example", fields)
    assert (seen.status, seen.headers["Location"]) == (303, "/dashboard")


def test_cookie_is_kept_from_others(house: FrontDoor, visit: VisitedAddress) -> None:
    """The cookie is HttpOnly, for this site's own requests alone, for the dashboard's path, and ends after hours."""
    seen = visit.press(OPEN, {"link": link_for(house)})
    [cookie] = seen.headers.get_all("set-cookie", [])
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert flags == {"httponly", "samesite=strict", "path=/dashboard", "max-age=28800"}
    assert len(str(seen.cookie)) == 43


def test_with_https_the_cookie_is_this_hosts_alone(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str
) -> None:
    """Only this host can set a cookie with that prefix, and it never goes over a connection without TLS."""
    public = "https://deskhand.example.com"
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", public)
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url) as house:
        visit = VisitedAddress(house.url.removesuffix("/slack/events"))
        with house.database.write() as session:
            link = dashboard_links.make(session, door(house), OWNER).partition("link=")[2]
        seen = visit.press(OPEN, {"link": link}, origin=[("Origin", public)])
        [cookie] = seen.headers.get_all("set-cookie", [])
        name, _, secret = cookie.partition(";")[0].partition("=")
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert (name, flags) == (
            "__Host-deskhand",
            {"httponly", "secure", "samesite=strict", "path=/", "max-age=28800"},
        )
        assert visit.get("/dashboard", None, ("Cookie", f"{name}={secret}")).status == 200
        assert visit.get("/dashboard", secret).status == 403


def test_signing_out_ends_the_session(house: FrontDoor, visit: VisitedAddress) -> None:
    """What the browser or somebody else has kept of it is of no use afterwards."""
    secret = opened(visit, link_for(house))
    seen = visit.press(SIGN_OUT, {}, secret)
    assert (seen.status, "You are signed out" in seen.text) == (200, True)
    assert 'deskhand-dashboard=""' in str(seen.headers["set-cookie"])
    assert visit.get("/dashboard", secret).status == 403
    assert audited(house)[-1] == ("session_ended", OWNER, "signed out")
    assert visit.press(SIGN_OUT, {}, secret).status == 200
    assert visit.press(SIGN_OUT, {}).status == 200


def test_new_session_replaces_that_of_the_same_browser(house: FrontDoor, visit: VisitedAddress) -> None:
    """The secret that the browser had is of no use any more, whoever has it."""
    before = opened(visit, link_for(house))
    after = visit.press(OPEN, {"link": link_for(house, RESPONDER)}, before).cookie
    assert after is not None
    assert visit.get("/dashboard", before).status == 403
    assert visit.get("/dashboard", after).status == 200
    assert ("session_ended", OWNER, "replaced") in audited(house)


def test_html_in_a_name_is_text(house: FrontDoor, visit: VisitedAddress) -> None:
    """A person who calls themselves a script is shown as these letters."""
    name = "<script>alert(1)</script>\"><b onclick='x'>"
    house.act("user", OWNER, says={"real_name": name, "profile": {"real_name": name, "email": "olivia@example.com"}})
    page = visit.get(f"{OPEN}?link={link_for(house)}")
    assert page.status == 200
    assert "<script" not in page.text
    assert "<b onclick" not in page.text
    assert html.escape("<script>alert(1)</script>") in page.text


def test_refusals_cannot_flood_the_audit_log(house: FrontDoor, visit: VisitedAddress) -> None:
    """Of many bad links twenty are recorded; what concerns a real person's link is recorded all the same."""
    for _ in range(40):
        visit.get(f"{OPEN}?link=nonsense")
    assert audited(house) == [("refused", "unknown", "not signed by us")] * 20
    link = link_for(house)
    opened(visit, link)
    visit.press(OPEN, {"link": link})
    assert audited(house)[-1] == ("refused", OWNER, "used before or withdrawn")


def test_every_answer_of_the_door_is_strict(house: FrontDoor, visit: VisitedAddress) -> None:
    """The page of a link, its use and every refusal are not stored, framed or run, and tell no other site of it."""
    link = link_for(house)
    answers: list[Seen] = [visit.get(f"{OPEN}?link={link}"), visit.press(OPEN, {"link": link})]
    answers += [visit.press(OPEN, {"link": link}), visit.press(SIGN_OUT, {})]
    for seen in answers:
        assert seen.headers["Cache-Control"] == "no-store"
        assert seen.headers["Referrer-Policy"] == "no-referrer"
        assert seen.headers["Content-Security-Policy"].startswith("default-src 'none';")


def test_leaver_is_refused_by_the_page_of_the_button(house: FrontDoor, visit: VisitedAddress) -> None:
    """A link that was made before its person left is refused, and a return does not bring a used one back."""
    link = link_for(house)
    house.leaves(OWNER)
    assert visit.press(OPEN, {"link": link}).cookie is None
    with house.database.write() as session:
        members.note_return(session, OWNER)
    assert opened(visit, link), "it was never used, and its time is not over"


def test_a_session_lasts_eight_hours_at_most() -> None:
    """And a link ten minutes."""
    assert (doorway.SESSION.total_seconds(), dashboard_links.LASTS.total_seconds()) == (28_800, 600)
