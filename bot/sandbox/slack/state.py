"""The workspace in memory: channels, messages, threads, ephemeral messages, sessions, files.

A stored message is never changed in place but replaced: readers may keep one, and its JSON text can be cached beside
it. Timestamps are unique and only grow, across channels and restarts.
"""

import json
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.seed import Json, Seed

SLACKBOT = "USLACKBOT"
_THREAD_FIELDS = ("type", "ts", "thread_ts", "reply_count", "reply_users", "latest_reply")


@dataclass(slots=True)
class Channel:
    """A conversation and its messages."""

    id: str
    name: str
    members: set[str]
    """People and the bot, by user id."""
    is_im: bool = False
    is_private: bool = False
    is_archived: bool = False
    is_shared: bool = False
    """Whether it is shared with another organisation, over Slack Connect."""
    created: int = 1_700_000_000
    messages: dict[str, Json] = field(default_factory=dict)
    """By ts, in the order of ts; with replies."""
    threads: dict[str, list[str]] = field(default_factory=dict)
    """The ts of the replies, by the ts of their parent."""
    texts: dict[str, str] = field(default_factory=dict)
    """The JSON text of messages, built on first use."""

    @property
    def kind(self) -> str:
        """The `channel_type` of events: im, group or channel."""
        if self.is_im:
            return "im"
        return "group" if self.is_private else "channel"


@dataclass(slots=True)
class StoredFile:
    """A file's card as Slack shows it, and its bytes."""

    card: Json
    content: bytes
    length: int
    """How many bytes were announced; the upload must have as many."""


