"""The link that opens the dashboard, as one person sees it. Pure.

Invariant: it is only ever put into what one person sees, and is not kept once Slack has it.
"""

from typing import Any

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body
from bot.store.outbox.messages import AFTERWARDS

FOLLOWED = "dashboard.followed"
"Action id of the link's button: Slack tells us of its press, although it only opens an address."
TEXT = "Open the dashboard"
TERMS = "The link is for you alone, works once, and expires in {minutes} minutes."
SIGN_IN = "Slack asks you to sign in."


def with_link(body: Body, plainer: Body | None, address: str, *, minutes: int | None) -> tuple[Body, Body | None]:
    """Return an answer, and its plainer form, with the link below the first block; what is kept later is without it.

    Args:
        body: the answer, which one person sees.
        plainer: the answer in case Slack rejects its charts, if there is another one.
        address: the address of the link.
        minutes: the time until it expires; None where it leads to signing in with Slack.
    """
    more = _button(address, minutes)
    shown = {**_with(body, more), AFTERWARDS: body}
    return shown, None if plainer is None else _with(plainer, more)


def modal(address: str, *, minutes: int | None) -> dict[str, Any]:
    """Return the view that a press in App Home opens: it is shown to the presser alone, and is kept nowhere."""
    title, close = ({"type": "plain_text", "text": text} for text in ("Dashboard", "Close"))
    return {"type": "modal", "title": title, "close": close, "blocks": _button(address, minutes)}


def _button(address: str, minutes: int | None) -> list[Block]:
    button = ButtonElement(text=TEXT, action_id=FOLLOWED, url=address, style="primary")
    return [
        ActionsBlock(elements=[button]).to_dict(),
        mrkdwn.context(SIGN_IN if minutes is None else TERMS.format(minutes=minutes)),
    ]


def _with(body: Body, more: list[Block]) -> Body:
    return {**body, "blocks": [*body["blocks"][:1], *more, *body["blocks"][1:]]}
