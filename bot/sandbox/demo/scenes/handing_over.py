"""Lena has lost her phone: one of two responders takes the handoff, answers, passes it on, and it is resolved.

Five scenes of one ticket. Each one first plays those before it, if they were not played.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

from bot.sandbox.demo.scenes.checks import Json, buttons, change, check, facts, holding
from bot.sandbox.demo.scenes.stage import QUEUE, Stage, Thread, typed
from bot.slack.handoffs import queue_card
from bot.store.handoffs import handoff_history
from bot.store.schema import TicketState, TurnOutcome

RESPONDERS, OWNER = ("U0PRIYA", "U0BEN"), "U0OLIVIA"
SILENCE_SECONDS = 3.0
"Longer than a turn of the stand-in: if an answer comes at all, it comes within this time."
ASIDE = "Let us see her badge before anything is enrolled."
HELLO = "Hi Lena, I am on it."
ANSWER = "Can you come to the service desk with your badge?"
DONE = "Checked her badge and enrolled the new phone."


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who has Lena's ticket."""

    thread: Thread
    winner: str
    loser: str
    ms: int


def handoff(stage: Stage) -> Json:
    """The agent hands off with everything that it knows."""
    thread, took = stage.once("handoff", lambda: _handed_off(stage))
    history, card = stage.done(thread), stage.card(thread)
    check(history.turns[-1].outcome is TurnOutcome.HANDOFF, "a handoff", history.turns[-1].outcome)
    shown = json.dumps(card["blocks"])
    check("<@U0LENA>" in shown and "> I lost my phone" in shown, "who, and their words, on the card", card)
    check("handoff.claim" in buttons(card), "a Claim button", buttons(card))
    below = stage.queue_thread(card)
    check("lost my phone" in json.dumps(below), "the conversation below the card", [one["text"] for one in below])
    notices = [one for one in stage.replies(thread) if "called in a person" in one["text"]]
    check(len(notices) == 1 and "15 minutes" in notices[0]["text"], "one notice with a time", notices)
    check(buttons(notices[0]) == ["handoff.cancel"], "a way to take it back", buttons(notices[0]))
    changed = change(history, account="acc-lena", before="active", after=stage.account("acc-lena"))
    check(not changed["directory"]["writes"], "nothing changed in the directory", changed)
    return facts(history, ms=took, reason=history.handoffs[0].reason, card=card["ts"], transcript=len(below), **changed)


def claim_race(stage: Stage) -> Json:
    """Priya and Ben press Claim at the same moment; one gets it, and the other is told who."""
    claimed = stage.once("claimed", lambda: _claimed(stage))
    history = stage.history(claimed.thread)
    return facts(
        history,
        ms=claimed.ms,
        winner=claimed.winner,
        loser=claimed.loser,
        claims=sum(row.claimed_by is not None for row in history.handoffs),
    )


def relay(stage: Stage) -> Json:
    """The holder's words reach Lena, hers reach the responders, and the bot stays silent."""
    claimed = stage.once("claimed", lambda: _claimed(stage))
    return stage.once("relayed", lambda: _relayed(stage, claimed))


def reassign(stage: Stage) -> Json:
    """The holder gives it to the other, who is told; the first can do nothing with it from then on."""
    claimed = stage.once("claimed", lambda: _claimed(stage))
    stage.once("relayed", lambda: _relayed(stage, claimed))
    return stage.once("reassigned", lambda: _reassigned(stage, claimed))


def resolve(stage: Stage) -> Json:
    """The new holder says what was done; the card has one button left, and a later message is a new handoff."""
    claimed = stage.once("claimed", lambda: _claimed(stage))
    stage.once("relayed", lambda: _relayed(stage, claimed))
    stage.once("reassigned", lambda: _reassigned(stage, claimed))
    return stage.once("resolved", lambda: _resolved(stage, claimed))


def _handed_off(stage: Stage) -> tuple[Thread, int]:
    thread = stage.ask("U0LENA", "I lost my phone and can't get the code to sign in.")
    _, took = stage.answer(thread)
    stage.done(thread)
    stage.heard("in #access-queue", stage.card(thread))
    return thread, took


def _claimed(stage: Stage) -> Claimed:
    """Let both press at the same moment, and see who gets it."""
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
    winner = stage.history(thread).handoffs[0].claimed_by
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
    stage.heard("deskhand", stage.wait("Lena to be told", lambda: holding(stage.replies(thread), "has your request")))
    moves = stage.read(
        lambda session: [one.move for one in handoff_history.of_handoff(session, stage.handoff(thread).id)]
    )
    check(moves == ["opened", "claimed"], "one claim in the history", moves)
    return Claimed(thread, str(winner), loser, took)


