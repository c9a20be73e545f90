"""An explanation as a message in Slack, for an owner. Pure.

Invariant: every text of it is escaped; people and channels are mentioned only where their ids stand in the explanation.
"""

import re
from collections.abc import Collection

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.stories.explanation import Explanation

MOST_PARTS = 40
"The most parts in one message: Slack takes 50 blocks."
LONGEST = 2_900
"The most characters of one part: Slack takes 3,000."
_ID = re.compile(r"(?<![\w/#@])([UWC][A-Z0-9]{2,30})(?![\w/])")


def body(page: Explanation, ids: Collection[str]) -> Body:
    """Return the message.

    Args:
        page: the explanation, with ids in place of names.
        ids: the ids of people and channels that it names.
    """

    def named(found: re.Match[str]) -> str:
        some_id = found[1]
        if some_id not in ids:
            return some_id
        return f"<#{some_id}>" if some_id.startswith("C") else f"<@{some_id}>"

    def shown(sentence: str) -> str:
        return _ID.sub(named, mrkdwn.escape(sentence))

    parts = [f"*{part.label}*\n" + "\n".join(map(shown, part.says)) for part in page.parts[:MOST_PARTS]]
    left = len(page.parts) - len(parts)
    more = f" {left} more parts are there." if left else ""
    small = f"Times are UTC. On a terminal: `deskhand audit explain {mrkdwn.escape(page.thing)}`{more}"
    heading = f"*{shown(page.heading)}*"
    sections = [mrkdwn.section(mrkdwn.clamp(text, LONGEST)) for text in (heading, *parts)]
    return mrkdwn.body(page.heading, [*sections, mrkdwn.context(small)])
