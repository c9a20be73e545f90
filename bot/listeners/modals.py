"""Forms: opened by a button, submitted to answer, resolve, reassign or give back a handoff.

A form that comes too late, because the claim has expired or somebody else has it, stays open and says so: nothing was
done, and the words are still there to copy.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_never

from bot import rights
from bot.agent import categories, standing
from bot.agent.redaction import redact
from bot.casework import handoffs as casework
from bot.casework.context import ANYWHERE, actor
from bot.listeners import buttons, candidates, submissions
from bot.listeners.buttons import HandoffRef, Press
from bot.listeners.context import ListenerContext
from bot.listeners.submissions import PERSON, Form, Wrong, required
from bot.principals import Reason
from bot.queue import RUN_TURN
from bot.rights import Forbidden
from bot.slack.handoffs import denials, handoff_modals, relay
from bot.slack.requesters import sealed
from bot.store.db import Session
from bot.store.handoffs import moves, responses
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.releases import verdicts
from bot.store.schema import Handoff, HandoffState

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

    from bot.slack.api.async_client import AsyncWebClient


Takes = Callable[[Session, HandoffRef, Form], Moved | NotMoved]
"(session, the form's handoff, form) -> the move; raises Wrong before anything is changed."


CANNOT_TAKE = {
    Forbidden.NO_AGENT: "Nobody can take it while its agent is gone.",
    Forbidden.NO_ROLE: "Choose one of the responders; nobody else can take it.",
    Forbidden.NOT_THEIRS: "Choose one of the responders; nobody else can take it.",
    Forbidden.LEFT: "They are no longer a member of this workspace.",
    Forbidden.STRANGER: "Slack does not confirm that they are a full member of this workspace.",
    Forbidden.UNCHECKED: "I could not check with Slack just now who they are. Please try again in a moment.",
}
"Why a handoff cannot be reassigned to somebody, as the form says it."
_ENDED_BY_HOLDER = {HandoffState.RESOLVED: "resolved this", HandoffState.RETURNED: "given this back"}
"What only the holder of a handoff does, who stays named on its row."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of forms."""
    for move in ("reply", "resolve", "reassign", "give_back"):
        _on_button(app, ctx, move)
    _on_form(app, ctx, "handoff.replied", "text", _reply)
    _on_form(app, ctx, "handoff.resolved", "done", _resolve)
    _on_form(app, ctx, "handoff.reassigned", "to", _reassign)
    _on_form(app, ctx, "handoff.given_back", "note", _give_back)


def _on_button(app: "AsyncApp", ctx: ListenerContext, move: str) -> None:
    @app.action(f"handoff.{move}")
    async def on_press(ack: "AsyncAck", body: dict[str, Any], client: "AsyncWebClient") -> None:
        view = await asyncio.to_thread(_form, ctx, body, move)
        if view is not None:
            await buttons.open_form(ctx, client, body, view)
        await ack()


def _on_form(app: "AsyncApp", ctx: ListenerContext, callback_id: str, first: str, takes: Takes) -> None:
    @app.view(callback_id)
    async def on_form(ack: "AsyncAck", body: dict[str, Any]) -> None:
        wrong = await asyncio.to_thread(_take, ctx, body, first, takes)
        if wrong is None:
            await ack()
        else:
            await ack(response_action="errors", errors=wrong)


def _form(ctx: ListenerContext, body: dict[str, Any], move: str) -> dict[str, Any] | None:
    """Return the form for a button, or tell the presser why there is none."""
    by = time.monotonic() + candidates.SECONDS
    press = buttons.read(ctx, body)
    with ctx.database.write() as session:
        ref = buttons.by_responder(ctx, session, press, move=move)
        allowed = ref is not None and _allowed(session, press, ref, move)
    if ref is not None and allowed:
        return _view(ctx, ref, move, by=by)
    ctx.deliver(ref.ticket.id if ref else ANYWHERE)
    return None


