"""What every scene uses: acting and looking as people do in the workspace, and reading the database.

A scene acts only through the People API, as the page does, and waits by polling until a deadline. Its facts are read
from the database and the workspace, never taken from what it expects.
"""

import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any, TypeVar

from bot.directory.local import LocalDirectory
from bot.principals import AccountStatus
from bot.sandbox.demo.launch import RunningDemo, Say
from bot.sandbox.demo.processes import Program
from bot.sandbox.demo.scenes import calls
from bot.sandbox.demo.scenes.checks import Json, Unexpected, buttons, check, holding
from bot.sandbox.slack import blocks
from bot.store import members
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
LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.05, 0.25
"Seconds between two looks at the start of a wait, and at most."
LOOK_SHARE = 0.05
"What a look may add to a wait, as a share of it."

DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
GROUP = re.compile(r"<!subteam\^(\w+)>")
MENTION = re.compile(r"<@(\w+)>")


@dataclass(frozen=True, slots=True)
class Thread:
    """A request that somebody made."""

    user: str
    channel: str
    ts: str
    asked_at: float
    "On the clock of `time.monotonic`."


@dataclass(slots=True)
class Stage:
    """A running demo, and what was played on it so far."""

    running_demo: RunningDemo
    say: Say
    "Shows a line of the transcript."
    kept: dict[str, Any] = field(default_factory=dict)
    "What a scene leaves for a later one: a claim needs a handoff."

    def once(self, name: str, play: Callable[[], Seen]) -> Seen:
        """Play something unless it was played before, and return its result."""
        if name not in self.kept:
            self.kept[name] = play()
        found: Seen = self.kept[name]
        return found

    def act(self, what: str, **fields: Any) -> Json:
        """Do something as a person.

        Raises:
            Unexpected: the workspace refused it.
        """
        return self._call(f"{self.running_demo.page}sandbox/{what}", fields, "POST")

    def sees(self, user: str) -> Json:
        """Return everything that a person sees now."""
        return self._call(f"{self.running_demo.page}sandbox/state?user={user}")

    def phone(self, user: str) -> Json:
        """Return what a person finds on their devices now."""
        return self._call(f"{self.running_demo.page}sandbox/phone?user={user}")

    def name(self, user: str) -> str:
        """Return a person's name."""
        names = self.once("names", lambda: {one["id"]: one["real_name"] for one in self.sees(user)["users"]})
        return str(names.get(user, user))

    def group(self, group: str) -> str:
        """Return the name of a group of people."""
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
        """Show a message as people read it."""
        text = DATE.sub(r"\1", str(message["text"]))
        text = MENTION.sub(lambda found: self.name(found[1]), text).replace("*", "")
        text = GROUP.sub(lambda found: f"@{self.group(found[1])}", text)
        self.say(f"  {by}: {unescape(text)}")

    def wait(self, what: str, look: Callable[[], Seen | None], *, seconds: float = PATIENCE_SECONDS) -> Seen:
        """Poll until there is something to see.

        Raises:
            Unexpected: the deadline passed; the message says what was last seen.
        """
        began = time.monotonic()
        while not (seen := look()):
            self.running_demo.supervisor.check()
            waited = time.monotonic() - began
            if waited > seconds:
                raise Unexpected(f"waited {seconds:.0f} s for {what}; saw {seen!r}")
            time.sleep(min(max(LOOK_SECONDS, waited * LOOK_SHARE), LONGEST_LOOK_SECONDS))
        return seen

    def card(self, thread: Thread) -> Json:
        """Return the message in the queue channel that shows a thread's newest handoff."""
        history = self.history(thread)
        stands = [one.ts for one in history.messages if one.key == f"card:handoff:{history.handoffs[-1].id}"]
        cards: list[Json] = [one for one in self.sees("U0PRIYA")["messages"][QUEUE] if one["ts"] in stands]
        check(len(cards) == 1, "one card in the queue channel", [one["text"] for one in cards])
        return cards[0]

    def below(self, thread: Thread, words: str) -> Json:
        """Wait until something is posted below a thread's card."""
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
        """Return what is below a card in the queue channel."""
        return [one for one in self.sees("U0PRIYA")["messages"][QUEUE] if one.get("thread_ts") == card["ts"]]

    def press(self, user: str, card: Json, action: str) -> Json:
        """Press a button of a card."""
        for block_id, element in blocks.interactive(card["blocks"]):
            if element["action_id"] == action:
                place = {"channel": QUEUE, "ts": card["ts"], "block_id": block_id, "action_id": action}
                return self.act("click", user=user, **place)
        raise Unexpected(f"the card has no button {action}; it has {buttons(card)}")

    def fill(self, user: str, thread: Thread, move: str, **values: Json) -> Json:
        """Press a button of a thread's card, fill in and send the form that it opens; return the answer."""
        form = {"reply": "replied", "resolve": "resolved", "reassign": "reassigned", "give_back": "given_back"}[move]
        self.press(user, self.card(thread), f"handoff.{move}")
        view = self.modal(user, f"handoff.{form}")
        filled = {block: {block: value} for block, value in values.items()}
        return self.act("submit", user=user, view_id=view["id"], values=filled)

    def claim(self, user: str, thread: Thread) -> None:
        """Let somebody claim a thread's newest handoff, and wait until the card shows it."""
        self.press(user, self.card(thread), "handoff.claim")
        self.wait("the card to show who has it", lambda: "handoff.resolve" in buttons(self.card(thread)))
        self.say(f"  {self.name(user)} claims it")

    def handoff(self, thread: Thread) -> Handoff:
        """Return a thread's newest handoff."""
        return self.history(thread).handoffs[-1]

    def pass_time(self, thread: Thread, minutes: float) -> None:
        """Let minutes pass for a handoff: its own times are moved back, and the clock finds it due by itself."""
        self.say(f"  ({minutes:g} minutes pass)")
        by = timedelta(minutes=minutes)
        with self.running_demo.database.write() as session:
            handoffs_due.backdate(session, self.handoff(thread).id, by)

    def modal(self, user: str, callback: str) -> Json:
        """Wait until a modal is open for a person."""

        def look() -> Json | None:
            view = self.sees(user)["view"]
            return view if view and view.get("callback_id", callback) == callback else None

        view: Json = self.wait(f"the modal {callback}", look)
        return view

    def history(self, thread: Thread) -> TicketHistory:
        """Return what the database holds about a thread.

        Raises:
            Unexpected: it holds nothing.
        """
        found = self.history_so_far(thread)
        if found is None:
            raise Unexpected("the thread has no ticket")
        return found

    def history_so_far(self, thread: Thread) -> TicketHistory | None:
        """Return what the database holds about a thread, or None while that is nothing."""
        return self.read(lambda session: ticket_history.of_thread(session, thread.channel, thread.ts))

    def read(self, query: Callable[[Session], Seen]) -> Seen:
        """Read something from the database."""
        with self.running_demo.database.read() as session:
            return query(session)

    def done(self, thread: Thread) -> TicketHistory:
        """Wait until every turn of a thread has ended and everything is posted; return the history."""

        def look() -> TicketHistory | None:
            history = self.history_so_far(thread)
            ended = (
                history is not None and history.turns and all(turn.state is TurnState.DONE for turn in history.turns)
            )
            said = history is not None and not any(
                one.state in (MessageState.STORED, MessageState.SENDING) for one in history.messages
            )
            return history if ended and said else None

        return self.wait("the turn to end", look)

    def account(self, account_id: str) -> str:
        """Return the state of an account in the directory."""
        account = LocalDirectory(self.running_demo.database).account(account_id)
        return "none" if account is None else str(account.status)

    def lock(self, account_id: str) -> None:
        """Lock an account as mistyped passwords do, with earlier writes to it moved an hour back."""
        self.an_hour_passes(account_id)
        directory = LocalDirectory(self.running_demo.database)
        directory.set_status(account_id, AccountStatus.LOCKED, lock_reason="too many failed sign-ins")

    def an_hour_passes(self, account_id: str) -> None:
        """Move earlier writes to an account back by an hour, so that it may be written again."""
        with self.running_demo.database.write() as session:
            account_writes.backdate(session, account_id, timedelta(hours=1))

    def slack_is_asked_again(self, user: str) -> None:
        """Drop what is kept of somebody's profile, so that their next turn looks it up."""
        with self.running_demo.database.write() as session:
            members.forget(session, user)

    def model_faults(self, *faults: Json) -> None:
        """Replace the stand-in's faults."""
        self._call(f"{self.running_demo.model}faults", list(faults), "PUT")

    def slack_faults(self, *faults: Json) -> None:
        """Replace the workspace's faults."""
        self._call(f"{self.running_demo.page}sandbox/faults", list(faults), "PUT")

    def deskhand(self, *words: str, ends_with: int = 0, environment: Mapping[str, str] | None = None) -> Json:
        """Run a command as an operator does, with more variables in its environment; return the JSON it prints last."""
        self.say(f"  an operator: deskhand {shlex.join(words)}")
        printed: list[str] = []
        program = Program(
            "operator",
            [sys.executable, "-m", "bot.cli", *words],
            {**self.running_demo.environment, **(environment or {})},
        )
        self.running_demo.supervisor.run(program, show=printed.append, ends_with=ends_with)
        found: Json = json.loads(printed[-1])
        return found

    def _call(self, url: str, body: object = None, method: str = "GET") -> Json:
        return calls.call(url, self.running_demo.keys, body, method, seconds=PATIENCE_SECONDS)


def typed(text: str) -> Json:
    """Return what typing into a field sends."""
    return {"type": "plain_text_input", "value": text}
