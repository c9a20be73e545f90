"""The one call that sends a message: a post, an update, a deletion, an answer to a command."""

import html
from collections.abc import Mapping
from typing import Any, assert_never

import structlog

from bot.slack import mrkdwn
from bot.slack.api import client as slack
from bot.slack.api import response_urls
from bot.slack.api.client import WebClient
from bot.slack.outbox import enclosures, offers, plainer
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import MessageOp

log = structlog.get_logger()

EVENT_TYPE = "deskhand_message"
AS_USER = "as_user"
"Key in a body: id of the person whose name and picture it is posted under."
NAMELESS = "A colleague"
"The name for a person whom Slack no longer knows; it must not be the bot's."
NAME_CHARACTERS = 80
"The most characters of a name."
RESPONSE_URL_TRIES = 5
"A response_url can be used five times."

WRONG_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch", "invalid_arguments"}
)
"Slack's error codes after which a simpler form is tried."
TOO_LONG = "msg_too_long"
UNSAYABLE = WRONG_BLOCKS | {TOO_LONG, "no_text"}
"Slack's error codes for a content that it would refuse in any channel."
ROOT_GONE = "root_gone"
"Our own error code: the thread is gone, and Slack would post its replies at the top level of the channel."
UPDATE_BYTES = 4_000
"""The most bytes of an update's text, with `&`, `<` and `>` escaped: a longer one is `msg_too_long`, although a post
may have 40,000 characters. Slack's page says characters and means bytes (openclaw/openclaw#128613)."""


def say(client: WebClient, delivery: Delivery) -> dict[str, Any]:
    """Send a message; return Slack's `channel` and `ts`, if it gives them."""
    return post(client, delivery, offers.linked(client, delivery.body))


def landed_elsewhere(delivery: Delivery, place: Mapping[str, Any]) -> bool:
    """Return whether a reply is at the top level of its channel, because its thread is gone.

    In a direct conversation that does not matter: its only reader still sees it.
    """
    shown = place.get("message")
    in_thread = delivery.op is MessageOp.POST and delivery.ts is None and delivery.thread_ts is not None
    if not in_thread or is_direct(delivery) or not isinstance(shown, Mapping):
        return False
    return bool(place.get("ts")) and not shown.get("thread_ts")


def is_direct(delivery: Delivery) -> bool:
    """Return whether a message goes into a direct conversation."""
    return delivery.channel.startswith("D")


def post(client: WebClient, delivery: Delivery, body: dict[str, Any]) -> dict[str, Any]:
    """Send a message in the fullest form that Slack takes, at last without any blocks.

    Raises:
        Transient, OutcomeUnknown, Rejected: see `bot.slack.api.client`.
    """
    refused = None
    for form in plainer.forms(body):
        try:
            return _fitted(client, delivery, form)
        except slack.Rejected as error:
            if error.code not in WRONG_BLOCKS | {TOO_LONG}:
                raise
            log.error("message.simplified", key=delivery.key, error=error.code)  # noqa: TRY400 - Slack's word says it all
            refused = error
    raise refused or slack.Rejected("no_text")


def _fitted(client: WebClient, delivery: Delivery, form: dict[str, Any]) -> dict[str, Any]:
    """Send one form with its text halved until it fits; its blocks, which people read, stay whole."""
    while True:
        try:
            return _write(client, delivery, form)
        except slack.Rejected as error:
            shorter = plainer.halved(form) if error.code == TOO_LONG else None
            if shorter is None:
                raise
            form = shorter


def _write(client: WebClient, delivery: Delivery, body: dict[str, Any]) -> dict[str, Any]:
    match delivery.op:
        case MessageOp.RESPOND:
            return _respond(client, delivery, body)
        case MessageOp.EPHEMERAL:
            place = {"channel": delivery.channel, "user": delivery.user, "thread_ts": delivery.thread_ts}
            slack.call(client.chat_postEphemeral, **place, **body)
            return {}
        case MessageOp.POST:
            return _post(client, delivery, body)
        case _:
            assert_never(delivery.op)


def _post(client: WebClient, delivery: Delivery, body: dict[str, Any]) -> dict[str, Any]:
    """Post a message, or update or delete a posted one."""
    if body.get("deleted") and (delivery.ts is not None or delivery.file_id is not None):
        _delete(client, delivery)
        return {"ts": delivery.ts, "channel": delivery.channel}
    if delivery.ts is not None:
        blocks = {"blocks": body["blocks"]} if "blocks" in body else {}
        slack.call(client.chat_update, channel=delivery.channel, ts=delivery.ts, text=_short(body), **blocks)
        return {"ts": delivery.ts, "channel": delivery.channel}
    return slack.call(
        client.chat_postMessage,
        channel=delivery.channel,
        thread_ts=delivery.thread_ts,
        metadata={"event_type": EVENT_TYPE, "event_payload": {"key": delivery.key}},
        unfurl_links=False,
        **_signed(client, body),
    )


def _short(body: dict[str, Any]) -> str:
    """Return a text cut to what an update takes; people read the blocks, if there are any."""
    text = whole = str(body["text"])
    room = len(whole)
    while (size := len(html.escape(text, quote=False).encode())) > UPDATE_BYTES:
        room = room * UPDATE_BYTES // size - 1
        text = plainer.cut(body, mrkdwn.clamp(whole, room))
    return text


def _delete(client: WebClient, delivery: Delivery) -> None:
    if delivery.file_id is not None:
        enclosures.delete(client, delivery.file_id)
    if delivery.ts is None:
        return
    try:
        slack.call(client.chat_delete, channel=delivery.channel, ts=delivery.ts)
    except slack.Rejected as error:
        if error.code != "message_not_found":
            raise  # otherwise somebody has deleted it before us


def _signed(client: WebClient, body: dict[str, Any]) -> dict[str, Any]:
    """Add a responder's name and picture to their message."""
    if AS_USER not in body:
        return body
    person = slack.person(client, body[AS_USER])
    unsigned = {key: value for key, value in body.items() if key != AS_USER}
    if person is None:
        return {**unsigned, "username": NAMELESS}
    face = {"icon_url": person.image} if person.image else {}
    return {**unsigned, "username": person.name[:NAME_CHARACTERS], **face}


def _respond(client: WebClient, delivery: Delivery, body: dict[str, Any]) -> dict[str, Any]:
    """Answer a command at its response_url."""
    if delivery.attempts > RESPONSE_URL_TRIES:
        raise slack.Rejected("response_url_used_up")
    content = {key: value for key, value in body.items() if key != "response_url"}
    response_urls.respond(client, body["response_url"], content)
    return {}
