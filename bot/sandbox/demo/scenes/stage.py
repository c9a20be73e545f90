"""What every scene is played on: people's hands and eyes in the workspace, and a look at the database.

A scene acts through the People API only, as the page does, and waits by looking again until a deadline.
What it claims is read from the database and the workspace, never from what it was told to expect.
"""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any, TypeVar

from bot.directory.local import LocalDirectory
from bot.principals import AccountStatus
from bot.sandbox.demo.launch import Say, Sitting
from bot.sandbox.demo.scenes.checks import Json, Unexpected, buttons, check, holding
from bot.sandbox.slack import blocks
from bot.store.accounts import account_writes
from bot.store.db import Session
from bot.store.handoffs import handoffs_due
from bot.store.schema import Handoff, MessageState, TurnState
from bot.store.tickets import ticket_history
from bot.store.tickets.ticket_history import TicketHistory

Seen = TypeVar("Seen")

HELP, QUEUE = "C0HELP", "C0QUEUE"
BOT = "U0DESKHAND"
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.05

DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
GROUP = re.compile(r"<!subteam\^(\w+)>")
MENTION = re.compile(r"<@(\w+)>")

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Thread:
    """A request that somebody has made."""

    user: str
    channel: str
    ts: str
    asked_at: float
    "On the monotonic clock."


