"""What Slack tells us. Every listener does four things: ack, store, queue, return.

They are `async` since the web process is; each runs its one short transaction in a thread. Nothing here
thinks. Slack is called for two things only: to open a modal, whose trigger lives three seconds, and with no
transaction open to look up who acts for people (ADR 15), whom a message names (ADR 22) and whom a form lists.

reading, shapes   what came is taken whole and in its shape, or not at all
own_events        what Slack tells of ourselves; dropped: that it drops events; tempo: how fast one person may be
context           what every listener is handed: where to store, where to queue, which agents hear
messages          a request, an answer in its thread; answers: what responders write
said, blocks      what a message says, in its sender's own words and in others'; again: what comes when it is told again
forms, asides     what an app posts in no one's name; who calls the bot where people work
bystanders        others in the thread; stepping_in: a responder takes it over; addressing: whom a word speaks to
rewriting         edits and deletions; queue_edits: what is changed below cards
choices           which agent a direct message is for, where several hear them
overhearing       what is said in a help channel without a mention; pleas: is it a request?
senders           where an event says that it and its sender belong
excesses          what somebody is told whose share is full
presses           who pressed what, and if they may; actions, modals, budgets: what their buttons and forms do; thumbs
takers            to whom a handoff can be given
commands, home, sessions    slash commands and the shortcut, the App Home, the stop button
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
    choices.register(app, ctx, messages.to_chosen)
