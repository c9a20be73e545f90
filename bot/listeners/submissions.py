"""Reads a submitted form, and looks up the person who sent it and the person chosen in it."""

from dataclasses import dataclass, replace
from typing import Any

from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.rights import Membership

PERSON = "to"
"The form's field for a person."


@dataclass(frozen=True, slots=True)
class Form:
    """A submitted form."""

    view_id: str
    user: str
    membership: Membership
    "What Slack says of the person who sent it, if they have a role."
    chosen: Membership
    "What Slack says of the person chosen in it; unchecked when nobody is."
    values: dict[str, dict[str, dict[str, Any]]]

    def text(self, block: str) -> str:
        """Return the text of a field; empty when there is none."""
        return (self._value(block).get("value") or "").strip()

    def option(self, block: str) -> str:
        """Return the value of the chosen option; empty when none is."""
        return str((self._value(block).get("selected_option") or {}).get("value", ""))

    def options(self, block: str) -> tuple[str, ...]:
        """Return the values of the chosen options of a list in which several may be chosen."""
        return tuple(str(one.get("value", "")) for one in self._value(block).get("selected_options") or ())

    def has_ticked(self, block: str) -> bool:
        """Return whether a box is ticked."""
        return bool(self._value(block).get("selected_options"))

    def person(self) -> str:
        """Return the id of the chosen person, from a list or from all members; empty when nobody is."""
        return str(self._value(PERSON).get("selected_user") or self.option(PERSON))

    def _value(self, block: str) -> dict[str, Any]:
        return next(iter(self.values.get(block, {}).values()), {})


def read(ctx: ListenerContext, body: dict[str, Any]) -> Form:
    """Read a form, and look up the people in it; no transaction may be open."""
    user, view = body["user"]["id"], body["view"]
    membership = ctx.membership(user, buttons.team_of(body))
    form = Form(view["id"], user, membership, Membership.UNCHECKED, view["state"]["values"])
    return replace(form, chosen=ctx.membership(form.person(), "")) if form.person() else form


def first_field(body: dict[str, Any]) -> str | None:
    """Return the first field of a submitted form; None when the request is no form, or one without fields."""
    return next(iter(body["view"]["state"]["values"]), None) if body.get("type") == "view_submission" else None


def fits_a_form(why: str) -> bool:
    """Return whether a text can be shown below a field: Slack renders no mentions and no times there."""
    return "<" not in why


class Wrong(Exception):
    """The value of a field is not allowed; the message is shown below the field."""

    def __init__(self, block: str, why: str) -> None:
        super().__init__(why)
        self.block = block


def required(form: Form, block: str, why: str) -> str:
    """Return the text of a field.

    Raises:
        Wrong: it is empty.
    """
    text = form.text(block)
    if not text:
        raise Wrong(block, why)
    return text
