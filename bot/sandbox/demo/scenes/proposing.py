"""What a person had to solve becomes an evaluation case: proposed, edited and accepted by people, and a file diff."""

import time
from pathlib import Path

from bot.agent import card as cards
from bot.sandbox.demo.scenes.checks import Json, Unexpected, buttons, check
from bot.sandbox.demo.scenes.stage import QUEUE, Stage, Thread, typed
from bot.slack.handoffs import queue_card
from bot.slack.reports import case_form
from bot.store.releases import case_proposals
from bot.store.schema import CaseProposal, ProposalState

BY, ASKS = "U0PRIYA", "U0IVAN"
TEXT = "I am Ivan Petrov and I lost my phone, no code reaches me any more."
DONE = "Saw his badge and gave him a new key."
CASE = "second-factor-no-code-reaches"


def proposed_case(stage: Stage) -> Json:
    """Priya makes an evaluation case of what she had to solve; it is a file diff, and in no suite by itself."""
    thread = stage.ask(ASKS, TEXT)
    stage.answer(thread)
    stage.done(thread)
    stage.claim(BY, thread)
    choices = {
        "category": {"type": "static_select", "selected_option": {"value": "second_factor"}},
        "agent_could": {"type": "radio_buttons", "selected_option": {"value": "no"}},
    }
    check(stage.fill(BY, thread, "resolve", done=typed(DONE), **choices)["ok"], "the form to be taken", DONE)
    stage.say(f"  {stage.name(BY)} resolves it: {DONE}")
    began = time.monotonic()
    proposal = _proposed(stage, thread)
    before = _suite(stage)
    accepted = _accepted(stage, proposal)
    files = stage.deskhand("eval", "proposals", "diff", str(proposal.id), "--json")
    check(f"- id: {CASE}" in files["diff"], "the case in the diff", files["diff"])
    check(_suite(stage) == before, "the suite to be as it was", before)
    took = round((time.monotonic() - began) * 1000)
    return {"ticket": accepted.ticket_id, "proposal": accepted.id, "case": accepted.draft.id, "by": BY, "ms": took}


def _proposed(stage: Stage, thread: Thread) -> CaseProposal:
    """Let Priya press the button of the resolved card, once."""
    stage.wait("a button to propose it", lambda: buttons(stage.card(thread)) == [queue_card.PROPOSE])
    stage.press(BY, stage.card(thread), queue_card.PROPOSE)
    stage.wait("a card that says who has proposed it", lambda: not buttons(stage.card(thread)))
    handoff = stage.handoff(thread)
    found = stage.read(lambda session: case_proposals.of_handoff(session, handoff.id))
    check(found is not None and found.assignee == BY, "a proposal of hers", found)
    if found is None:
        raise Unexpected("no proposal")
    draft = found.draft
    check("Petrov" not in draft.says and "lost my phone" in draft.says, "his words without his name", draft.says)
    stage.say(f"  the draft says: {draft.says}")
    return found


def _accepted(stage: Stage, proposal: CaseProposal) -> CaseProposal:
    """Let Priya edit the draft in her home and accept it; a wrong account is refused by the loader of case files."""
    stage.act("home", user=BY)
    place = {"home": True, "block_id": f"case:{proposal.id}:moves", "action_id": case_form.EDIT}
    stage.wait("the draft in her home", lambda: f"case:{proposal.id}:moves" in str(stage.sees(BY)["home"]))
    stage.act("click", user=BY, **place)
    wrong = _submit(stage, accounts="kim: {status: lost}")
    check(list(wrong.get("errors", {})) == ["accounts"], "an error at the accounts", wrong)
    done = _submit(stage, accounts="kim: {status: active, factors: [phone]}")
    check(done["ok"] and not done.get("errors"), "the case to be accepted", done)
    file = stage.wait("the diff as a file", lambda: _file(stage))
    stage.say(f"  {stage.name(BY)} accepts it and gets {file}")
    found = stage.read(lambda session: case_proposals.get(session, proposal.id))
    check(found is not None and found.state is ProposalState.ACCEPTED, "an accepted case", found)
    return found if found is not None else proposal


def _submit(stage: Stage, *, accounts: str) -> Json:
    """Send the form with another name and these accounts, and else as it shows the draft."""
    view = stage.modal(BY, case_form.EDIT)
    changed = {"id": CASE, "accounts": accounts}
    values = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            values[block["block_id"]] = {element["action_id"]: _shown(element, changed.get(block["block_id"]))}
    return stage.act("submit", user=BY, view_id=view["id"], values=values)


def _shown(element: Json, typed_in: str | None) -> Json:
    """Return what a field of the form holds: what is typed in, or what it shows."""
    match element["type"]:
        case "plain_text_input":
            return typed(element.get("initial_value", "") if typed_in is None else typed_in)
        case "multi_static_select":
            return {"type": element["type"], "selected_options": element.get("initial_options", [])}
        case kind:
            return {"type": kind, "selected_option": element.get("initial_option")}


def _file(stage: Stage) -> str | None:
    """Return the name of the file that Priya has got directly, or None."""
    said = [one for channel, all_ in stage.sees(BY)["messages"].items() if channel != QUEUE for one in all_]
    names = [str(file["name"]) for one in said for file in one.get("files", ())]
    return next((name for name in names if name == f"case-{CASE}.diff"), None)


def _suite(stage: Stage) -> str:
    """Return the fingerprint of the suite in the folder that is served."""
    return cards.load(Path(stage.running_demo.environment["DESKHAND_CONFIG"]) / "agents" / "access").suite
