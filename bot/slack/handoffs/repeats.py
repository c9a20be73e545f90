"""Nothing twice: a text without the sentences that say only what is said above it already. Pure.

What people read of a handoff comes from several writers: the requester, code, tools, the model. They often say the
same. A sentence is left out when each of its words that carry meaning stands in one single sentence that was said
before, so that no two of those can be put together into a third that nobody has said. "Not" carries meaning.
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
"Words that are no news by themselves; a requester is `they` in one sentence and `the requester` in the next."
_SAYING = frozenset(_WORD.findall("again asked asks message now said says told words write writes wrote"))
"Beside the requester's own words these only say whose they are."
_QUOTATION = re.compile(r'"([^"]*)"')


def without(text: str, said: Sequence[str], quoted: Iterable[str] = ()) -> str:
    """Return what a text says that was not said before.

    Args:
        text: any text, in English or not.
        said: sentences that stand above it.
        quoted: texts that are shown as they were written: a sentence that only quotes one of them is left out, too.
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
    """Yield the sentences of a text; one ends at a line's end too, and none inside a quotation."""
    start, quoted = 0, False
    for at, sign in enumerate(text):
        quoted ^= sign == '"'
        stops = sign in ".!?;\n" or (sign == '"' and text[at - 1 : at] in (".", "!", "?", "\N{HORIZONTAL ELLIPSIS}"))
        if stops and not quoted and (sign == "\n" or text[at + 1 : at + 2].strip() == ""):
            yield from filter(None, [text[start : at + 1].strip()])
            start = at + 1
    yield from filter(None, [text[start:].strip()])


def _fresh(sentence: str, known: Sequence[frozenset[str]], shown: Sequence[str]) -> str:
    """Return a sentence, of one that only says whose words it quotes the quotation, and nothing of what is known."""
    if any(_carrying(sentence) <= one for one in known):
        return ""
    quotations = _QUOTATION.findall(sentence)
    beside = _carrying(_QUOTATION.sub(" ", sentence)) - _SAYING
    if not quotations or (beside and not any(beside <= one for one in known)):
        return sentence
    if all(any(_flat(one) in whole for whole in shown) for one in quotations):
        return ""
    return sentence if not beside else " ".join(f'"{one}"' for one in quotations)


def _carrying(text: str) -> frozenset[str]:
    return frozenset(word.removesuffix("'s") for word in _WORD.findall(text.casefold())) - _LIGHT


def _flat(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))
