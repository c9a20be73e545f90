"""What follows a reset of second factors: notices, and a day in which an odd sign-in is people's at once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from bot.casework import handoffs as casework
from bot.directory.local import AccountSeed, LocalDirectory, SignInSeed
from bot.errors import Transient
from bot.principals import Reason
from bot.slack.sentences import say
from bot.store import audit, members
from bot.store.approvals import approvals
from bot.store.schema import AccountWatch, Approval, Handoff, Message, SignInRow, now
from bot.store.tickets import steps, tickets, turns
from jobs import clock, takeovers
from jobs.process import WorkerContext
from tests.support.approval_rows import approved, call_of
from tests.support.factories import at_once, put, rows

HOME = SignInSeed(minutes_ago=600, ok=True, place="Berlin")


def reset(ctx: WorkerContext, *, made: bool = True, sign_ins: tuple[SignInSeed, ...] = (HOME,)) -> Approval:
    """Let a reset be approved, used and made; return its approval."""
    directory = LocalDirectory(ctx.database)
    common = {"status": "active", "factors": ["totp"]}
    maya = {"id": "maya", "email": "maya@x.example", "name": "Maya", "manager": "boss", "sign_ins": sign_ins, **common}
    boss = {"id": "boss", "email": "boss@x.example", "name": "Olivia", "slack_user": "U0OLIVIA", **common}
    directory.seed(AccountSeed.model_validate(one) for one in (maya, boss))
    found = approved(ctx.database)
    with ctx.database.write() as session:
        approvals.use(session, found.id, call_of(found.turn_id))
        turns.stop(session, found.ticket_id)
    if made:
        directory.revoke_sessions("maya", key=steps.write_key(found.turn_id, found.step))
    return found


def signs_in(ctx: WorkerContext, *, place: str | None, ok: bool = True) -> None:
    """Let somebody sign in to Maya's account now."""
    with ctx.database.write() as session:
        session.execute(insert(SignInRow).values(account_id="maya", at=now(), ok=ok, why="", place=place))


def notices(ctx: WorkerContext, account: str = "maya") -> list[str]:
    """Return what was sent to an address on file."""
    return [one.text for one in LocalDirectory(ctx.database).notices_of(account)]


def opened(ctx: WorkerContext) -> list[Handoff]:
    """Return the handoffs."""
    return rows(ctx.database, Handoff)


def test_owner_and_manager_are_told_once_at_their_addresses(ctx: WorkerContext) -> None:
    """After the reset was made, and not before; of two clocks each notice is sent once, and it is on record.

    Each reads it in their own language.
    """
    found = reset(ctx, made=False)
    with ctx.database.write() as session:
        members.store_locale(session, "U0OLIVIA", "fr-FR")
    takeovers.look(ctx)
    assert (notices(ctx), rows(ctx.database, AccountWatch)) == ([], [])
    LocalDirectory(ctx.database).revoke_sessions("maya", key=steps.write_key(found.turn_id, found.step))
    at_once(2, lambda _: takeovers.look(ctx))
    takeovers.look(ctx)
    assert notices(ctx) == [say("mail.reset_owner", "en", account="maya")]
    assert notices(ctx, "boss") == [say("mail.reset_manager", "fr", name="Maya", account="maya")]
    with ctx.database.read() as session:
        events = [row.event for row in audit.of_ticket(session, found.ticket_id)]
    assert events.count("account.watched") == 1
    [direct] = [one for one in rows(ctx.database, Message) if one.key == f"reset:approval:{found.id}"]
    assert (direct.channel, direct.ticket_id) == ("U0OLIVIA", found.ticket_id)
    assert direct.body["text"] == say("proof.reset_done", "fr", who="<@U0MAYA>")
    assert takeovers.look in clock.ROUNDS


def test_a_sign_in_from_a_place_like_before_is_not_odd(ctx: WorkerContext) -> None:
    """Nor is one that fails; the ticket stays as it is."""
    reset(ctx)
    takeovers.look(ctx)
    signs_in(ctx, place=" BERLIN")
    signs_in(ctx, place="Lagos", ok=False)
    takeovers.look(ctx)
    assert opened(ctx) == []


def test_an_odd_sign_in_is_peoples_at_once(ctx: WorkerContext) -> None:
    """With what is odd, once, whoever looks and however often; a turn that was under way ends."""
    found = reset(ctx)
    takeovers.look(ctx)
    signs_in(ctx, place="Lagos")
    at_once(2, lambda _: takeovers.look(ctx))
    takeovers.look(ctx)
    [handoff] = opened(ctx)
    assert (handoff.ticket_id, handoff.reason) == (found.ticket_id, Reason.OUT_OF_POLICY)
    assert handoff.summary.startswith("Possible takeover: the second factors of this account were reset.")
    assert "from Lagos; none from there had succeeded before" in handoff.summary
    with ctx.database.read() as session:
        events = [row.event for row in audit.of_ticket(session, found.ticket_id)]
    assert events.count("takeover.suspected") == 1


def test_people_who_have_the_ticket_read_it_in_their_thread(ctx: WorkerContext) -> None:
    """No second handoff is opened."""
    found = reset(ctx)
    takeovers.look(ctx)
    fields: dict[str, Any] = {"reason": Reason.REQUESTED, "summary": "They ask for a person.", "actor": "U0MAYA"}
    with ctx.database.write() as session:
        agent = ctx.agents["access"]
        casework.open_for(session, tickets.lock(session, found.ticket_id), agent, **fields)
    signs_in(ctx, place="Lagos")
    takeovers.look(ctx)
    assert len(opened(ctx)) == 1
    [note] = [one for one in rows(ctx.database, Message) if one.key.startswith("takeover:")]
    assert "from Lagos" in str(note.body)


def test_after_a_day_nobody_watches(ctx: WorkerContext) -> None:
    """The account is its owner's own business again."""
    found = reset(ctx)
    takeovers.look(ctx)
    put(ctx.database, Approval, found.id, used_at=now() - timedelta(hours=24))
    signs_in(ctx, place="Lagos")
    takeovers.look(ctx)
    assert opened(ctx) == []


def test_a_directory_that_is_down_delays_it(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look makes it good."""
    reset(ctx)

    def down(*_given: object) -> bool:
        raise Transient("directory: away")

    with monkeypatch.context() as patched:
        patched.setattr(LocalDirectory, "was_done", down)
        takeovers.look(ctx)
    assert notices(ctx) == []
    takeovers.look(ctx)
    assert len(notices(ctx)) == 1


@pytest.mark.parametrize(
    ("before", "place", "odd"), [(None, None, False), ("Berlin", None, True), (None, "Oslo", True)]
)
def test_a_place_that_a_directory_does_not_tell_counts_against_an_account_that_had_one(
    ctx: WorkerContext,
    before: str | None,
    place: str | None,
    odd: bool,  # noqa: FBT001 - a table
) -> None:
    """Where it has never told one, its silence says nothing."""
    reset(ctx, sign_ins=(HOME.model_copy(update={"place": before}),))
    takeovers.look(ctx)
    signs_in(ctx, place=place)
    takeovers.look(ctx)
    assert (len(opened(ctx)) == 1) is odd