@dataclass(slots=True)
class Stage:
    """One sitting, and what was played on it so far."""

    sitting: Sitting
    say: Say
    "Shows a line of the transcript."
    kept: dict[str, Any] = field(default_factory=dict)
    "What a scene leaves for the next: the one about a claim needs a handoff."

    def once(self, name: str, play: Callable[[], Seen]) -> Seen:
        """Play something unless it was played before; return what came of it."""
        if name not in self.kept:
            self.kept[name] = play()
        found: Seen = self.kept[name]
        return found

    def act(self, what: str, **fields: Any) -> Json:
        """Do something as a person.

        Raises:
            Unexpected: the workspace refuses.
        """
        return self._call(f"{self.sitting.page}sandbox/{what}", fields, "POST")

    def sees(self, user: str) -> Json:
        """Return everything that a person sees now."""
        return self._call(f"{self.sitting.page}sandbox/state?user={user}")

    def name(self, user: str) -> str:
        """Return how a person is called."""
        names = self.once("names", lambda: {one["id"]: one["real_name"] for one in self.sees(user)["users"]})
        return str(names.get(user, user))

    def group(self, group: str) -> str:
        """Return how a group of people is called."""
        handles = self.once("groups", lambda: {one["id"]: one["handle"] for one in self.sees("U0PRIYA")["groups"]})
        return str(handles.get(group, group))

    def ask(self, user: str, text: str, *, private: bool = False) -> Thread:
        """Ask the bot for help, in the help channel or in a direct message."""
        channel = str(self.act("dm", user=user)["channel"]) if private else HELP
        where = "to @deskhand" if private else "in #help-access"
        self.say(f"  {self.name(user)} {where}: {text}")
        said = text if private else f"<@{BOT}> {text}"
        asked_at = time.monotonic()
        return Thread(user, channel, str(self.act("say", user=user, channel=channel, text=said)["ts"]), asked_at)

    def replies(self, thread: Thread, *, seen_by: str | None = None) -> list[Json]:
        """Return what the app has said in a thread, oldest first."""
        messages = self.sees(seen_by or thread.user)["messages"].get(thread.channel, [])
        return [one for one in messages if one.get("thread_ts") == thread.ts and one.get("bot_id")]

    def answer(self, thread: Thread) -> tuple[Json, int]:
        """Wait for the first thing said in a thread; return it and the milliseconds that it took."""
        first = self.wait("an answer in the thread", lambda: self.replies(thread))[0]
        took = round((time.monotonic() - thread.asked_at) * 1000)
        self.heard(first.get("username") or "deskhand", first)
        return first, took

    def heard(self, by: str, message: Json) -> None:
        """Show what was said as people read it."""
        text = DATE.sub(r"\1", str(message["text"]))
        text = MENTION.sub(lambda found: self.name(found[1]), text).replace("*", "")
        text = GROUP.sub(lambda found: f"@{self.group(found[1])}", text)
        self.say(f"  {by}: {unescape(text)}")

    def wait(self, what: str, look: Callable[[], Seen | None], *, seconds: float = PATIENCE_SECONDS) -> Seen:
        """Look until there is something to see.

        Raises:
            Unexpected: the deadline passed; the message says what was seen last.
        """
        deadline = time.monotonic() + seconds
        while not (seen := look()):
            self.sitting.crew.check()
            if time.monotonic() > deadline:
                raise Unexpected(f"waited {seconds:.0f} s for {what}; saw {seen!r}")
            time.sleep(LOOK_SECONDS)
        return seen

    def card(self, thread: Thread) -> Json:
        """Return the message in the queue channel that shows a thread's newest handoff."""
        story = self.story(thread)
        stands = [one.ts for one in story.messages if one.key == f"card:handoff:{story.handoffs[-1].id}"]
        cards: list[Json] = [one for one in self.sees("U0PRIYA")["messages"][QUEUE] if one["ts"] in stands]
        check(len(cards) == 1, "one card in the queue channel", [one["text"] for one in cards])
        return cards[0]

    def below(self, thread: Thread, words: str) -> Json:
        """Wait until something stands below a thread's card."""
        found: Json = self.wait(
            f"{words!r} below the card", lambda: holding(self.queue_thread(self.card(thread)), words)
        )
        return found

    def says(self, user: str, thread: Thread, text: str, **more: Any) -> Json:
        """Let somebody write in a requester's thread."""
        self.say(f"  {self.name(user)}: {text}")
        return self.act("say", user=user, channel=thread.channel, thread_ts=thread.ts, text=text, **more)

    def notes(self, user: str, thread: Thread, text: str) -> Json:
        """Let a responder write below a thread's card."""
        self.say(f"  {self.name(user)} in the queue thread: {text}")
        return self.act("say", user=user, channel=QUEUE, thread_ts=self.card(thread)["ts"], text=text)

    def queue_thread(self, card: Json) -> list[Json]:
        """Return what stands below a card in the queue channel."""
        return [one for one in self.sees("U0PRIYA")["messages"][QUEUE] if one.get("thread_ts") == card["ts"]]

    def press(self, user: str, card: Json, action: str) -> Json:
        """Press a button of a card."""
        for block_id, element in blocks.interactive(card["blocks"]):
            if element["action_id"] == action:
                place = {"channel": QUEUE, "ts": card["ts"], "block_id": block_id, "action_id": action}
                return self.act("click", user=user, **place)
        raise Unexpected(f"the card has no button {action}; it has {buttons(card)}")

    def fill(self, user: str, thread: Thread, move: str, **values: Json) -> Json:
        """Press a button of a thread's card, fill in the form that it opens and send it; return the answer."""
        form = {"reply": "replied", "resolve": "resolved", "reassign": "reassigned", "give_back": "given_back"}[move]
        self.press(user, self.card(thread), f"handoff.{move}")
        view = self.modal(user, f"handoff.{form}")
        filled = {block: {block: value} for block, value in values.items()}
        return self.act("submit", user=user, view_id=view["id"], values=filled)

    def claim(self, user: str, thread: Thread) -> None:
        """Let somebody claim a thread's newest handoff, and wait until the card says so."""
        self.press(user, self.card(thread), "handoff.claim")
        self.wait("the card to show who has it", lambda: "handoff.resolve" in buttons(self.card(thread)))
        self.say(f"  {self.name(user)} claims it")

    def handoff(self, thread: Thread) -> Handoff:
        """Return a thread's newest handoff."""
        return self.story(thread).handoffs[-1]

    def pass_time(self, thread: Thread, minutes: float) -> None:
        """Let minutes pass for a handoff: its own times are moved back, the clock sees the rest by itself."""
        self.say(f"  ({minutes:g} minutes pass)")
        by = timedelta(minutes=minutes)
        with self.sitting.database.write() as session:
            handoffs_due.backdate(session, self.handoff(thread).id, by)

    def modal(self, user: str, callback: str) -> Json:
        """Wait until a modal is open before a person."""

        def look() -> Json | None:
            view = self.sees(user)["view"]
            return view if view and view.get("callback_id", callback) == callback else None

        view: Json = self.wait(f"the modal {callback}", look)
        return view

    def story(self, thread: Thread) -> TicketHistory:
        """Return what the database holds about a thread.

        Raises:
            Unexpected: nothing.
        """
        found = self.story_so_far(thread)
        if found is None:
            raise Unexpected("the thread is no ticket")
        return found

    def story_so_far(self, thread: Thread) -> TicketHistory | None:
        """Return what the database holds about a thread, if it was heard."""
        return self.read(lambda session: ticket_history.of_thread(session, thread.channel, thread.ts))

    def read(self, query: Callable[[Session], Seen]) -> Seen:
        """Ask the database something."""
        with self.sitting.database.read() as session:
            return query(session)

    def done(self, thread: Thread) -> TicketHistory:
        """Wait until every turn of a thread has ended and all is said, and return the story."""

        def look() -> TicketHistory | None:
            story = self.story_so_far(thread)
            ended = story is not None and story.turns and all(turn.state is TurnState.DONE for turn in story.turns)
            said = story is not None and not any(
                one.state in (MessageState.STORED, MessageState.SENDING) for one in story.messages
            )
            return story if ended and said else None

        return self.wait("the turn to end", look)

    def account(self, account_id: str) -> str:
        """Return the state of an account in the directory."""
        account = LocalDirectory(self.sitting.database).account(account_id)
        return "none" if account is None else str(account.status)

    def lock(self, account_id: str) -> None:
        """Lock an account as mistyped passwords do, an hour after anything was done to it."""
        self.an_hour_passes(account_id)
        directory = LocalDirectory(self.sitting.database)
        directory.set_status(account_id, AccountStatus.LOCKED, lock_reason="too many failed sign-ins")

    def an_hour_passes(self, account_id: str) -> None:
        """Let so much time pass for an account that it may be written once more."""
        with self.sitting.database.write() as session:
            account_writes.backdate(session, account_id, timedelta(hours=1))

    def model_faults(self, *faults: Json) -> None:
        """Replace the faults of the stand-in."""
        self._call(f"{self.sitting.model}faults", list(faults), "PUT")

    def slack_faults(self, *faults: Json) -> None:
        """Replace the faults of the workspace."""
        self._call(f"{self.sitting.page}sandbox/faults", list(faults), "PUT")

    def _call(self, url: str, body: object = None, method: str = "GET") -> Json:
        return _call(url, self.sitting.keys, body, method)


def typed(text: str) -> Json:
    """Return what was typed into a field."""
    return {"type": "plain_text_input", "value": text}


def _call(url: str, keys: Mapping[str, str], body: object, method: str) -> Json:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **keys}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - ours
    try:
        with _OPENER.open(request, timeout=PATIENCE_SECONDS) as response:
            answer: Json = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise Unexpected(f"{method} {request.selector} answered {error.code}: {error.read(500)!r}") from error
    except OSError as error:
        raise Unexpected(f"{method} {request.selector} failed: {error}") from error
