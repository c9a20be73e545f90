"""Slack's rules for blocks, messages and views: which block is allowed where, how many, and how long.

Pure. `complaints` is empty for what Slack would accept; where a limit is known, we are never more lenient.
"""

from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.slack import elements as el
from bot.sandbox.slack import tables
from bot.sandbox.slack.elements import PLAIN, Complaints, complaint, items, string, text
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.seed import Json

MESSAGE, MODAL, HOME = "message", "modal", "home"
MOST_BLOCKS = {MESSAGE: 50, MODAL: 100, HOME: 100}
MESSAGE_CHARACTERS = 13_200
MARKDOWN_CHARACTERS = 12_000
CHARTS_PER_MESSAGE = 2


def complaints(blocks: Any, surface: str, pointer: str = "/blocks") -> list[str]:
    """Return Slack's complaints about these blocks on a message, a modal or the Home tab."""
    if not isinstance(blocks, list):
        return [complaint("must provide an array", pointer)]
    found = [] if len(blocks) <= MOST_BLOCKS[surface] else [_too_many(surface, pointer)]
    for index, block in enumerate(blocks):
        found += _block(block, f"{pointer}/{index}", surface)
    known = [block for block in blocks if isinstance(block, dict)]
    found += _same_block_ids(known, pointer)
    markdown = sum(len(str(block.get("text"))) for block in known if block.get("type") == "markdown")
    if markdown > MARKDOWN_CHARACTERS:
        found.append(complaint(f"must be less than {MARKDOWN_CHARACTERS + 1} characters", pointer))
    if sum(1 for block in known if block.get("type") == "data_visualization") > CHARTS_PER_MESSAGE:
        found.append(complaint(f"no more than {CHARTS_PER_MESSAGE} data_visualization blocks", pointer))
    return found


def view_complaints(view: Any) -> list[str]:
    """Return Slack's complaints about this modal or Home tab."""
    if not isinstance(view, dict):
        return [complaint("must provide an object", "/view")]
    surface = view.get("type")
    if surface not in {MODAL, HOME}:
        return [complaint(f"unsupported type: {surface}", "/view/type")]
    found = list(items(view, "blocks", "/view", 100, least=0)) or complaints(view["blocks"], surface, "/view/blocks")
    found += string(view, "private_metadata", "/view", 3000, least=0, required=False)
    found += string(view, "callback_id", "/view", 255, least=0, required=False)
    found += string(view, "external_id", "/view", 255, least=0, required=False)
    if surface == HOME:
        found += [complaint(f"unexpected field: {key}", "/view") for key in ("submit", "close") if view.get(key)]
        return found
    found += text(view, "title", "/view", 24, kinds=PLAIN)
    found += text(view, "submit", "/view", 24, kinds=PLAIN, required=False)
    found += text(view, "close", "/view", 24, kinds=PLAIN, required=False)
    needs_submit = any(isinstance(b, dict) and b.get("type") == "input" for b in view.get("blocks") or ())
    if needs_submit and not view.get("submit"):
        found.append(complaint("missing required field: submit", "/view"))
    return found


