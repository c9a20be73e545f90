"""A worker watches the clock: `jobs.clock_watch`."""

from datetime import timedelta

from bot.store.installation import heartbeats
from bot.store.schema import Heartbeat, Message, OwnerAlert, now
from jobs import clock_watch, owner_alerts, watch
from jobs.process import WorkerContext
from tests.support.factories import at_once, rows


def test_workers_tell_once_that_no_clock_is_alive(ctx: WorkerContext) -> None:
    """It is sent at once, as no clock is there to send it; a clock that has just begun knows that it is alive."""
    with ctx.database.write() as session:
        heartbeats.give(session, "clock", who="host:1")
    clock_watch.look(ctx)
    assert rows(ctx.database, OwnerAlert) == []
    with ctx.database.write() as session:
        session.query(Heartbeat).update({"at": now() - timedelta(minutes=6)})
    at_once(3, lambda _: clock_watch.look(ctx))
    clock_watch.look(ctx)
    [alert] = rows(ctx.database, OwnerAlert)
    assert (alert.subject, alert.closed_at) == ("clock", None)
    [told] = rows(ctx.database, Message)
    assert told.state == "posted"
    watch.look_around(ctx)
    owner_alerts.tell(ctx)
    assert [one.closed_at is None for one in rows(ctx.database, OwnerAlert)] == [False]
    assert len(rows(ctx.database, Message)) == 2
    assert "No clock has given a heartbeat for more than 5 minutes" in told.body["text"]