def _allowed(session: Session, press: Press, ref: HandoffRef, move: str) -> bool:
    """Return whether a responder gets a form; otherwise tell them why not, which is audited."""
    handoff, own = ref.handoff, ref.ticket.requester == press.user
    if handoff.state is HandoffState.CLAIMED and _may(ref, press.user, move) and not own:
        return True
    moves.refuse(session, handoff.id, press.user, move=move, why="their own request" if own else "not the holder")
    words = denials.OWN_REQUEST if own else _no_form(handoff, press.user, move)
    buttons.tell(session, press, words, ref.ticket.id)
    return False


def _may(ref: HandoffRef, user: str, move: str) -> bool:
    """Return whether somebody may make a move: the holder may make each, and an owner may reassign."""
    return ref.handoff.claimed_by == user or (move == "reassign" and user in ref.agent.card.owners)


def _no_form(handoff: Handoff, user: str, move: str) -> str:
    state = denials.explanation(NotMoved(handoff.state, handoff.claimed_by), user)
    if handoff.state is not HandoffState.CLAIMED:
        return state
    return f"{state} Only they {'or an owner ' if move == 'reassign' else ''}can do that."


def _view(ctx: ListenerContext, ref: HandoffRef, move: str, *, by: float) -> dict[str, Any]:
    match move:
        case "reply":
            return handoff_modals.reply_modal(ref.handoff.id, ref.ticket.requester)
        case "resolve":
            return handoff_modals.resolve_modal(ref.handoff.id, _categories(ref))
        case "reassign":
            return handoff_modals.reassign_modal(ref.handoff.id, candidates.offered(ctx, ref, by=by))
        case _:
            return handoff_modals.give_back_modal(ref.handoff.id)


def _take(ctx: ListenerContext, body: dict[str, Any], first: str, takes: Takes) -> dict[str, str] | None:
    """Make the move of a form; return its errors by field, or None."""
    move = takes.__name__.removeprefix("_")
    form = submissions.read(ctx, body)
    with ctx.database.write() as session:
        found = buttons.find(ctx, session, body["view"].get("private_metadata"))
        if found is None:
            return {first: "This handoff is gone."}
        who = actor(session, form.user, form.membership)
        ref = buttons.permitted(ctx, session, found, who, move=move)
        if isinstance(ref, str):
            return {first: ref}
        try:
            moved = takes(session, ref, form)
        except Wrong as wrong:
            return {wrong.block: str(wrong)}
        if isinstance(moved, NotMoved):
            buttons.not_moved(session, ref, form.user, moved, move=move)
            return {first: _not_moved(moved, form.user)}
    if moved.turn_id is not None:
        ctx.put(RUN_TURN, moved.turn_id)
    ctx.deliver(ref.ticket.id)
    return None


def _reply(session: Session, ref: HandoffRef, form: Form) -> Moved | NotMoved:
    text, key = required(form, "text", "Write something to send."), f"view:{form.view_id}"
    if sealed.holds_secret(text) and not ref.ticket.private:
        return _ask_about_secret(session, ref, form, text)
    moved = casework.spoke(session, ref.handoff.id, form.user, lease_minutes=ref.lease_minutes)
    if isinstance(moved, Moved):
        relay.replied(session, moved.handoff, moved.ticket, key=key, text=text, user=form.user)
    return moved


def _ask_about_secret(session: Session, ref: HandoffRef, form: Form, text: str) -> Moved | NotMoved:
    """Keep an answer with a secret as a draft, and ask below the card before others can read it in the thread."""
    moved = casework.renew(session, ref.handoff.id, form.user, lease_minutes=ref.lease_minutes)
    if isinstance(moved, Moved):
        draft = responses.composed(
            session,
            moved.ticket,
            key=f"view:{form.view_id}",
            channel=moved.handoff.queue_channel,
            user=form.user,
            text=redact(text),
            words=text,
            handoff_id=moved.handoff.id,
        )
        if draft is not None:
            relay.asked(session, moved.handoff, moved.ticket, draft)
    return moved


