"""What Slack tells us. Every listener does four things: ack, store, queue, return.

They are `async` since the web process is; each runs its one short transaction in a thread. Nothing here
thinks. Slack is called for two things only: to open a modal, whose trigger lives three seconds, and with no
transaction open to look up who acts for people (ADR 15), whom a message names (ADR 22) and whom a form lists.

What a message becomes, and every move of a handoff, is a use case of `bot.casework`, which a listener calls once it has
read what came.

reading, shapes   what came is taken whole and in its shape, or not at all
own_events        what Slack tells of ourselves; dropped: that it drops events; tempo: how fast one person may be
context           what every listener is handed: where to store, where to queue, which agents hear, whom Slack knows
messages          each message is read, then heard; rewriting: so are edits and deletions
senders           where an event says that it and its sender belong
overhearing       the button below "Shall I look at this?", and slips that are mended; choices: which agent it is for
forms             what an app posts in no one's name; queue_edits: what is changed below cards
buttons           who pressed what, and if they may; submissions: what a form says
actions, modals, budgets, thumbs    what their buttons and forms do
takers            to whom a handoff can be given
commands, home, stop_button    slash commands and the shortcut, the App Home, the stop button
"""

from typing import TYPE_CHECKING

from bot.agent.redaction import redact
from bot.listeners import (
    actions,
    budgets,
    choices,
    commands,
    dropped,
    home,
    messages,
    modals,
    overhearing,
    own_events,
    stop_button,
    tempo,
    thumbs,
)
from bot.listeners.context import ListenerContext

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncApp


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach every listener to an app, and before them all what leaves our own acts, and people who are too fast."""
    own_events.register(app)
    dropped.register(app, ctx)
    tempo.register(app)
    redact("")  # makes its tables now, not while the first message waits to be acknowledged
    for room in (messages, overhearing, actions, thumbs, modals, budgets, commands, stop_button, home):
        room.register(app, ctx)
    choices.register(app, ctx)
