"""Drops sentences of a text that only repeat what was said above it. Pure.

The texts on a card come from several writers: the requester, code, tools, the model. They often say the same. A
sentence is dropped when one single earlier sentence has all of its meaningful words. It is never compared with two
sentences together, which could add up to something that nobody said. "Not" is a meaningful word.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

_WORD = re.compile(r"[^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}-][^\W_]+)*")
_LIGHT = frozenset(
    _WORD.findall(
        "a an and are as at be been but by for had has have he her his in is it its of on or requester she so some that"
        " the their them then they this to user was were which who will with"
    )
)
"Words without a meaning of their own; a requester is `they` in one sentence and `the requester` in the next."
_SAYING = frozenset(_WORD.findall("again asked asks message now said says told words write writes wrote"))
"Words that, beside a quotation of the requester, only say who said it."
_QUOTATION = re.compile(r'"([^"]*)"')


def without(text: str, said: Sequence[str], quoted: Iterable[str] = ()) -> str:
    """Return a text without the sentences that were said before.

    Args:
        text: any text, in any language.
        said: the sentences above it.
        quoted: texts that are shown elsewhere in full: a sentence that only quotes one of them is dropped, too.
    """
    known = [_carrying(one) for one in said]
    shown = [_flat(one) for one in quoted]
    left = []
    for sentence in sentences(text):
        fresh = _fresh(sentence, known, shown)
        if fresh:
            known.append(_carrying(fresh))
            left.append(fresh)
    return " ".join(left)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; a line's end also ends one, and none ends inside a quotation."""
    start, quoted = 0, False
    for at, sign in enumerate(text):
        quoted ^= sign == '"'
        stops = sign in ".!?;\n" or (sign == '"' and text[at - 1 : at] in (".", "!", "?", "\N{HORIZONTAL ELLIPSIS}"))
        if stops and not quoted and (sign == "\n" or text[at + 1 : at + 2].strip() == ""):
            yield from filter(None, [text[start : at + 1].strip()])
            start = at + 1
    yield from filter(None, [text[start:].strip()])


def _fresh(sentence: str, known: Sequence[frozenset[str]], shown: Sequence[str]) -> str:
    """Return what is new in a sentence: all of it, only its quotation, or an empty text."""
    meant = _carrying(sentence)
    if any(meant <= one for one in known):
        return ""
    quotations = _QUOTATION.findall(sentence)
    if not quotations:
        return sentence
    beside = _carrying(_QUOTATION.sub(" ", sentence)) - _SAYING
    if beside and not any(beside <= one for one in known):
        return sentence
    if all(any(_flat(one) in whole for whole in shown) for one in quotations):
        return ""
    return sentence if not beside else " ".join(f'"{one}"' for one in quotations)


def _carrying(text: str) -> frozenset[str]:
    return frozenset(word.removesuffix("'s") for word in _WORD.findall(text.casefold())) - _LIGHT


def _flat(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))
