"""The one call that says a message: a post, an update, a deletion, an answer to a command."""

import html
from collections.abc import Mapping
from typing import Any, assert_never

import structlog
from slack_sdk import WebClient

from bot.slack import mrkdwn
from bot.slack.api import client as slack
from bot.slack.api import response_urls
from bot.slack.outbox import enclosures, offers, plainer
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import MessageOp

log = structlog.get_logger()

EVENT_TYPE = "deskhand_message"
AS_USER = "as_user"
"In a body: the person whose name and picture go on it."
NAMELESS = "A colleague"
"Who speaks when Slack no longer knows them; never the bot."
NAME_CHARACTERS = 80
RESPONSE_URL_TRIES = 5
"Slack takes a response_url five times."

WRONG_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch", "invalid_arguments"}
)
"Then it is said in a plainer form: plain words beat silence."
TOO_LONG = "msg_too_long"
UNSAYABLE = WRONG_BLOCKS | {TOO_LONG, "no_text"}
"Slack refuses what is said, and would refuse it anywhere."
ROOT_GONE = "root_gone"
"Our own word for it: Slack has the thread no longer, and what is said below its root lands in the channel instead."
UPDATE_BYTES = 4_000
"""Of the text of an update once `&`, `<` and `>` are escaped: a longer one is `msg_too_long`, where a post may have
40,000 characters. Slack's page says characters and means bytes (openclaw/openclaw#128613)."""


def say(client: WebClient, delivery: Delivery) -> dict[str, Any]:
    """Make the one call; return Slack's `channel` and `ts` where it gives them."""
    return post(client, delivery, offers.linked(client, delivery.body))


def landed_elsewhere(delivery: Delivery, place: Mapping[str, Any]) -> bool:
    """Return whether what was said in a thread stands at the top level of its channel: the thread's root is gone.

    In a direct conversation it stands before the one person whom it is for.
    """
    shown = place.get("message")
    in_thread = delivery.op is MessageOp.POST and delivery.ts is None and delivery.thread_ts is not None
    if not in_thread or is_direct(delivery) or not isinstance(shown, Mapping):
        return False
    return bool(place.get("ts")) and not shown.get("thread_ts")


def is_direct(delivery: Delivery) -> bool:
    """Return whether a message goes into a direct conversation, by the conversation's id."""
    return delivery.channel.startswith("D")


def post(client: WebClient, delivery: Delivery, body: dict[str, Any]) -> dict[str, Any]:
    """Say it in the fullest form that Slack takes: where it refuses the blocks in plainer ones, at last without any.

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
    """Say one form, with its text halved until it fits; what people read are the blocks, which stay whole."""
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
    """Post a message, or bring one that stands up to date, or delete it."""
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
    """Return what an update takes of a text; where there are blocks, it is these that people read."""
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
            raise  # else somebody was faster


def _signed(client: WebClient, body: dict[str, Any]) -> dict[str, Any]:
    """Put a responder's name and picture on their words."""
    if AS_USER not in body:
        return body
    person = slack.person(client, body[AS_USER])
    unsigned = {key: value for key, value in body.items() if key != AS_USER}
    if person is None:
        return {**unsigned, "username": NAMELESS}
    face = {"icon_url": person.image} if person.image else {}
    return {**unsigned, "username": person.name[:NAME_CHARACTERS], **face}


def _respond(client: WebClient, delivery: Delivery, body: dict[str, Any]) -> dict[str, Any]:
    """Answer a command where its address says."""
    if delivery.attempts > RESPONSE_URL_TRIES:
        raise slack.Rejected("response_url_used_up")
    said = {key: value for key, value in body.items() if key != "response_url"}
    response_urls.respond(body["response_url"], said, slack_api_url=client.base_url)
    return {}
