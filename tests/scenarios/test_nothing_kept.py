"""Secrets that people write go through everything the product does, and are afterwards nowhere: each place is searched.

What a person wrote themselves stands in Slack, and what a responder sent on purpose is read by its requester there:
nothing else may hold a raw secret.
"""

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.slack.handoffs import queue_card
from bot.slack.reports import case_form
from bot.store.audit import gaps
from bot.store.schema import CaseProposal, Turn, now
from bot.telemetry import spans
from bot.telemetry.spans import SpanRecord, Tracing
from bot.telemetry.trace_ids import TraceIds
from tests.support.approval_door import ask_approval
from tests.support.command_line import deskhand
from tests.support.dashboard_visits import PUBLIC, VisitedAddress, with_session
from tests.support.factories import everything
from tests.support.json_object import Json
from tests.support.product_harness import Place, change_card, furnished
from tests.support.web_harness import Card
from tests.support.workspace_names import BOT, HELP, QUEUE, TEAM

MAYA, LENA, FINN, PRIYA, OLIVIA = "U0MAYA", "U0LENA", "U0FINN", "U0PRIYA", "U0OLIVIA"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCquincekey\n-----END PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxdWluY2UtNDcxMSJ9.SflKxwRJSMeKKF2QT4fwpMeJf36P"
ASKED: dict[str, dict[str, str]] = {
    "en": {
        "I am locked out of my account, my password is {}": "Quince!Harbor77",
        "I am locked out. The one-time code was {}": "604917",
        "I am locked out and was charged on card {}": "4539 5787 6362 1486",
        "I am locked out, my SSN is {}": "536-22-8714",
        "I am locked out, my backup code is {}": "7f3k-92qd",
        "I am locked out, and curl says 401 with {}": "ghp_Zq81mPwQxv7TtLrB3nCd5fGh7jKl9mNp1qRs",
    },
    "de": {
        "Mein Konto ist gesperrt, mein Passwort lautet {}": "Wolkig#Bruecke58",
        "Mein Konto ist gesperrt, meine IBAN ist {}": "DE27 1002 0030 7453 1196 48",
        "Mein Konto ist gesperrt, ruf mich an unter {}": "+49 171 5550193",
        "Mein Konto ist gesperrt, frag auch {}": "petra.unbekannt@fremd.example",
        "Mein Konto ist gesperrt, das Token ist {}": "xoxb-918273645546-quincetoken77",
    },
    "fr": {
        "Mon compte est bloqué, mon mot de passe est {}": "Nuage%Tulipe41",
        "Mon compte est bloqué, numéro de sécurité sociale {}": "1 85 05 78 006 084 91",
        "Mon compte est bloqué, la clé est {}": "AKIAQUINCE7EXAMPLE42",
        "Mon compte est bloqué, appelez le {}": "06 39 98 41 27",
    },
    "es": {
        "Mi cuenta está bloqueada, mi contraseña es {}": "Girasol&Puente93",
        "Mi cuenta está bloqueada, el token es {}": JWT,
        "Mi cuenta está bloqueada, la clave privada es {}": KEY,
        "Mi cuenta está bloqueada, el código es {}": "839 215",
    },
}
"By language: what somebody writes, and the secret in it."
HANDED_OFF, FOLLOWED = "Kiwi$Lantern62", "Mango?Copper35"
RELAYED, RESOLVED, PROPOSED, WHY, TYPED, DENIED = (
    "Fjord!Pebble84",
    "Tundra&Violet29",
    "Cobalt#Meadow17",
    "Saffron%River48",
    "Walnut!Comet53",
    "Indigo?Birch66",
)


@pytest.fixture
def lived(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, spacious: Path, tmp_path: Path
) -> Iterator[Place]:
    """Open the house on PostgreSQL, with its dashboard and somebody who approves."""
    change_card(spacious, lambda card: card["handoff"].update(approvers=[PRIYA]))
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", PUBLIC)
    with furnished(monkeypatch, database_url=postgres_url, redis_url=redis_url, config=spacious) as opened:
        place = Place(*opened, tmp_path / "none")
        place.passes()
        yield place


def typed(text: str | None) -> Json:
    """Return what Slack sends of a field that is typed into."""
    return {"type": "plain_text_input", "value": text}


def ask_all(place: Place) -> None:
    """Let somebody ask in each language, once for each kind of secret."""
    for texts in ASKED.values():
        for text, secret in texts.items():
            place.front.resolve_all()
            place.asks_anew(MAYA, f"<@{BOT}> {text.format(secret)}")


