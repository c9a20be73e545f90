"""Slack as one ticket's whole life meets it: what was said and not deleted, and answers that may be lost."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.errors import Transient
from bot.slack.api import response_urls
from tests.support.json_object import Json

_NOT_FOUND: Any = SimpleNamespace(status_code=200, get=lambda _: "message_not_found")


@dataclass
class SlackPost:
    """A message of the bot, as it stands in Slack."""

    key: str
    channel: str
    thread_ts: str | None
    text: str
    shown: str
    "All that can be read in it."


@dataclass
class FakeSlack:
    """What the bot has said and not deleted; its next answer may be lost, before or after it did what was asked."""

    may_post: Callable[[str], bool]
    "(key) -> whether the bot may say this now: law 4."
    posts: dict[str, SlackPost] = field(default_factory=dict)
    fault: str | None = None
    "refused, lost before, lost after: what becomes of the next call."
    wrong: list[str] = field(default_factory=list)
    "What the bot should never have said."
    last: int = 0
    base_url: str = "https://slack.com/api/"

    def chat_postMessage(self, *, channel: str, thread_ts: str | None, metadata: Json, **body: Any) -> Any:  # noqa: N802 - Slack's name
        """Take a message."""
        key, text = metadata["event_payload"]["key"], body["text"]

        def do() -> Json:
            self.last += 1
            ts = f"5{self.last:09d}.000000"
            if not text or not self.may_post(key) or key in {post.key for post in self.posts.values()}:
                self.wrong.append(f"{key}: {text!r}")
            self.posts[ts] = SlackPost(key, channel, thread_ts, text, json.dumps(body))
            return {"ts": ts, "channel": channel}

        return self._answer(do)

    def chat_update(self, *, channel: str, ts: str, **body: Any) -> Any:
        """Change a message."""

        def do() -> Json:
            if not body["text"]:
                self.wrong.append(f"{self.posts[ts].key}: an empty update")
            self.posts[ts].text, self.posts[ts].shown = body["text"], json.dumps(body)
            return {"ts": ts, "channel": channel}

        return self._answer(do, needs=ts)

    def chat_delete(self, *, channel: str, ts: str) -> Any:
        """Delete a message."""
        return self._answer(lambda: {"ts": self.posts.pop(ts) and ts}, needs=ts)

    def chat_postEphemeral(self, **_: Any) -> Any:  # noqa: N802 - Slack's name
        """Show something to one person, who may miss it."""
        return self._answer(lambda: {"message_ts": "1.0"})

    def respond(self, _client: object, url: str, body: Json) -> None:
        """Show the answer to a shortcut, which Slack takes at an address of its own."""
        if not response_urls.is_slacks(url, self.base_url) or not body["text"]:
            self.wrong.append(f"{url}: {body}")

    def conversations_replies(self, *, channel: str, ts: str, **_: Any) -> Any:
        """Return a thread, with what each message is."""
        return self._page(channel, lambda post: post.thread_ts == ts)

    def conversations_history(self, *, channel: str, **_: Any) -> Any:
        """Return a channel, with what each message is."""
        return self._page(channel, lambda post: post.thread_ts is None)

    def users_info(self, *, user: str) -> Any:
        """Return a person."""
        return SimpleNamespace(data={"user": {"name": user}})

    def chat_getPermalink(self, **_: Any) -> Any:  # noqa: N802 - Slack's name
        """Return an address."""
        return SimpleNamespace(data={"permalink": "https://slack.example/p1"})

    def agents_sessions_setStatus(self, **_: Any) -> Any:  # noqa: N802 - Slack's name
        """Show that somebody is at it."""
        return SimpleNamespace(data={})

    def _page(self, channel: str, wanted: Callable[[SlackPost], bool]) -> Any:
        found = [
            {"ts": ts, "metadata": {"event_payload": {"key": post.key}}}
            for ts, post in self.posts.items()
            if post.channel == channel and wanted(post)
        ]
        return self._answer(lambda: {"messages": found})

    def _answer(self, do: Callable[[], Json], *, needs: str | None = None) -> Any:
        fault, self.fault = self.fault, None
        if fault == "refused":
            raise Transient("slack: no connection")
        if fault == "lost before":
            raise OSError
        if needs is not None and needs not in self.posts:
            raise SlackApiError("", _NOT_FOUND)  # type: ignore[no-untyped-call]
        done = do()
        if fault == "lost after":
            raise OSError
        return SimpleNamespace(data=done)
