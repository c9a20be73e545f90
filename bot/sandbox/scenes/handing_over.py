"""Lena has lost her phone: a person is fetched, one of two takes it, answers, and closes it.

Four scenes of one ticket. Each plays those before it when it is asked for alone.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

from bot.sandbox.scenes.stage import HELP, QUEUE, Json, Stage, Thread, buttons, change, check, facts

RESPONDERS = ("U0PRIYA", "U0BEN")
SILENCE_SECONDS = 3.0
"Longer than a turn of the stand-in takes: an answer that comes at all comes within this."
ANSWER = "Hi Lena, I am on it. Can you come to the service desk with your badge?"
DONE = "Checked her badge and enrolled the new phone."


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who has Lena's ticket."""

    thread: Thread
    winner: str
    loser: str
    ms: int


def handoff(stage: Stage) -> Json:
    """The agent fetches a person and passes everything on."""
    thread, took = stage.once("handoff", lambda: _handed_off(stage))
    story, card = stage.done(thread), stage.card(thread)
    check(story.turns[-1].outcome == "handoff", "a handoff", story.turns[-1].outcome)
    shown = json.dumps(card["blocks"])
    check("<@U0LENA>" in shown and story.handoffs[0].summary.split()[0] in shown, "who and why on the card", card)
    check("handoff.claim" in buttons(card), "a Claim button", buttons(card))
    below = stage.queue_thread(card)
    check("lost my phone" in json.dumps(below), "the conversation below the card", [one["text"] for one in below])
    changed = change(story, account="acc-lena", before="active", after=stage.account("acc-lena"))
    check(not changed["directory"]["writes"], "nothing changed in the directory", changed)
    return facts(story, ms=took, reason=story.handoffs[0].reason, card=card["ts"], transcript=len(below), **changed)


def claim_race(stage: Stage) -> Json:
    """Priya and Ben press Claim at the same moment; one has it, the other is told who."""
    claimed = stage.once("claimed", lambda: _claimed(stage))
    story = stage.story(claimed.thread)
    return facts(
        story,
        ms=claimed.ms,
        winner=claimed.winner,
        loser=claimed.loser,
        claims=sum(row.claimed_by is not None for row in story.handoffs),
    )


def relay(stage: Stage) -> Json:
    """The winner's words reach Lena, hers reach the responders, and the bot keeps silent."""
    claimed = stage.once("claimed", lambda: _claimed(stage))
    return stage.once("relayed", lambda: _relayed(stage, claimed))


def resolve(stage: Stage) -> Json:
    """The winner says what was done, and the card can do nothing more."""
    claimed = stage.once("claimed", lambda: _claimed(stage))
    stage.once("relayed", lambda: _relayed(stage, claimed))
    thread, began = claimed.thread, time.monotonic()
    stage.press(claimed.winner, stage.card(thread), "handoff.resolve")
    view = stage.modal(claimed.winner, "handoff.resolved")
    values = {
        "done": {"done": {"type": "plain_text_input", "value": DONE}},
        "category": {"category": {"type": "static_select", "selected_option": _option("second_factor")}},
        "agent_could": {"agent_could": {"type": "radio_buttons", "selected_option": _option("no")}},
    }
    answer = stage.act("submit", user=claimed.winner, view_id=view["id"], values=values)
    check(answer["ok"], "the form to be taken", answer)
    stage.wait("a card without buttons", lambda: not buttons(stage.card(thread)))
    stage.wait("Lena to be told", lambda: "enrolled the new phone" in stage.replies(thread)[-1]["text"])
    took = round((time.monotonic() - began) * 1000)
    stage.say(f"  {stage.name(claimed.winner)} resolves it: {DONE}")
    story = stage.done(thread)
    check(story.ticket.state == "resolved", "the ticket to be resolved", story.ticket.state)
    check(story.handoffs[-1].state == "resolved", "the handoff to be resolved", story.handoffs[-1].state)
    return facts(story, ms=took, by=claimed.winner, resolution=story.handoffs[-1].resolution, buttons=[])