def _relayed(stage: Stage, claimed: Claimed) -> Json:
    thread, winner = claimed.thread, claimed.winner
    lease = stage.handoff(thread).lease_until
    stage.notes(winner, thread, ASIDE)
    stage.wait("the claim to be renewed", lambda: stage.handoff(thread).lease_until != lease)
    mistaken = stage.notes(winner, thread, f"> {HELLO}")
    question = stage.below(thread, "Send this one?")
    check(not holding(stage.replies(thread), HELLO), "nothing sent before the answer", stage.replies(thread))
    stage.press(winner, question, "handoff.send")
    began = time.monotonic()
    heard = stage.wait("the words in Lena's thread", lambda: holding(stage.replies(thread), HELLO))
    took = round((time.monotonic() - began) * 1000)
    by = heard.get("username")
    check(by == stage.name(winner), f"the name {stage.name(winner)} on it", by)
    stage.heard(str(by), heard)
    stage.act("edit", user=winner, channel=QUEUE, ts=mistaken["ts"], text=f"> {HELLO} I have time at ten.")
    stage.wait("the edit in Lena's thread", lambda: holding(stage.replies(thread), "I have time at ten."))
    answer = stage.fill(winner, thread, "reply", text=typed(ANSWER))
    check(answer["ok"], "the form to be taken", answer)
    stage.heard(str(by), stage.wait("the second answer", lambda: holding(stage.replies(thread), "your badge")))
    before, turns = len(stage.replies(thread)), len(stage.history(thread).turns)
    stage.says(thread.user, thread, "Yes, I can be there at ten.", files=[{"name": "badge.png", "size": 20_000}])
    copy = stage.below(thread, "be there at ten")
    check("badge.png" in json.dumps(copy), "her file named below the card", copy)
    time.sleep(SILENCE_SECONDS)  # that nothing happens can only be seen by waiting
    after = stage.replies(thread)
    check(len(after) == before, "the bot to keep silent", [one["text"] for one in after[before:]])
    check(not holding(after, ASIDE), "the note among responders to stay there", [one["text"] for one in after])
    history = stage.history(thread)
    check(len(history.turns) == turns, "no further turn", len(history.turns))
    return facts(history, ms=took, by=winner, silent_seconds=SILENCE_SECONDS, queue=QUEUE)


def _reassigned(stage: Stage, claimed: Claimed) -> Json:
    thread, giver, taker = claimed.thread, claimed.winner, claimed.loser
    began = time.monotonic()
    offered = _offered(stage, giver, thread)
    check(offered == sorted([stage.name(taker), stage.name(OWNER)]), "everybody who may take it, and no other", offered)
    wrong = stage.fill(giver, thread, "reassign", to=_chosen(thread.user))
    check(wrong.get("errors"), "Lena to be refused as a responder", wrong)
    answer = stage.fill(giver, thread, "reassign", to=_chosen(taker))
    check(answer["ok"], "the form to be taken", answer)
    stage.wait("Lena to be told", lambda: holding(stage.replies(thread), f"<@{taker}> has your request"))
    stage.heard("in the queue thread", stage.below(thread, "this is yours"))
    took = round((time.monotonic() - began) * 1000)
    stage.notes(giver, thread, "> One more thing")
    stage.wait(
        f"{stage.name(giver)} to be told that it was not sent",
        lambda: holding(stage.sees(giver)["ephemeral"], "not sent"),
    )
    check(not holding(stage.replies(thread), "One more thing"), "nothing from who no longer has it", None)
    shown = json.dumps(stage.card(thread)["blocks"])
    check(f"<@{taker}>" in shown, "the next holder on the card", shown)
    return facts(stage.history(thread), ms=took, by=giver, to=taker)


def _offered(stage: Stage, giver: str, thread: Thread) -> list[str]:
    """Return the names of the people to whom the form offers to give a thread's handoff."""
    stage.press(giver, stage.card(thread), "handoff.reassign")
    fields = {block["block_id"]: block["element"] for block in stage.modal(giver, "handoff.reassigned")["blocks"]}
    return [option["text"]["text"] for option in fields["to"]["options"]]


def _chosen(user: str) -> Json:
    return {"type": "static_select", "selected_option": {"value": user}}


def _resolved(stage: Stage, claimed: Claimed) -> Json:
    thread, by = claimed.thread, claimed.loser
    card, began = stage.card(thread), time.monotonic()
    choices = {
        "category": _chosen("second_factor"),
        "agent_could": {"type": "radio_buttons", "selected_option": {"value": "no"}},
    }
    answer = stage.fill(by, thread, "resolve", done=typed(DONE), **choices)
    check(answer["ok"], "the form to be taken", answer)
    stage.wait("a card that is closed", lambda: buttons(stage.card(thread)) == [queue_card.PROPOSE])
    stage.wait("Lena to be told", lambda: holding(stage.replies(thread), "enrolled the new phone"))
    took = round((time.monotonic() - began) * 1000)
    stage.say(f"  {stage.name(by)} resolves it: {DONE}")
    history = stage.done(thread)
    check(history.ticket.state is TicketState.RESOLVED, "the ticket to be resolved", history.ticket.state)
    resolution = history.handoffs[-1].resolution
    stage.says(thread.user, thread, "Thank you!")
    stage.wait("the thanks to be answered", lambda: holding(stage.replies(thread), "welcome"))
    check(len(stage.done(thread).handoffs) == 1, "nobody to be called for a thank-you", None)
    stage.says(thread.user, thread, "It asks me for the old phone again.")
    stage.wait("a new handoff", lambda: len(stage.history(thread).handoffs) > 1)
    again = stage.done(thread).handoffs[-1]
    check((again.reason, again.previous_id) == ("reopened", history.handoffs[-1].id), "a linked one", again.reason)
    check(stage.card(thread)["ts"] != card["ts"], "a card of its own", stage.card(thread)["ts"])
    stage.heard("in #access-queue", stage.card(thread))
    return facts(history, ms=took, by=by, resolution=resolution, buttons=[queue_card.PROPOSE], reopened=again.id)
