"""What a message says: its sender's own words, what they passed on, and their files.

Markup is read here, at the door and once, so that texts are kept plain. Whatever is no text, list or object where it
should be one is left out; nothing here fails.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bot import markup
from bot.casework import blocks
from bot.casework.blocks import Json, objects, text_of
from bot.markup import Name
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.tickets import Attachment

MOST_CHARACTERS, MOST_FILES, MOST_QUOTED = 40_000, 20, 10
"No more than Slack itself takes, whatever is sent as an event."
MOST_OF_A_NAME, MOST_OF_A_LINK = 255, 2_000
MOST_OF_A_QUOTE = 12_000
MOST_NAMED, NAME_SECONDS = 5, 1.5
"Of one message: that many people are looked up, while that many seconds have not gone by."
NO_PREVIEW = "[no preview available]"
"What Slack writes in place of a text that it has not."
PREVIEWS = ("from_url", "original_url", "app_unfurl_url", "service_name")
"What Slack adds to a message about a link in it has one of these."
CLIPS = frozenset({"slack_audio", "slack_video"})


@dataclass(frozen=True, slots=True)
class SaidWords:
    """What somebody said."""

    text: str
    "Their own words, typed and spoken."
    spoken: str
    "Those of them that they spoke: a clip's transcript."
    quoted: tuple[Quoted, ...]
    files: tuple[Attachment, ...]


def read(message: Json, name: Name, *, bot_user: str) -> SaidWords:
    """Read a message as an event or the Web API has it.

    Args:
        message: with `text`, `blocks`, `attachments` and `files`, each of which may be missing.
        name: what people and channels are called.
        bot_user: the bot, whose mention is left out.
    """
    name = _few(name, bot_user)
    files = objects(message.get("files"))[:MOST_FILES]
    typed, spoken = _typed(message, name), "\n".join(_spoken(files, message.get("user")))
    return SaidWords(
        text="\n".join(filter(None, (typed, spoken)))[:MOST_CHARACTERS],
        spoken=spoken[:MOST_CHARACTERS],
        quoted=tuple(_quoted(message, files, name))[:MOST_QUOTED],
        files=tuple(map(_file, files)),
    )


def mentions(message: Json, bot_user: str) -> bool:
    """Return whether a message calls the bot."""
    text = text_of(message.get("text"))
    return any(f"<@{bot_user}{end}" in text for end in ">|")


def _few(name: Name, bot_user: str) -> Name:
    """Return what looks up the first few names of a message, each once, and leaves the bot's out."""
    known: dict[str, str | None] = {bot_user: ""}
    until = time.monotonic() + NAME_SECONDS

    def look_up(some_id: str) -> str | None:
        if some_id not in known:
            if len(known) > MOST_NAMED or time.monotonic() > until:
                return None
            known[some_id] = name(some_id)
        return known[some_id]

    return look_up


def _typed(message: Json, name: Name) -> str:
    """Return what was typed: the text of a message, or its blocks where they say more, as they are what Slack shows."""
    text, shown = markup.plain(text_of(message.get("text")), name).strip(), message.get("blocks")
    letters = _letters(markup.plain(text_of(message.get("text"))))
    if text and all(_letters(leaf) in letters for leaf in blocks.leaves(shown)):
        return text
    more = "\n".join(blocks.words(shown, name)).strip()
    return more if _letters(text) in _letters(more) else f"{text}\n{more}".strip()


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _spoken(files: list[Json], sender: object) -> Iterator[str]:
    """Yield what the sender said in clips of their own, as far as Slack has written it down."""
    for file in files:
        transcription = file.get("transcription")
        if file.get("subtype") not in CLIPS or file.get("user") not in (None, sender):
            continue
        if isinstance(transcription, dict) and isinstance(preview := transcription.get("preview"), dict):
            said = text_of(preview.get("content")).strip()
            if said:
                yield f"{said} …" if preview.get("has_more") else said


def _quoted(message: Json, files: list[Json], name: Name) -> Iterator[Quoted]:
    for attachment in objects(message.get("attachments")):
        yield from _attached(attachment, name)
    yield from (Quoted("", "pasted", _cut(table)) for table in blocks.tables(message.get("blocks"), name))
    yield from filter(None, map(_held, files))


def _attached(attachment: Json, name: Name) -> Iterator[Quoted]:
    """Yield what was forwarded, pasted, or posted by an app as an attachment; what Slack says of a link is no one's."""
    tables = blocks.tables(attachment.get("blocks"), name)
    if attachment.get("is_share"):
        said = "\n".join([_words_of(attachment, name), *tables]).strip()
        named = [f"[attached file: {_name_of(file)}]" for file in objects(attachment.get("files"))[:MOST_FILES]]
        text = "\n".join(filter(None, (said, *named)))
        if text:
            yield Quoted(_author(attachment, name), "forwarded", _cut(text))
    elif tables:
        yield from (Quoted("", "pasted", _cut(table)) for table in tables)
    elif not any(attachment.get(sign) for sign in PREVIEWS) and (text := _words_of(attachment, name)):
        yield Quoted(_author(attachment, name, ""), "attached", _cut(text))


def _words_of(attachment: Json, name: Name) -> str:
    """Return the words of an attachment: its texts, or the blocks of the message that it holds, or its fallback."""
    fields = [part for field in objects(attachment.get("fields")) for part in (field.get("title"), field.get("value"))]
    texts = (attachment.get("pretext"), attachment.get("title"), attachment.get("text"), *fields)
    said = [markup.plain(one, name) for one in map(text_of, texts) if one]
    if not said:
        inside = [held["message"] for held in objects(attachment.get("message_blocks")) if _is_message(held)]
        shown = [attachment.get("blocks"), *(message.get("blocks") for message in inside)]
        said = [one for each in shown for one in (*blocks.words(each, name), *blocks.tables(each, name))]
    if not said and (fallback := text_of(attachment.get("fallback"))) != NO_PREVIEW:
        said = [markup.plain(fallback, name)]
    return "\n".join(filter(None, (one.strip() for one in said)))


def _is_message(held: Json) -> bool:
    return isinstance(held.get("message"), dict)


def _author(attachment: Json, name: Name, otherwise: str = markup.SOMEBODY) -> str:
    """Return who wrote what an attachment holds; a look-up is believed before what it says itself."""
    named = text_of(attachment.get("author_name")) or text_of(attachment.get("author_subname"))
    author = text_of(attachment.get("author_id"))
    return one_line((name(author) if author else None) or named or otherwise)


def _held(file: Json) -> Quoted | None:
    """Return what a snippet, an e-mail or another's clip says, as far as Slack has put it beside its name."""
    if file.get("mode") == "email":
        senders = objects(file.get("from"))
        by = text_of(senders[0].get("original") or senders[0].get("address")) if senders else ""
        said = "\n".join(filter(None, (text_of(file.get("subject")), text_of(file.get("plain_text")))))
    elif file.get("mode") == "snippet":
        by, said = "", text_of(file.get("preview"))
    else:
        return None
    return Quoted(one_line(by), "attached", _cut(said)) if said.strip() else None


def _file(file: Json) -> Attachment:
    link = file.get("permalink")
    links = isinstance(link, str) and len(link) <= MOST_OF_A_LINK
    return Attachment(_name_of(file), str(link) if links else None)


def _name_of(file: Json) -> str:
    return str(file.get("name") or file.get("title") or file.get("id"))[:MOST_OF_A_NAME]


def one_line(name: str) -> str:
    """Return a name on one line of bearable length."""
    return " ".join(name.split())[:80]


def _cut(text: str) -> str:
    return text[:MOST_OF_A_QUOTE]