def hand_off_and_answer(place: Place) -> Card:
    """Let a ticket go to people: a claim, words of both sides, a secret of the responder's, and a resolution."""
    front = place.front
    ts = place.asks_anew(LENA, f"<@{BOT}> I lost my phone. My password is {HANDED_OFF}")
    handoff = place.last_handoff()
    card = Card(handoff.id, LENA, ts, front.card(handoff.id))
    front.press(PRIYA, card, "claim")
    front.say(LENA, HELP, f"my new password is {FOLLOWED}", thread_ts=ts)
    front.work()
    front.say(PRIYA, QUEUE, f"> Your first password is {RELAYED}", thread_ts=card.message["ts"])
    front.work()
    [asked] = [one for one in front.below(card) if "handoff.send" in json.dumps(one.get("blocks"))]
    front.choose(PRIYA, asked, QUEUE, "send")
    assert [said for _, said in front.under_a_name(card)] == [f"Your first password is {RELAYED}"]
    front.press(PRIYA, front.refreshed(card), "resolve")
    done = {"category": "second_factor", "agent_could": "no"}
    assert list(fill(place, PRIYA, done=f"Set the password to {RESOLVED}.", **done)) == ["done"]
    assert fill(place, PRIYA, done="Set a new password.", **done) == {}
    return front.refreshed(card)


def propose(place: Place, card: Card) -> None:
    """Let the handoff be proposed as a case, edited and accepted."""
    front = place.front
    press(place, PRIYA, queue_card.PROPOSE, str(card.handoff), {"container": below(card)})
    [proposal] = front.rows(CaseProposal)
    front.act("home", PRIYA)
    home = {"container": {"type": "view", "view_id": "V0"}}
    press(place, PRIYA, case_form.EDIT, case_form.metadata(proposal), home)
    words = {"says": f"my password is {PROPOSED}", "why": f"The password is {WHY}", "accounts": "kim: {}"}
    assert fill(place, PRIYA, do=case_form.KEEP, slice="second_factor", id="second-factor-quince", **words) == {}


def press(place: Place, user: str, action: str, value: str, where: Json) -> None:
    """Press a button that is sought by its action."""
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A0"}
    pressed = {"block_id": "b", "action_id": action, "type": "button", "value": value}
    trigger = {"trigger_id": place.front.world.issued.new_trigger(user)}
    assert place.front.payload({**who, **where, **trigger, "type": "block_actions", "actions": [pressed]})[0] == 200
    place.front.work()


def below(card: Card) -> Json:
    """Return where the button of a card is."""
    return {"type": "message", "channel_id": QUEUE, "message_ts": card.message["ts"]}


def fill(place: Place, user: str, **answers: str) -> Json:
    """Send the form that is open, with these answers and else with what it shows; return its errors."""
    values: Json = {}
    for block in place.front.sees(user)["view"]["blocks"]:
        if block["type"] == "input":
            name, element = block["block_id"], block["element"]
            values[name] = {element["action_id"]: _answered(element, answers.get(name))}
    errors: Json = place.front.fill(user, values).get("errors") or {}
    return errors


def _answered(element: Json, answer: str | None) -> Json:
    if element["type"] == "plain_text_input":
        return typed(element.get("initial_value") if answer is None else answer)
    chosen = [one for one in element.get("options", ()) if one["value"] == answer]
    if element["type"].startswith("multi_"):
        return {"type": element["type"], "selected_options": element.get("initial_options", [])}
    return {"type": element["type"], "selected_option": chosen[0] if chosen else element.get("initial_option")}


def deny(place: Place) -> None:
    """Let an approver say no to a call, with a secret in the reason."""
    asked = ask_approval(place.front, FINN, account_id="acc-finn")
    asked.press(PRIYA, "approval.deny")
    assert place.front.fill(PRIYA, {"reason": {"reason": typed(f"Come by, the password is {DENIED}")}})["ok"]


def held_by_redis(redis: Any) -> list[str]:
    """Return all that Redis holds, names included; jobs are compressed."""
    found: list[bytes] = []
    for key in redis.scan_iter():
        kind, held = redis.type(key).decode(), [key]
        if kind == "hash":
            held += [part for pair in redis.hgetall(key).items() for part in pair]
        elif kind == "string":
            held.append(redis.get(key) or b"")
        elif kind == "list":
            held += redis.lrange(key, 0, -1)
        elif kind == "set":
            held += redis.smembers(key)
        elif kind == "zset":
            held += redis.zrange(key, 0, -1)
        else:
            held += [part for _, fields in redis.xrange(key) for pair in fields.items() for part in pair]
        found += held
    return [part.decode(errors="replace") for part in map(_plain, found)]


