"""Answers, seen only by their author, to mentions of the bot in a queue channel, which takes no requests."""

from bot.casework import limit_notices
from bot.casework.context import FollowUp, HearingContext
from bot.slack.handoffs import relay
from bot.slack.sentences import say, spoken_by
from bot.store.db import Session
from bot.store.tickets.tickets import Heard

HERE = "This channel is where people find the requests that need them, so I take none here."
BELOW = (
    "I do not answer here: what you write below a card stays among responders, and is for people. "
    f"To write to the requester, begin your message with `{relay.SEND_MARKS[0]}`."
)


def elsewhere(session: Session, ctx: HearingContext, heard: Heard) -> str:
    """Return the sentence that says where the bot helps: without any agent, nowhere."""
    if not ctx.agents:
        return say("where.nowhere", spoken_by(session, heard.user))
    directly = bool(ctx.directly())
    return say("where.channel_or_direct" if directly else "where.channel", spoken_by(session, heard.user))


def in_queue_channel(ctx: HearingContext, session: Session, heard: Heard) -> FollowUp:
    """Tell a person who calls the bot in a queue channel where it helps, once an hour."""
    limit_notices.once(session, heard, f"aside:{heard.channel}", f"{HERE} {elsewhere(session, ctx, heard)}", None)
    return FollowUp(say_in=0)


def below_card(session: Session, heard: Heard, follow_up: FollowUp) -> FollowUp:
    """Tell a person who calls the bot below a card who reads there, once an hour; add that to the follow-up."""
    if relay.is_certain(heard.text):
        return follow_up
    limit_notices.once(session, heard, f"aside:below:{heard.channel}", BELOW, None)
    return FollowUp(turn_id=follow_up.turn_id, say_in=follow_up.say_in or 0)
