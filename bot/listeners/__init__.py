"""Listeners for what Slack sends. Every listener does four things: ack, store, queue, return.

They are `async` because the web process is; each runs its one short transaction in a thread. Slack is called for two
things only: to open a modal, whose trigger lives three seconds, and, with no transaction open, to look up who acts
(ADR 15), whom a message names (ADR 22) and whom a form lists.

What a message becomes, and every move of a handoff, is a use case of `bot.casework`. A listener calls it once it has
read the request.

reading, shapes   checks that a request has the shape of its kind, and refuses it otherwise
own_events        drops Slack's events about ourselves; dropped: Slack has dropped events
rate_limit        limits how much one person may press, command, look, edit and stop
context           what every listener needs: where to store, where to queue, the agents, look-ups in Slack
messages          reads each message and passes it on; rewriting: reads edits and deletions
senders           what an event says of the workspaces that it and its sender belong to
overhearing       the button below "Shall I look at this?", and corrected messages; choices: which agent it is for
forms             messages that an app posts without a user; queue_edits: edits and deletions below cards
buttons           who pressed which button, and whether they may; submissions: what a form says
actions, modals, budgets, thumbs    what their buttons and forms do
approvals         an approver's yes or no, and the requester who takes it back; proofs: who the requester is
surges            the button "mine is different"
candidates        the people to whom a handoff can be reassigned
dashboard         the button that makes a link to the dashboard
commands, home, stop_button    slash commands and the shortcut, the App Home, the stop button
proposals         evaluation cases from resolved handoffs: the button, the form, and the entries in App Home
evaluations       the button that confirms what was asked of `/agent-eval`
"""

from functools import partial
from typing import TYPE_CHECKING

from bot.agent.redaction import redact
from bot.listeners import (
    actions,
    approvals,
    budgets,
    choices,
    commands,
    dashboard,
    dropped,
    evaluations,
    home,
    messages,
    modals,
    overhearing,
    own_events,
    proofs,
    proposals,
    rate_limit,
    stop_button,
    surges,
    thumbs,
)
from bot.listeners.context import ListenerContext

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from collections.abc import Awaitable, Callable, Sequence

    from slack_bolt import BoltResponse
    from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

    Step = Callable[[AsyncBoltRequest], Awaitable[BoltResponse | None]]


def first_steps(ctx: ListenerContext) -> "Sequence[Step]":
    """Return what a request passes before the listeners; each step answers it, or gives None to let it go on."""
    return (
        own_events.drop_own,
        partial(dropped.hear_of_loss, ctx),
        partial(rate_limit.throttle, rate_limit.RateLimit()),
    )


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach every listener to an app."""
    redact("")  # builds its tables now, and not while the first message waits to be acknowledged
    for module in (messages, overhearing, actions, thumbs, modals, budgets, commands, dashboard, stop_button, home):
        module.register(app, ctx)
    for module in (choices, approvals, proofs, evaluations, proposals):
        module.register(app, ctx)
    surges.register(app, ctx)
