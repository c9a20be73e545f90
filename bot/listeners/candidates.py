"""Lists the people to whom a handoff can be reassigned, by name, for the form that a press opens.

Being on the list is no permission: the chosen person is looked up when the form is sent, like everybody who acts.
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
"The longest wait for names after a press: its trigger lives three seconds, and the form must still be opened."


def offered(ctx: ListenerContext, ref: HandoffRef, *, by: float) -> list[Offered] | None:
    """Return the people to whom a handoff can be reassigned, sorted by name; no transaction may be open.

    None when they cannot be listed: there are more than a list takes, two have the same name, or not all names are
    known in time.

    Args:
        ctx: gives the names.
        ref: the handoff.
        by: the latest time to wait for names, by `time.monotonic`.
    """
    holder, requester = ref.handoff.claimed_by, ref.ticket.requester
    users = rights.next_holders(ref.agent, holder=holder, requester=requester)
    with ctx.database.read() as session:
        left = members.left_of(session, users)
    users = tuple(user for user in users if user not in left)
    if len(users) > MOST_OFFERED:
        return None
    names = ctx.members_named(users, max(0.0, by - time.monotonic())) if users else {}
    if names is None:
        return None
    on_call = ref.agent.card.handoff.on_call
    found = [Offered(user, clamp(name, LONGEST_NAME), on_call=user == on_call) for user, name in names.items()]
    return sorted(found, key=_order) if len({one.name for one in found}) == len(found) else None


def _order(one: Offered) -> tuple[str, str]:
    """Return the key by which people are sorted; accents do not count."""
    letters = unicodedata.normalize("NFKD", one.name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold(), one.user
