"""Sends stored messages, each once and in order.

A message is taken in one transaction, sent with none open, and settled in another. When the answer is lost, the row
stays `sending`; the next sender looks in Slack for the message's key, which is in its metadata, before it sends again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot import durations
from bot.errors import OutcomeUnknown, Transient
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.slack.outbox import enclosures, posting
from bot.slack.outbox.duplicates import NO_THREAD, PEOPLE, find_by_key, find_misplaced
from bot.store.db import Database
from bot.store.outbox import deliveries
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import MessageOp
from bot.telemetry import metrics, spans
from bot.telemetry.metrics import Delivered
from bot.telemetry.spans import OpenSpan

log = structlog.get_logger()

PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
"Seconds before the next tries; the last pause repeats for ever, so that everything arrives after an outage of Slack."
Elsewhere = Callable[[Delivery, str], tuple[str, dict[str, Any]] | None]
"(delivery, Slack's error code) -> another channel and body for a message that Slack will never take where it belongs."

Keep = Callable[[Delivery], AbstractContextManager[Callable[[], bool]]]
"Keeps a message's lease while a block runs; it yields a function that says whether this sender still has the lease."


@dataclass(frozen=True, slots=True)
class _Sender:
    """What a delivery needs."""

    database: Database
    client: WebClient
    elsewhere: Elsewhere
    keep: Keep


def deliver(
    database: Database,
    client: WebClient,
    *,
    ticket_id: int | None = None,
    elsewhere: Elsewhere | None = None,
    keep: Keep | None = None,
) -> int:
    """Send all messages that are due, of one ticket or of all; return how many were sent."""
    sender = _Sender(database, client, elsewhere or (lambda _delivery, _code: None), keep or _for_a_while)
    sent, before = 0, None
    while True:
        with database.look() as session:
            due = deliveries.due(session, ticket_id=ticket_id)
        went = sum(_deliver_one(sender, message_id) for message_id in due)
        sent += went
        if not due or (went == 0 and due == before):  # once more, as a failed message lets the next of its lane go
            return sent
        before = due if went == 0 else None  # a message with a new channel keeps its id, and may fail there too


@contextmanager
def _for_a_while(delivery: Delivery) -> Iterator[Callable[[], bool]]:
    """Keep a message for the lease that taking it gives, without renewals."""
    until = delivery.taken_at + durations.SENDING_LEASE
    yield lambda: time.monotonic() < until


def _deliver_one(sender: _Sender, message_id: int) -> bool:
    with sender.database.write() as session:
        delivery = deliveries.take(session, message_id)
    if delivery is None:
        return False
    try:
        return _send(sender, delivery)
    except Transient:
        raise  # the database cannot be reached; another sender takes the message when its lease is over
    except Exception as bug:  # one message must not block the others
        log.exception("message.crashed", key=delivery.key, error=type(bug).__name__)
        return False


def _send(sender: _Sender, delivery: Delivery) -> bool:
    database = sender.database
    try:
        with sender.keep(delivery) as is_ours, _span(delivery) as span:
            place = _send_once(sender, delivery, is_ours)
            if place is None:
                span.drop()
    except OutcomeUnknown as error:
        return _leave_in_doubt(database, delivery, error)
    except Transient as error:
        with database.write() as session:
            deliveries.put_back(session, delivery, error=str(error), after=_pause(delivery, error))
        metrics.MESSAGES.labels(Delivered.DELAYED).inc()
        log.warning("message.delayed", key=delivery.key, error=str(error))
        return False
    except slack.Rejected as error:
        return _rejected(sender, delivery, error)
    if place is None:
        return delivery.in_doubt
    if posting.landed_elsewhere(delivery, place):
        return _misplaced(sender, delivery, [str(place["ts"])])
    with database.write() as session:
        is_only_one = deliveries.posted(session, delivery, place.get("ts"), channel=place.get("channel"))
    metrics.MESSAGES.labels(Delivered.POSTED).inc()
    if is_only_one:
        log.info("message.posted", key=delivery.key, kind=delivery.kind, tries=delivery.attempts)
    else:
        log.warning("duplicate.found", key=delivery.key, ts=place["ts"])  # the next round deletes it
    return True


def _span(delivery: Delivery) -> OpenSpan:
    op = delivery.op if delivery.ts is None else "update"
    return spans.message(delivery.turn_id, kind=delivery.kind, op=op, tries=delivery.attempts)


def _send_once(sender: _Sender, delivery: Delivery, is_ours: Callable[[], bool]) -> dict[str, Any] | None:
    """Send a message, or return None when it is posted already or this sender's lease is over.

    Raises:
        Rejected: Slack refuses the message or the look-up; where we may not read, we may not post either.
    """
    if delivery.in_doubt:
        try:
            if not _is_still_due(sender, delivery):
                return None
        except Transient as error:
            raise OutcomeUnknown(str(error), retry_after=error.retry_after) from error
    if not is_ours():
        return None
    if enclosures.is_file(delivery.body) and delivery.ts is None:
        return _enclose(sender, delivery)
    return posting.say(sender.client, delivery)


def _enclose(sender: _Sender, delivery: Delivery) -> dict[str, Any] | None:
    """Share a file; return None when another sender has the message by then.

    If Slack refuses the file, a sentence says that there is one.
    """
    try:
        return _share(sender, delivery)
    except Transient as error:
        if "missing_scope" not in str(error):
            raise
        log.error("file.not_permitted", key=delivery.key)  # noqa: TRY400 - an operator must fix it
        return posting.post(sender.client, delivery, enclosures.NOT_PERMITTED)
    except slack.Rejected as error:
        if error.code == posting.ROOT_GONE:
            raise
        log.error("file.rejected", key=delivery.key, error=error.code)  # noqa: TRY400 - the code says it all
        return posting.post(sender.client, delivery, enclosures.NOT_TAKEN)


def _share(sender: _Sender, delivery: Delivery) -> dict[str, Any] | None:
    """Show a file in a thread; for a person, whose id takes no file, a message opens the conversation first."""
    client = sender.client
    if delivery.channel.startswith(PEOPLE):
        head = posting.post(client, replace(delivery, key=f"{delivery.key}:head"), enclosures.headed(delivery.body))
        delivery = replace(delivery, channel=str(head["channel"]), thread_ts=str(head["ts"]))
        with sender.database.write() as session:
            if not deliveries.placed(session, delivery, channel=delivery.channel, thread_ts=str(delivery.thread_ts)):
                return None

    def note(file_id: str) -> bool:
        with sender.database.write() as session:
            return deliveries.enclosed(session, delivery, file_id)

    where: dict[str, Any] = {"channel": delivery.channel, "thread_ts": delivery.thread_ts}
    if delivery.thread_ts is not None:
        next(_posted_before(sender, delivery), None)  # raises if the thread is gone: a file must not land elsewhere
    file_id = enclosures.share(client, delivery.body, before=delivery.file_id, note=note, **where)
    if file_id is None:
        return None
    found = _posted_before(sender, replace(delivery, file_id=file_id))
    return {"channel": delivery.channel, "ts": next(found, None)}


def _leave_in_doubt(database: Database, delivery: Delivery, error: Transient) -> bool:
    with database.write() as session:
        deliveries.leave_in_doubt(session, delivery, error=str(error), after=_pause(delivery, error))
    metrics.MESSAGES.labels(Delivered.UNCONFIRMED).inc()
    log.warning("message.unconfirmed", key=delivery.key, error=str(error))
    return False


def _is_still_due(sender: _Sender, delivery: Delivery) -> bool:
    """Look a message in doubt up; settle it when it is posted, or when a person has the ticket by now.

    The look-up may take longer than the lease, so the lease is renewed at the end, which fails if another has it.
    """
    found = next(_posted_before(sender, delivery), None) if delivery.op is MessageOp.POST else None
    with sender.database.write() as session:
        if found is not None:
            deliveries.found(session, delivery, found)
            return False
        if not deliveries.may_speak(session, delivery):
            deliveries.withdraw(session, delivery)
            return False
        return delivery.id in deliveries.renew(session, [delivery])


def _posted_before(sender: _Sender, delivery: Delivery) -> Iterator[str]:
    """Yield the ts of each post of a message in doubt.

    Raises:
        Rejected: its thread is gone; posts at the top level instead are marked for deletion.
    """
    where: dict[str, Any] = {"channel": delivery.channel, "key": delivery.key}
    try:
        yield from find_by_key(sender.client, thread_ts=delivery.thread_ts, file_id=delivery.file_id, **where)
    except slack.Rejected as error:
        if error.code != NO_THREAD:
            raise
        found = list(find_misplaced(sender.client, file_id=delivery.file_id, **where))
        if posting.is_direct(delivery):
            yield from found
            return
        _take_back(sender, delivery, found)
        raise slack.Rejected(posting.ROOT_GONE) from error


def _misplaced(sender: _Sender, delivery: Delivery, found: Sequence[str]) -> bool:
    """Mark posts at the top level for deletion, as their thread is gone, and find another place for the message."""
    _take_back(sender, delivery, found)
    return _rejected(sender, delivery, slack.Rejected(posting.ROOT_GONE))


def _take_back(sender: _Sender, delivery: Delivery, found: Sequence[str]) -> None:
    with sender.database.write() as session:
        for ts in found:
            deliveries.take_back(session, delivery.key, channel=delivery.channel, ts=ts)
    log.warning("message.misplaced", key=delivery.key, found=len(found))


def _rejected(sender: _Sender, delivery: Delivery, error: slack.Rejected) -> bool:
    other = sender.elsewhere(delivery, error.code)
    with sender.database.write() as session:
        if other is not None and other[0] != delivery.channel:
            deliveries.readdress(session, delivery, *other)
        else:
            deliveries.give_up(session, delivery, error=error.code)
    metrics.MESSAGES.labels(Delivered.REJECTED).inc()
    log.error("message.rejected", key=delivery.key, error=error.code, readdressed=other is not None)
    return other is not None


def _pause(delivery: Delivery, error: Transient) -> float:
    return max(error.retry_after or 0.0, PAUSES[min(delivery.attempts - 1, len(PAUSES) - 1)])
