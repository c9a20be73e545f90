"""To whom a handoff can be given, by name: found between the press of a button and its form, with no transaction open.

What the form offers is no right: who is chosen in it is looked up when it is sent, like everybody who acts.
"""

import time
import unicodedata

from bot import rights
from bot.listeners.buttons import HandoffRef
from bot.listeners.context import ListenerContext
from bot.slack.handoffs.handoff_modals import LONGEST_NAME, MOST_OFFERED, Offered
from bot.slack.mrkdwn import clamp
from bot.store import members

SECONDS = 1.5
"From a press until names are waited for no more: its trigger lives three seconds, and the form has still to be opened."


def offered(ctx: ListenerContext, named: HandoffRef, *, by: float) -> list[Offered] | None:
    """Return all to whom a handoff can be given, in the order of their names.

    None when they cannot be listed: there are more than a list takes, two have one name, or not all names are known
    in time.

    Args:
        ctx: where names are asked for.
        named: what is given to another.
        by: until when names are waited for, by `time.monotonic`.
    """
    holder, requester = named.handoff.claimed_by, named.ticket.requester
    users = rights.next_holders(named.agent, holder=holder, requester=requester)
    with ctx.database.read() as session:
        left = members.left_of(session, users)
    users = tuple(user for user in users if user not in left)
    if len(users) > MOST_OFFERED:
        return None
    names = ctx.members_named(users, max(0.0, by - time.monotonic())) if users else {}
    if names is None:
        return None
    on_call = named.agent.card.handoff.on_call
    found = [Offered(user, clamp(name, LONGEST_NAME), on_call=user == on_call) for user, name in names.items()]
    return sorted(found, key=_order) if len({one.name for one in found}) == len(found) else None


def _order(one: Offered) -> tuple[str, str]:
    """Return what people are sorted by: a letter with an accent stands where the letter stands."""
    letters = unicodedata.normalize("NFKD", one.name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold(), one.user