def _handed_off(stage: Stage) -> tuple[Thread, int]:
    thread = stage.ask("U0LENA", "I lost my phone and can't get the code to sign in.")
    _, took = stage.answer(thread)
    stage.done(thread)
    stage.heard("in #access-queue", stage.card(thread))
    return thread, took


def _claimed(stage: Stage) -> Claimed:
    """Let both press in the same moment, and see who has it."""
    thread, _ = stage.once("handoff", lambda: _handed_off(stage))
    card, together = stage.card(thread), Barrier(len(RESPONDERS))

    def press(user: str) -> None:
        together.wait()
        stage.press(user, card, "handoff.claim")

    began = time.monotonic()
    with ThreadPoolExecutor(len(RESPONDERS)) as hands:
        list(hands.map(press, RESPONDERS))
    stage.wait("the card to show who has it", lambda: "handoff.resolve" in buttons(stage.card(thread)))
    took = round((time.monotonic() - began) * 1000)
    winner = stage.story(thread).handoffs[0].claimed_by
    check(winner in RESPONDERS, "a winner", winner)
    loser = RESPONDERS[1 - RESPONDERS.index(str(winner))]
    stage.say(f"  {stage.name(RESPONDERS[0])} and {stage.name(RESPONDERS[1])} press Claim at the same moment")

    def told() -> Json | None:
        notes = [one for one in stage.sees(loser)["ephemeral"] if f"<@{winner}>" in json.dumps(one)]
        return notes[0] if notes else None

    note = stage.wait(f"{stage.name(loser)} to be told that {stage.name(str(winner))} has it", told)
    stage.heard(f"only {stage.name(loser)} sees", note)
    shown = json.dumps(stage.card(thread)["blocks"])
    check(f"<@{winner}>" in shown and "handoff.claim" not in shown, "the winner on the card, no Claim", shown)
    return Claimed(thread, str(winner), loser, took)


def _relayed(stage: Stage, claimed: Claimed) -> Json:
    thread, winner = claimed.thread, claimed.winner
    stage.press(winner, stage.card(thread), "handoff.reply")
    view = stage.modal(winner, "handoff.replied")
    began = time.monotonic()
    values = {"text": {"text": {"type": "plain_text_input", "value": ANSWER}}}
    answer = stage.act("submit", user=winner, view_id=view["id"], values=values)
    check(answer["ok"], "the form to be taken", answer)
    heard = stage.wait("the responder's words in Lena's thread", lambda: _with(stage.replies(thread), "your badge"))
    took = round((time.monotonic() - began) * 1000)
    by = heard.get("username")
    check(by == stage.name(winner), f"the name {stage.name(winner)} on it", by)
    stage.heard(str(by), heard)
    before = len(stage.replies(thread))
    turns = len(stage.story(thread).turns)
    stage.act("say", user=thread.user, channel=HELP, thread_ts=thread.ts, text="Yes, I can be there at ten.")
    stage.say(f"  {stage.name(thread.user)}: Yes, I can be there at ten.")
    card = stage.card(thread)
    stage.wait("her words below the card", lambda: _with(stage.queue_thread(card), "be there at ten"))
    time.sleep(SILENCE_SECONDS)  # nothing tells that something will not happen
    after = stage.replies(thread)
    check(len(after) == before, "the bot to keep silent", [one["text"] for one in after[before:]])
    story = stage.story(thread)
    check(len(story.turns) == turns, "no further turn", len(story.turns))
    return facts(story, ms=took, by=winner, silent_seconds=SILENCE_SECONDS, queue=QUEUE)


def _with(messages: list[Json], words: str) -> Json | None:
    return next((one for one in messages if words in json.dumps(one)), None)


def _option(value: str) -> Json:
    return {"value": value}
