"""Reads the content of a message: its sender's own words, what they quote, and their files.

Markup is read only here, so that stored texts are plain. A value of a wrong type is left out; nothing here fails.
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
"The most of one message; Slack itself takes no more."
MOST_OF_A_NAME, MOST_OF_A_LINK = 255, 2_000
"The most characters of a file's name and of its link."
MOST_OF_A_QUOTE = 12_000
"The most characters of one quote."
MOST_NAMED, NAME_SECONDS = 5, 1.5
"The most people who are looked up for one message, and the longest time for all of them."
NO_PREVIEW = "[no preview available]"
"Slack's fallback for an attachment without a text."
PREVIEWS = ("from_url", "original_url", "app_unfurl_url", "service_name")
"Slack's own preview of a link has at least one of these fields."
CLIPS = frozenset({"slack_audio", "slack_video"})


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message."""

    text: str
    "The sender's own words, typed and spoken."
    spoken: str
    "The spoken ones among them: a clip's transcript."
    quoted: tuple[Quoted, ...]
    "What the sender forwarded, pasted or attached."
    files: tuple[Attachment, ...]


def read(message: Json, name: Name, *, bot_user: str) -> Content:
    """Read a message of an event or of the Web API.

    Args:
        message: with `text`, `blocks`, `attachments` and `files`, each of which may be missing.
        name: gives names of people and channels.
        bot_user: the bot's user id, whose mention is left out.
    """
    name = _limited(name, bot_user)
    files = objects(message.get("files"))[:MOST_FILES]
    typed, spoken = _typed(message, name), "\n".join(_spoken(files, message.get("user")))
    return Content(
        text="\n".join(filter(None, (typed, spoken)))[:MOST_CHARACTERS],
        spoken=spoken[:MOST_CHARACTERS],
        quoted=tuple(_quoted(message, files, name))[:MOST_QUOTED],
        files=tuple(map(_file, files)),
    )


def mentions(message: Json, bot_user: str) -> bool:
    """Return whether a message calls the bot."""
    text = text_of(message.get("text"))
    return any(f"<@{bot_user}{end}" in text for end in ">|")


def _limited(name: Name, bot_user: str) -> Name:
    """Return a look-up for the first few names of a message, each once; the bot's name is empty."""
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
    """Return the typed words: the text of a message, or its blocks where they say more, since Slack shows those."""
    text, shown = markup.plain(text_of(message.get("text")), name).strip(), message.get("blocks")
    letters = _letters(markup.plain(text_of(message.get("text"))))
    if text and all(_letters(leaf) in letters for leaf in blocks.leaves(shown)):
        return text
    more = "\n".join(blocks.words(shown, name)).strip()
    return more if _letters(text) in _letters(more) else f"{text}\n{more}".strip()


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _spoken(files: list[Json], sender: object) -> Iterator[str]:
    """Yield the transcripts of the sender's own clips, as far as Slack has them."""
    for file in files:
        transcription = file.get("transcription")
        if file.get("subtype") not in CLIPS or file.get("user") not in (None, sender):
            continue
        if isinstance(transcription, dict) and isinstance(preview := transcription.get("preview"), dict):
            text = text_of(preview.get("content")).strip()
            if text:
                yield f"{text} …" if preview.get("has_more") else text


def _quoted(message: Json, files: list[Json], name: Name) -> Iterator[Quoted]:
    for attachment in objects(message.get("attachments")):
        yield from _attached(attachment, name)
    yield from (Quoted("", "pasted", _cut(table)) for table in blocks.tables(message.get("blocks"), name))
    yield from filter(None, map(_held, files))


def _attached(attachment: Json, name: Name) -> Iterator[Quoted]:
    """Yield what was forwarded, pasted, or attached by an app; Slack's previews of links are left out."""
    tables = blocks.tables(attachment.get("blocks"), name)
    if attachment.get("is_share"):
        words = "\n".join([_words_of(attachment, name), *tables]).strip()
        files = [f"[attached file: {_name_of(file)}]" for file in objects(attachment.get("files"))[:MOST_FILES]]
        text = "\n".join(filter(None, (words, *files)))
        if text:
            yield Quoted(_author(attachment, name), "forwarded", _cut(text))
    elif tables:
        yield from (Quoted("", "pasted", _cut(table)) for table in tables)
    elif not any(attachment.get(sign) for sign in PREVIEWS) and (text := _words_of(attachment, name)):
        yield Quoted(_author(attachment, name, ""), "attached", _cut(text))


def _words_of(attachment: Json, name: Name) -> str:
    """Return the words of an attachment: its texts, or the blocks of the message in it, or its fallback."""
    fields = [part for field in objects(attachment.get("fields")) for part in (field.get("title"), field.get("value"))]
    texts = (attachment.get("pretext"), attachment.get("title"), attachment.get("text"), *fields)
    words = [markup.plain(one, name) for one in map(text_of, texts) if one]
    if not words:
        inside = [held["message"] for held in objects(attachment.get("message_blocks")) if _is_message(held)]
        shown = [attachment.get("blocks"), *(message.get("blocks") for message in inside)]
        words = [one for each in shown for one in (*blocks.words(each, name), *blocks.tables(each, name))]
    if not words and (fallback := text_of(attachment.get("fallback"))) != NO_PREVIEW:
        words = [markup.plain(fallback, name)]
    return "\n".join(filter(None, (one.strip() for one in words)))


def _is_message(held: Json) -> bool:
    return isinstance(held.get("message"), dict)


def _author(attachment: Json, name: Name, otherwise: str = markup.SOMEBODY) -> str:
    """Return the author of an attachment's content; a name that was looked up wins over the attachment's own."""
    named = text_of(attachment.get("author_name")) or text_of(attachment.get("author_subname"))
    author = text_of(attachment.get("author_id"))
    return one_line((name(author) if author else None) or named or otherwise)


def _held(file: Json) -> Quoted | None:
    """Return the text of a snippet or an e-mail, as far as Slack delivers it with the file."""
    if file.get("mode") == "email":
        senders = objects(file.get("from"))
        by = text_of(senders[0].get("original") or senders[0].get("address")) if senders else ""
        text = "\n".join(filter(None, (text_of(file.get("subject")), text_of(file.get("plain_text")))))
    elif file.get("mode") == "snippet":
        by, text = "", text_of(file.get("preview"))
    else:
        return None
    return Quoted(one_line(by), "attached", _cut(text)) if text.strip() else None


def _file(file: Json) -> Attachment:
    link = file.get("permalink")
    links = isinstance(link, str) and len(link) <= MOST_OF_A_LINK
    return Attachment(_name_of(file), str(link) if links else None)


def _name_of(file: Json) -> str:
    return one_line(str(file.get("name") or file.get("title") or file.get("id")), most=MOST_OF_A_NAME)


def one_line(name: str, *, most: int = 80) -> str:
    """Return a name on one line, cut at `most` characters."""
    return " ".join(name.split())[:most]


def _cut(text: str) -> str:
    return text[:MOST_OF_A_QUOTE]