def _resolve(session: Session, ref: HandoffRef, form: Form) -> Moved | NotMoved:
    done, category, could = (
        required(form, "done", "Say what was done."),
        form.option("category"),
        form.option("agent_could"),
    )
    if sealed.holds_secret(done):
        raise Wrong("done", "Leave passwords and other secrets out here: this is kept. Send them as a reply instead.")
    known = _categories(ref)
    if category not in known:
        raise Wrong("category", "Choose what it was.")
    if could not in ("yes", "no"):
        raise Wrong("agent_could", "Choose one.")
    return casework.resolve(
        session,
        ref.handoff.id,
        form.user,
        done=redact(done),
        category=category,
        agent_could=could == "yes",
        words=known[category],
    )


def _categories(ref: HandoffRef) -> dict[str, str]:
    """Return the categories that people may choose for a handoff, by the card as it is now."""
    return categories.chosen_by("people", ref.agent.card.categories)


def _reassign(session: Session, ref: HandoffRef, form: Form) -> Moved | NotMoved:
    to, holder = form.person(), ref.handoff.claimed_by
    why = rights.barred_from(ref.agent, actor(session, to, form.chosen))
    if why is not None:
        raise Wrong(PERSON, CANNOT_TAKE[why])
    if to == ref.ticket.requester:
        raise Wrong(PERSON, "This is their own request: choose somebody else.")
    if to == holder:
        raise Wrong(PERSON, "They have it already.")
    if holder is None or not _may(ref, form.user, "reassign"):
        return NotMoved(ref.handoff.state, holder)
    lease, why_moved = ref.lease_minutes, redact(form.text("why"))
    return casework.reassign(
        session, ref.handoff.id, holder=holder, to=to, by=form.user, lease_minutes=lease, why=why_moved
    )


def _give_back(session: Session, ref: HandoffRef, form: Form) -> Moved | NotMoved:
    """Let the agent go on, unless it would certainly hand off again at once for the same reason."""
    note = redact(required(form, "note", "Write what the agent should know or do."))
    if not (now_is := standing.read(session, ref.agent)).works:
        raise Wrong("note", f"The agent is {now_is.status} and cannot go on with this.")
    pair = ref.pair if ref.handoff.reason == Reason.NOT_RELEASED else None
    if pair is not None and not verdicts.standing(session, *pair).serves:
        raise Wrong("note", "The agent is still not cleared to answer on its own, so it cannot go on with this.")
    say, key = form.text("say"), f"view:{form.view_id}"
    if say and sealed.holds_secret(say):
        raise Wrong("say", "Leave passwords and other secrets out here. Send them as a reply, and then give it back.")
    if say:
        spoke = casework.spoke(session, ref.handoff.id, form.user, lease_minutes=ref.lease_minutes)
        if isinstance(spoke, NotMoved):
            return spoke
        relay.replied(session, spoke.handoff, spoke.ticket, key=key, text=say, user=form.user)
    return casework.give_back(session, ref.handoff.id, form.user, note=note)


def _not_moved(refused: NotMoved, user: str) -> str:
    if refused.own:
        return f"{denials.OWN_REQUEST} Nothing was done."
    if refused.holder == user and refused.state in _ENDED_BY_HOLDER:  # as when our answer to this form was lost
        return f"You have {_ENDED_BY_HOLDER[refused.state]} already. This changed nothing; your words are here to copy."
    return f"You no longer have this: {_how(refused)}. Nothing was done; your words are still here to copy."


def _how(refused: NotMoved) -> str:
    match refused.state:
        case HandoffState.CLAIMED:
            return "somebody else has it now"
        case HandoffState.OPEN:
            return "the claim has ended, and everybody can take it again"
        case HandoffState.RETURNED | HandoffState.RESOLVED | HandoffState.CANCELLED:
            return f"it is {refused.state}"
        case None:
            return "it is unknown"
        case _:
            assert_never(refused.state)