class State:
    """All data about conversations."""

    def __init__(self, seed: Seed, changes: Changes) -> None:
        self.seed = seed
        self.changes = changes
        self.channels: dict[str, Channel] = {}
        self.deleted_users: set[str] = set()
        self.says: dict[str, Json] = {}
        """What a test lets Slack show of a person instead, by field; null removes a field."""
        self.people_text = ("", "")
        """The JSON text of all people, built on first use, behind what was changed of them by then."""
        self.last_ts = 0
        self.forget()
        for room in seed.channels:
            members = {person.id for person in seed.people if room.seats(person)}
            if room.bot_member:
                members.add(seed.bot.id)
            self.channels[room.id] = Channel(
                room.id, room.name, members, is_private=room.private, is_shared=room.shared
            )

    def forget(self) -> None:
        """Delete all messages; people and channels stay."""
        for channel in self.channels.values():
            channel.messages, channel.threads, channel.texts = {}, {}, {}
        self.ephemeral: dict[str, Json] = {}
        self.sessions: dict[tuple[str, str], Json] = {}
        self.files: dict[str, StoredFile] = {}
        self.seen: dict[tuple[str, str], str] = {}

    def next_ts(self) -> str:
        """Return the next timestamp, which was never used before: seconds and microseconds."""
        self.last_ts = max(self.last_ts + 1, time.time_ns() // 1000)
        return f"{self.last_ts // 1_000_000}.{self.last_ts % 1_000_000:06d}"

    def dm(self, user: str) -> Channel:
        """Return the direct conversation of this person and the bot, created on first use."""
        channel_id = f"D0{user.removeprefix('U0')}"
        channel = self.channels.get(channel_id)
        if channel is None:
            is_shared = self.team_of(user) != self.seed.team.id
            channel = Channel(channel_id, user, {user, self.seed.bot.id}, is_im=True, is_shared=is_shared)
            self.channels[channel_id] = channel
            self.changes.add("channel", {"channel": channel_card(channel)}, channel=channel_id)
        return channel

    def team_of(self, user: str) -> str:
        """Return a person's workspace."""
        person = self.seed.person(user)
        said = {**(person.slack if person else {}), **self.says.get(user, {})}
        return str(said.get("team_id") or self.seed.team.id)

    def can_see(self, user: str, channel_id: str) -> bool:
        """Return whether this person is in the channel."""
        channel = self.channels.get(channel_id)
        return channel is not None and user in channel.members

    def post(self, channel: Channel, fields: Json, *, thread_ts: str | None = None) -> Json:
        """Add a message, to a thread if its parent's ts is given."""
        ts = self.next_ts()
        message: Json = {"type": "message", "ts": ts, **fields}
        if thread_ts is not None:
            parent = channel.messages.get(thread_ts, {})
            message |= {"thread_ts": thread_ts, "parent_user_id": parent.get("user")}
        channel.messages[ts] = message
        self.changes.add("message", {"channel": channel.id, "message": message}, channel=channel.id)
        if thread_ts is not None:
            channel.threads.setdefault(thread_ts, []).append(ts)
            self._count_replies(channel, thread_ts)
        return message

    def replace(self, channel: Channel, ts: str, *, kind: str = "message_changed", **fields: Any) -> Json:
        """Set fields of a message; a field that becomes None is removed."""
        merged = {**channel.messages[ts], **fields}
        message = {key: value for key, value in merged.items() if value is not None}
        return self._put(channel, message, kind)

    def remove(self, channel: Channel, ts: str) -> Json | None:
        """Delete a message; a parent with replies leaves a tombstone, which is returned."""
        if channel.threads.get(ts):
            old = channel.messages[ts]
            kept = {key: old[key] for key in _THREAD_FIELDS if key in old}
            said = {"subtype": "tombstone", "user": SLACKBOT, "text": "This message was deleted."}
            tombstone = {**kept, **said, "hidden": True, "is_locked": False, "deleted": True}
            return self._put(channel, tombstone, "message_changed")
        message = channel.messages.pop(ts)
        channel.texts.pop(ts, None)
        data = {"channel": channel.id, "ts": ts, "thread_ts": message.get("thread_ts")}
        self.changes.add("message_deleted", data, channel=channel.id)
        parent = message.get("thread_ts")
        if parent in channel.threads:
            channel.threads[parent].remove(ts)
            self._count_replies(channel, parent)
        return None

    def thread(self, channel: Channel, ts: str) -> list[Json]:
        """Return a parent and its replies, oldest first."""
        return [channel.messages[ts], *(channel.messages[reply] for reply in channel.threads.get(ts, ()))]

    def parent_ts(self, channel: Channel, ts: str) -> str | None:
        """Return the ts of the thread that this message is in or starts; None if the message is gone."""
        message = channel.messages.get(ts)
        return None if message is None else str(message.get("thread_ts", ts))

    def add_ephemeral(self, user: str, channel: Channel, fields: Json) -> Json:
        """Show a message to one person only; its id is its ts, and its `user` is its reader."""
        ts = self.next_ts()
        note = {**fields, "id": ts, "ts": ts, "user": user, "channel": channel.id}
        self.ephemeral[ts] = note
        self.changes.add("ephemeral", {"ephemeral": note}, user=user)
        return note

    def replace_ephemeral(self, note_id: str, **fields: Any) -> Json:
        """Set fields of an ephemeral message."""
        note = {**self.ephemeral[note_id], **fields}
        self.ephemeral[note_id] = note
        self.changes.add("ephemeral", {"ephemeral": note}, user=note["user"])
        return note

    def remove_ephemeral(self, note_id: str) -> None:
        """Remove an ephemeral message."""
        note = self.ephemeral.pop(note_id)
        self.changes.add("ephemeral_removed", {"id": note_id, "channel": note["channel"]}, user=note["user"])

    def set_session(self, channel: Channel, thread_ts: str, **fields: Any) -> Json:
        """Create or change the agent session of a thread."""
        old = self.sessions.get((channel.id, thread_ts), {"channel": channel.id, "thread_ts": thread_ts})
        session = {"status": "active", "title": None, **old, **fields}
        self.sessions[channel.id, thread_ts] = session
        self.changes.add("session", {"session": session}, channel=channel.id)
        return session

    def unread(self, user: str, channel: Channel) -> int:
        """Count what others posted in the channel since this person last read it."""
        stamps = list(channel.messages)
        start = bisect_right(stamps, self.seen.get((user, channel.id), ""))
        return sum(1 for ts in stamps[start:] if channel.messages[ts].get("user") != user)

    def text_of(self, channel: Channel, ts: str) -> str:
        """Return the JSON text of a message."""
        text = channel.texts.get(ts)
        if text is None:
            text = channel.texts[ts] = json.dumps(channel.messages[ts], separators=(",", ":"))
        return text

    def _put(self, channel: Channel, message: Json, kind: str) -> Json:
        channel.messages[message["ts"]] = message
        channel.texts.pop(message["ts"], None)
        self.changes.add(kind, {"channel": channel.id, "message": message}, channel=channel.id)
        return message

    def _count_replies(self, channel: Channel, parent_ts: str) -> None:
        if parent_ts not in channel.messages:
            return
        replies = channel.threads.get(parent_ts, [])
        users = dict.fromkeys(channel.messages[ts].get("user") for ts in replies)
        self.replace(
            channel,
            parent_ts,
            thread_ts=parent_ts if replies else None,
            reply_count=len(replies) or None,
            reply_users=[user for user in users if user] or None,
            latest_reply=replies[-1] if replies else None,
        )


def channel_card(channel: Channel) -> Json:
    """Return what a page shows its members of a channel."""
    return {
        "id": channel.id,
        "name": channel.name,
        "is_im": channel.is_im,
        "is_private": channel.is_private,
        "is_member": True,
        "is_archived": channel.is_archived,
        "is_ext_shared": channel.is_shared,
    }
