"""What apps open for one person: modals, at most three on top of each other, and the Home tab.

A view's `hash` changes whenever the app changes the view, so that a late update can be refused.
"""

import secrets
from typing import Any

from bot.sandbox.slack.blocks import interactive, with_ids
from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.seed import Json, Seed

STACK_LIMIT = 3
_FROM_APP = (
    "type",
    "title",
    "submit",
    "close",
    "blocks",
    "private_metadata",
    "callback_id",
    "external_id",
    "clear_on_close",
    "notify_on_close",
)


class Surfaces:
    """Every open view and every Home tab."""

    def __init__(self, seed: Seed, changes: Changes) -> None:
        self._seed = seed
        self._changes = changes
        self.forget()

    def forget(self) -> None:
        """Close everything."""
        self.views: dict[str, Json] = {}
        self.stacks: dict[str, list[str]] = {}
        self.homes: dict[str, Json] = {}

    def open(self, user: str, given: Json) -> Json:
        """Put a modal on top of this person's open ones."""
        stack = self.stacks.setdefault(user, [])
        view = self._complete(given, new_id("V"))
        view["previous_view_id"] = stack[-1] if stack else None
        view["root_view_id"] = stack[0] if stack else view["id"]
        self.views[view["id"]] = view
        stack.append(view["id"])
        self._show_top(user)
        return view

    def replace(self, view_id: str, given: Json) -> Json:
        """Give an open modal new content; typed values stay where block and action ids are the same."""
        old = self.views[view_id]
        view = self._complete(given, view_id)
        view["previous_view_id"], view["root_view_id"] = old["previous_view_id"], old["root_view_id"]
        view["state"] = _kept(old, view)
        self.views[view_id] = view
        self._show_top(self.owner(view_id))
        return view

    def publish(self, user: str, given: Json) -> Json:
        """Set this person's Home tab; chosen values stay where block and action ids are the same."""
        old = self.homes.get(user)
        view = self._complete(given, old["id"] if old else new_id("V"))
        view["previous_view_id"], view["root_view_id"] = None, view["id"]
        if old is not None:
            view["state"] = _kept(old, view)
        self.homes[user] = view
        self._changes.add("home", {"home": view}, user=user)
        return view

    def remember(self, view_id: str, values: Json) -> Json:
        """Store what was typed or chosen in a modal or a Home tab, by block and action."""
        at_home = next((user for user, home in self.homes.items() if home["id"] == view_id), None)
        view = self.views[view_id] if at_home is None else self.homes[at_home]
        merged = {**view["state"]["values"]}
        for block_id, actions in values.items():
            merged[block_id] = {**merged.get(block_id, {}), **actions}
        view = {**view, "state": {"values": merged}}
        if at_home is None:
            self.views[view_id] = view
        else:
            self.homes[at_home] = view
        return view

    def show_errors(self, view_id: str, errors: Json) -> None:
        """Show the app's errors beside the inputs of a modal."""
        self.views[view_id] = {**self.views[view_id], "errors": errors}
        self._show_top(self.owner(view_id))

    def close(self, view_id: str) -> None:
        """Close this modal and all above it."""
        user = self.owner(view_id)
        stack = self.stacks[user]
        for gone in stack[stack.index(view_id) :]:
            del self.views[gone]
        self.stacks[user] = stack[: stack.index(view_id)]
        self._show_top(user)

    def clear(self, user: str) -> None:
        """Close all modals of this person."""
        stack = self.stacks.get(user)
        if stack:
            self.close(stack[0])

    def top(self, user: str) -> Json | None:
        """Return the modal on top, which this person sees."""
        stack = self.stacks.get(user)
        return self.views[stack[-1]] if stack else None

    def owner(self, view_id: str) -> str:
        """Return the person who has this modal open."""
        return next(user for user, stack in self.stacks.items() if view_id in stack)

    def by_external_id(self, external_id: str) -> Json | None:
        """Return the open modal or Home tab to which the app gave this id."""
        every = [*self.views.values(), *self.homes.values()]
        return next((view for view in every if view.get("external_id") == external_id), None)

    def _show_top(self, user: str) -> None:
        self._changes.add("view", {"view": self.top(user)}, user=user)

    def _complete(self, given: Json, view_id: str) -> Json:
        fields: dict[str, Any] = {key: given.get(key) for key in _FROM_APP}
        return {
            **fields,
            "id": view_id,
            "team_id": self._seed.team.id,
            "app_id": self._seed.bot.app_id,
            "app_installed_team_id": self._seed.team.id,
            "bot_id": self._seed.bot.bot_id,
            "blocks": with_ids(given["blocks"]),
            "private_metadata": given.get("private_metadata") or "",
            "callback_id": given.get("callback_id") or "",
            "external_id": given.get("external_id") or "",
            "clear_on_close": bool(given.get("clear_on_close")),
            "notify_on_close": bool(given.get("notify_on_close")),
            "state": {"values": {}},
            "hash": f"{secrets.randbelow(10**10)}.{secrets.token_hex(4)}",
            "errors": None,
        }


def _kept(old: Json, view: Json) -> Json:
    """Return the values that a replaced view keeps: only those of inputs that were there before."""
    places = {(block, element["action_id"]) for block, element in interactive(view["blocks"])}
    values: Json = {}
    for block, actions in old["state"]["values"].items():
        stay = {action: given for action, given in actions.items() if (block, action) in places}
        if stay:
            values[block] = stay
    return {"values": values}