def _plain(part: bytes) -> bytes:
    try:
        return zlib.decompress(part)
    except zlib.error:
        return part


def said_by_us(place: Place) -> list[str]:
    """Return what of ours Slack shows to anybody: messages, forms, homes and what only one person sees."""
    found: list[str] = []
    for user in (MAYA, LENA, FINN, PRIYA, OLIVIA, "U0BEN"):
        seen = place.front.sees(user)
        ours = [one for said in seen.pop("messages").values() for one in said if one.get("bot_id")]
        found += [json.dumps(part, ensure_ascii=False) for part in (*ours, seen)]
    return found


def told(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the command line says on both of its outputs."""
    capfd.readouterr()
    assert deskhand(*words) == 0
    return "".join(capfd.readouterr())


def pages(place: Place, tickets: Sequence[int]) -> list[str]:
    """Return the dashboard as an owner sees it: its overview and the page of each ticket."""
    address = VisitedAddress(place.front.url.removesuffix("/slack/events"))
    secret = with_session(place.front.database, OLIVIA)
    seen = [address.get(path, secret) for path in ("/dashboard", *(f"/dashboard/tickets/{one}" for one in tickets))]
    assert {one.status for one in seen} == {200}
    return [one.text for one in seen]


def squeezed(text: str) -> str:
    """Return a text without what JSON, HTML or a person puts between the characters of a secret."""
    plain = text.replace("\\n", "").replace("&amp;", "&").replace("\\u0026", "&").replace("&#x27;", "'")
    return re.sub(r"\s", "", plain)


def found_in(texts: Sequence[str], secrets: Sequence[str]) -> list[tuple[str, str]]:
    """Return each secret that stands in one of the texts, with the text; a short number as a word of its own only."""
    found = []
    for text in texts:
        plain = squeezed(text)
        for secret in secrets:
            short = re.fullmatch(r"[\d ]{1,8}", secret)
            there = re.search(rf"(?<![\w.]){secret}(?!\w)", text) if short else squeezed(secret) in plain
            if there:
                found.append((secret, text[:200]))
    return found


def test_a_secret_that_was_written_is_nowhere(lived: Place, capfd: pytest.CaptureFixture[str]) -> None:
    """No table, no key of Redis, no log line, no span, no page, no export and no message of ours in Slack holds one."""
    made: list[SpanRecord] = []
    spans.switch(Tracing(TraceIds.of("xoxb-test", "deskhand:1:"), made.append))
    try:
        with structlog.testing.capture_logs() as lines:
            ask_all(lived)
            card = hand_off_and_answer(lived)
            propose(lived, card)
            lived.front.act(
                "command", PRIYA, channel=QUEUE, command="/agent-eval", text=f"case {TYPED} password {TYPED}"
            )
            lived.front.work()
            deny(lived)
            logged = capfd.readouterr()
            tickets = sorted({turn.ticket_id for turn in lived.front.rows(Turn)})
            shown = [
                *pages(lived, tickets),
                told(capfd, "eval", "proposals", "list", "--json"),
                told(capfd, "audit", "export"),
            ]
            shown += [told(capfd, "ticket", str(one), "--json") for one in tickets]
    finally:
        spans.switch(None)
    asked = [secret for texts in ASKED.values() for secret in texts.values()]
    secrets = [*asked, HANDED_OFF, FOLLOWED, RELAYED, RESOLVED, PROPOSED, WHY, TYPED, DENIED]
    kept = everything(lived.front.database)
    written = {row["text"] for row in kept["inbox_events"]}
    assert len([text for text in written if "[" in text]) >= len(asked), "each request was stored, redacted"
    seen = {
        "tables": [repr(row) for rows in kept.values() for row in rows],
        "Redis": held_by_redis(lived.front.redis),
        "log": [*map(repr, lines), *logged],
        "spans": [repr(one) for one in made],
        "pages and exports": shown,
    }
    assert all(seen.values()), {place: len(texts) for place, texts in seen.items()}
    assert {place: found for place, texts in seen.items() if (found := found_in(texts, secrets))} == {}
    with lived.front.database.read() as session:
        assert gaps.find(session, at=now() + 2 * gaps.GRACE) == [], "and each act of it is on record"
    relayed = found_in(said_by_us(lived), secrets)
    assert {secret for secret, _ in relayed} == {RELAYED}, relayed
