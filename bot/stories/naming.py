"""What people call a thing that is to be explained: a link, a name such as `turn:12:3`, or a bare number. Pure."""

import re

from bot.store.audit.things import NameKind, ThingName

HOW = (
    "Name it as one of:\n"
    "  the link of a Slack message, or C024BE91L/1700000000.000100\n"
    "  ticket:12   turn:34   approval:5   handoff:7\n"
    "  turn:34:2   a tool call, or the directory change of that id\n"
    "  audit:17    a record of the audit log by its number; position:17 by its place in the chain\n"
    "  the id of a model call in the ledger, or a number alone, which is then looked up as each of these"
)
"How a thing can be named, for people."
_LINK = re.compile(r"/archives/([A-Z0-9]+)/p(\d{10})(\d{6})\b(?:\S*[?&]thread_ts=(\d{10}\.\d{6}))?")
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2,30})/(\d{10}\.\d{6})")
_NUMBERED = re.compile(r"(ticket|turn|approval|handoff|audit|position):(\d{1,18})")
_CALL = re.compile(r"turn:(\d{1,18}):(\d{1,9})(?::[\w:]+)?")
_NOTICE = re.compile(r"approval:(\d{1,18}):[\w:]+")
_NUMBER = re.compile(r"\d{1,18}")
_ID = re.compile(r"[\w:.-]{1,200}")


def parse(text: str) -> ThingName | None:
    """Return what a text names, or None if it has no form in which a thing is named."""
    text = text.strip()
    if link := _LINK.search(text):
        channel, seconds, micros, thread = link.groups()
        return ThingName(NameKind.MESSAGE, channel=channel, ts=f"{seconds}.{micros}", thread_ts=thread)
    if place := _PLACE.fullmatch(text):
        return ThingName(NameKind.MESSAGE, channel=place[1], ts=place[2])
    if numbered := _NUMBERED.fullmatch(text):
        return ThingName(NameKind(numbered[1]), number=int(numbered[2]))
    if call := _CALL.fullmatch(text):
        return ThingName(NameKind.CALL, number=int(call[1]), step=int(call[2]))
    if notice := _NOTICE.fullmatch(text):
        return ThingName(NameKind.APPROVAL, number=int(notice[1]))
    if _NUMBER.fullmatch(text):
        return ThingName(NameKind.NUMBER, number=int(text))
    return ThingName(NameKind.ID, text=text) if _ID.fullmatch(text) else None