def characters(value: Any) -> int:
    """Count the characters of every text inside blocks, as `msg_blocks_too_long` counts them."""
    if isinstance(value, list):
        return sum(characters(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = len(value["text"]) if isinstance(value.get("text"), str) else 0
    return own + sum(characters(item) for item in value.values())


def with_ids(blocks: list[Json]) -> list[Json]:
    """Give a block_id to every block that has none, as Slack does; action ids too."""
    return [_with_id(block) for block in blocks]


def interactive(blocks: Any) -> Iterator[tuple[str, Json]]:
    """Yield every interactive element, with the id of its block."""
    for block in blocks or ():
        held = [block.get("accessory"), block.get("element")]
        held += block.get("elements") or []
        held += block.get("actions") or []
        for one in held:
            if isinstance(one, dict) and "action_id" in one:
                yield str(block.get("block_id")), one
        yield from interactive(block.get("child_blocks"))


def _with_id(block: Json) -> Json:
    filled = {**block, "block_id": block.get("block_id") or new_id("b")}
    for key in ("elements", "actions"):
        if isinstance(filled.get(key), list) and filled["type"] != "rich_text":
            filled[key] = [_with_action_id(one) for one in filled[key]]
    for key in ("accessory", "element"):
        if isinstance(filled.get(key), dict):
            filled[key] = _with_action_id(filled[key])
    if isinstance(filled.get("child_blocks"), list):
        filled["child_blocks"] = with_ids(filled["child_blocks"])
    return filled


def _with_action_id(one: Any) -> Any:
    plain = {"image", "plain_text", "mrkdwn", "card"}
    if not isinstance(one, dict) or one.get("type") in plain or one.get("action_id"):
        return one
    return {**one, "action_id": new_id("a")}


def _too_many(surface: str, pointer: str) -> str:
    return complaint(f"no more than {MOST_BLOCKS[surface]} items allowed", pointer)


def _same_block_ids(blocks: list[Json], pointer: str) -> Complaints:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            yield complaint(f"`block_id` {block_id} already exists", f"{pointer}/{index}/block_id")
        seen.add(str(block_id))


def _block(block: Any, pointer: str, surface: str) -> Complaints:
    if not isinstance(block, dict):
        yield complaint("must provide an object", pointer)
        return
    kind = str(block.get("type"))
    if kind not in _RULES:
        yield complaint(f"unsupported type: {kind}", f"{pointer}/type")
        return
    rule, surfaces = _RULES[kind]
    if surface not in surfaces:
        yield complaint(f"unsupported type: {kind} is not allowed in a {surface}", f"{pointer}/type")
        return
    yield from string(block, "block_id", pointer, 255, required=False)
    yield from rule(block, pointer)


def _section(block: Json, pointer: str) -> Complaints:
    if not block.get("text") and not block.get("fields"):
        yield complaint("missing required field: text or fields", pointer)
    yield from text(block, "text", pointer, 3000, required=False)
    if block.get("fields"):
        yield from items(block, "fields", pointer, 10)
        for index, field in enumerate(block["fields"]):
            yield from el.text_object(field, f"{pointer}/fields/{index}", 2000)
    if block.get("accessory"):
        yield from el.element(block["accessory"], f"{pointer}/accessory", el.FOR_SECTION)


def _elements(most: int, allowed: tuple[str, ...], key: str = "elements") -> Callable[[Json, str], Complaints]:
    def check(block: Json, pointer: str) -> Complaints:
        broken = list(items(block, key, pointer, most))
        yield from broken
        if broken:
            return
        seen: set[str] = set()
        for index, one in enumerate(block[key]):
            place = f"{pointer}/{key}/{index}"
            yield from el.element(one, place, allowed)
            action_id = one.get("action_id") if isinstance(one, dict) else None
            if action_id in seen:
                yield complaint(f"`action_id` {action_id} already exists", f"{place}/action_id")
            if action_id:
                seen.add(action_id)

    return check


def _context(block: Json, pointer: str) -> Complaints:
    broken = list(items(block, "elements", pointer, 10))
    yield from broken
    if broken:
        return
    for index, one in enumerate(block["elements"]):
        place = f"{pointer}/elements/{index}"
        if isinstance(one, dict) and one.get("type") == "image":
            yield from el.element(one, place, ("image",))
        else:
            yield from el.text_object(one, place, 3000)


def _input(block: Json, pointer: str) -> Complaints:
    yield from text(block, "label", pointer, 2000, kinds=PLAIN)
    yield from text(block, "hint", pointer, 2000, kinds=PLAIN, required=False)
    yield from el.element(block.get("element"), f"{pointer}/element", el.FOR_INPUT)


def _image(block: Json, pointer: str) -> Complaints:
    yield from el.element({**block, "type": "image"}, pointer, ("image",))
    yield from text(block, "title", pointer, 2000, kinds=PLAIN, required=False)


def _alert(block: Json, pointer: str) -> Complaints:
    yield from text(block, "text", pointer, 3000)
    levels = ("default", "info", "warning", "error", "success")
    if block.get("level", "default") not in levels:
        yield complaint(f"must be one of: {', '.join(levels)}", f"{pointer}/level")


def _card(block: Json, pointer: str) -> Complaints:
    if not any(block.get(key) for key in ("hero_image", "title", "actions", "body")):
        yield complaint("missing required field: hero_image, title, actions or body", pointer)
    for key, most in (("title", 150), ("subtitle", 150), ("body", 200)):
        yield from text(block, key, pointer, most, required=False)
    if block.get("actions"):
        yield from _elements(5, ("button",), "actions")(block, pointer)


def _container(block: Json, pointer: str) -> Complaints:
    if not block.get("rich_text_title"):
        yield from text(block, "title", pointer, 150, kinds=PLAIN)
    yield from text(block, "subtitle", pointer, 150, required=False)
    broken = list(items(block, "child_blocks", pointer, 10))
    yield from broken
    for index, child in enumerate([] if broken else block["child_blocks"]):
        place = f"{pointer}/child_blocks/{index}"
        if isinstance(child, dict) and child.get("type") == "container":
            yield complaint("unsupported type: container", f"{place}/type")
        else:
            yield from _block(child, place, MESSAGE)


def _carousel(block: Json, pointer: str) -> Complaints:
    broken = list(items(block, "elements", pointer, 10))
    yield from broken
    for index, card in enumerate([] if broken else block["elements"]):
        yield from _card(card if isinstance(card, dict) else {}, f"{pointer}/elements/{index}")


def _task(block: Json, pointer: str) -> Complaints:
    yield from string(block, "task_id", pointer, 255)
    yield from string(block, "title", pointer, 3000)
    states = ("pending", "in_progress", "complete", "error")
    if block.get("status") not in states:
        yield complaint(f"must be one of: {', '.join(states)}", f"{pointer}/status")


def _plan(block: Json, pointer: str) -> Complaints:
    yield from string(block, "title", pointer, 3000)
    for index, task in enumerate(block.get("tasks") or ()):
        yield from _task(task if isinstance(task, dict) else {}, f"{pointer}/tasks/{index}")


_EVERYWHERE = (MESSAGE, MODAL, HOME)
_RULES: dict[str, tuple[Callable[[Json, str], Complaints], tuple[str, ...]]] = {
    "section": (_section, _EVERYWHERE),
    "divider": (lambda _block, _pointer: iter(()), _EVERYWHERE),
    "header": (lambda block, pointer: text(block, "text", pointer, 150, kinds=PLAIN), _EVERYWHERE),
    "context": (_context, _EVERYWHERE),
    "actions": (_elements(25, el.FOR_ACTIONS), _EVERYWHERE),
    "context_actions": (_elements(5, el.FOR_CONTEXT_ACTIONS), (MESSAGE,)),
    "image": (_image, _EVERYWHERE),
    "input": (_input, _EVERYWHERE),
    "rich_text": (lambda block, pointer: items(block, "elements", pointer, 1000), _EVERYWHERE),
    "markdown": (lambda block, pointer: string(block, "text", pointer, MARKDOWN_CHARACTERS), (MESSAGE,)),
    "table": (tables.table, (MESSAGE,)),
    "data_table": (tables.data_table, (MESSAGE, HOME)),
    "data_visualization": (tables.data_visualization, (MESSAGE, HOME)),
    "alert": (_alert, (MODAL,)),
    "card": (_card, _EVERYWHERE),
    "carousel": (_carousel, (MESSAGE, HOME)),
    "container": (_container, (MESSAGE,)),
    "task_card": (_task, (MESSAGE,)),
    "plan": (_plan, (MESSAGE,)),
}
