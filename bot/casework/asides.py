"""What is answered in private where people work: a mention of the bot in the queue channel, which takes no requests."""

from bot.casework import excesses
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
    """Say where the bot helps."""
    directly = bool(ctx.directly())
    return say("where.channel_or_direct" if directly else "where.channel", spoken_by(session, heard.user))


def in_queue_channel(ctx: HearingContext, session: Session, heard: Heard) -> FollowUp:
    """Tell who calls the bot in the queue channel, and no one else, where it helps: once an hour."""
    excesses.once(session, heard, f"aside:{heard.channel}", f"{HERE} {elsewhere(session, ctx, heard)}", None)
    return FollowUp(say_in=0)


def below_card(session: Session, heard: Heard, owed: FollowUp) -> FollowUp:
    """Tell who calls the bot below a card, and no one else, who reads there: once an hour."""
    if relay.is_certain(heard.text):
        return owed
    excesses.once(session, heard, f"aside:below:{heard.channel}", BELOW, None)
    return FollowUp(turn_id=owed.turn_id, say_in=owed.say_in or 0)
