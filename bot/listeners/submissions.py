"""What somebody has sent with a form, and what Slack says now of them and of the people they chose in it."""

from dataclasses import dataclass, replace
from typing import Any

from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.rights import Membership

PERSON = "to"
"The field in which a person is chosen."


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody has submitted."""

    view_id: str
    user: str
    membership: Membership
    "What Slack says of them now, where they have a role."
    chosen: Membership
    "The same of who was chosen in it; unchecked where nobody was."
    values: dict[str, dict[str, dict[str, Any]]]

    def text(self, block: str) -> str:
        """Return what was typed."""
        return (self._value(block).get("value") or "").strip()

    def option(self, block: str) -> str:
        """Return what was chosen, empty for nothing."""
        return str((self._value(block).get("selected_option") or {}).get("value", ""))

    def person(self) -> str:
        """Return who was chosen, from responders or from everybody; empty where no one was."""
        return str(self._value(PERSON).get("selected_user") or self.option(PERSON))

    def _value(self, block: str) -> dict[str, Any]:
        return next(iter(self.values.get(block, {}).values()), {})


def read(ctx: ListenerContext, body: dict[str, Any]) -> Form:
    """Read a form, and look up who has sent it and who was chosen in it; no transaction is open."""
    user, view = body["user"]["id"], body["view"]
    membership = ctx.membership(user, buttons.team_of(body))
    form = Form(view["id"], user, membership, Membership.UNCHECKED, view["state"]["values"])
    return replace(form, chosen=ctx.membership(form.person(), "")) if form.person() else form


class Wrong(Exception):
    """A field cannot be taken as it is."""

    def __init__(self, block: str, why: str) -> None:
        super().__init__(why)
        self.block = block


def required(form: Form, block: str, why: str) -> str:
    """Return what was typed in a field.

    Raises:
        Wrong: nothing was.
    """
    text = form.text(block)
    if not text:
        raise Wrong(block, why)
    return text
