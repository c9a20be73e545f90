"""The stand-in's role where it has no tools on accounts but a catalogue in its prompt: it answers from that.

It derives everything from the request alone: the products from the prompt's lines, its tools and categories from their
schemas. It is as honest as the rest of the stand-in: purchases go to people, orders in messages are not followed, and
it makes up nothing that it does not know.

    # Catalogue
    - Figma: everybody. Install it from the software centre.
    - AutoCAD: a purchase.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.sandbox.standin.moves import Move, SayMove, Use
from bot.sandbox.standin.reading import Topic, plain, read
from bot.sandbox.standin.turns import Json, SeenTurn

_LINE = re.compile(r"^- ([^:\n]{2,60}): (everybody|a purchase)[.;] ?(.*)$", re.MULTILINE)
_WANTS = re.compile(
    r"\b(?:licen[cs]es?|\w{0,20}lizenz(?:en)?|subscriptions?|seats?|software|programs?|install\w*|apps?|applications?)\b"
)
_NAMED = re.compile(
    r"\b(?:licen[cs]es?|subscriptions?|seats?|copy|lizenz) (?:for|of|fur) "
    r"(?!(?:me|my|us|our|the|a|an|mich|uns)\b)\w{3,}"
    r"|\binstall (?!(?:it|this|that|some|a|an|the|new|software|programs?|apps?)\b)\w{3,}"
)
"A product by name, in the catalogue or not."
_PURPOSE = re.compile(
    r"\b(?:for (?:my|our|the|a|an|some|work|clients?|customers?)\b|because|since|so that|weil|damit"
    r"|to (?!(?:get|have|buy|install|use|ask|talk)\b)\w{3,})"
)
"Words that show what something is needed for."
_SOFTWARE = "I help with software and licences, and with nothing else."
WHICH: Final = "Which product do you need, and what do you need it for?"
WHAT_FOR: Final = "What do you need it for?"
NOT_MINE: Final = f"{_SOFTWARE} For anything else, please ask in the channel that it belongs to."
NOT_AN_ORDER: Final = f"I cannot do that. {_SOFTWARE}"
WHO: Final = f"I am a stand-in model for demonstrations, not Claude and not a person. {_SOFTWARE}"
ASK_ELSEWHERE: Final = "This needs a person, and I cannot pass it on from here."
_TALK = {
    Topic.WHO: WHO,
    Topic.ABLE: _SOFTWARE,
    Topic.GREETING: f"Hello! {WHICH}",
    Topic.THANKS: "You are welcome.",
    Topic.BYE: "Goodbye.",
}
_PEOPLE = {Topic.FRUSTRATION: "frustration", Topic.PERSON: "requested"}
QUOTED = 300
"Most characters of somebody's words in a summary."


@dataclass(frozen=True, slots=True)
class Product:
    """A line of the catalogue."""

    name: str
    free: bool
    "Whether everybody may have it."
    where: str
    "Where to get it."


def products_in(system: str) -> tuple[Product, ...]:
    """Return the catalogue in a system prompt; empty if the stand-in plays another role."""
    return tuple(Product(name, who == "everybody", where) for name, who, where in _LINE.findall(system))


def decide(turn: SeenTurn, products: Sequence[Product], request: Json) -> Move:
    """Decide on the next move."""
    said = f"{turn.said}\n{turn.colleague}".strip()
    reading, asked = read(turn.said), bool(turn.answers) and turn.answers[-1].endswith((WHICH, WHAT_FOR))
    product = _product(said, products) or (_product(turn.before, products) if asked else None)
    if "resolve" in turn.results and product is not None:
        return (SayMove(f"{product.name}: {product.where}"),)
    if reading.topic in _PEOPLE:
        return _hand_off(turn, _PEOPLE[reading.topic], "")
    if reading.injected:
        return (SayMove(NOT_AN_ORDER),)
    if product is not None and product.free:
        return _told(turn, product, request)
    words = plain(said)
    unknown = product is None and (_NAMED.search(words) is not None or (asked and not _is_talk(reading.topic)))
    if product is not None or unknown:
        if asked or turn.colleague or _says_what_for(words, product):
            return _hand_off(turn, "out_of_policy", "It has to be bought, or is not in the catalogue.")
        return (SayMove(WHAT_FOR),)
    if reading.topic in _TALK:
        return (SayMove(_TALK[reading.topic]),)
    return (SayMove(WHICH if _WANTS.search(words) else NOT_MINE),)


def _is_talk(topic: Topic) -> bool:
    return topic in _TALK


def _told(turn: SeenTurn, product: Product, request: Json) -> Move:
    """Resolve as the first category that is offered, then say where to get the product."""
    if "resolve" not in turn.tools:
        return (SayMove(f"{product.name}: {product.where}"),)
    done = f"Told them where to get {product.name}."
    return (Use("resolve", {"done": done, "category": _categories(request)[0]}),)


def _hand_off(turn: SeenTurn, reason: str, why: str) -> Move:
    if "hand_off" not in turn.tools:
        return (SayMove(ASK_ELSEWHERE),)
    words = " / ".join(" ".join(text.split()) for text in (turn.before, turn.said) if text.strip())
    given_back = f' A colleague gave it back: "{turn.colleague}".' if turn.colleague else ""
    wrote = f'They wrote: "{words[:QUOTED]}".'
    return (Use("hand_off", {"reason": reason, "summary": f"{wrote}{given_back} {why}".strip()}),)


def _product(said: str, products: Sequence[Product]) -> Product | None:
    words = plain(said)
    return next((one for one in products if re.search(rf"\b{re.escape(plain(one.name))}\b", words)), None)


def _says_what_for(words: str, product: Product | None) -> bool:
    """Return whether a text says what a product is needed for, apart from the product's own name."""
    return _PURPOSE.search(words if product is None else words.replace(plain(product.name), " ")) is not None


def _categories(request: Json) -> list[str]:
    schemas = [tool["input_schema"]["properties"] for tool in request["tools"] if tool["name"] == "resolve"]
    return [name for fields in schemas for name in fields["category"].get("enum", ())]
