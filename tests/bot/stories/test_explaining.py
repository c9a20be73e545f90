"""One thing is explained on one page, from what is really stored of it: `bot.stories.explaining`."""

import json
from typing import Any

from bot.store.audit import things
from bot.store.audit.things import Thing
from bot.store.schema import (
    Approval,
    AuditRow,
    DirectoryWrite,
    Handoff,
    InboxEvent,
    LedgerRow,
    Message,
    MessageKind,
    Step,
    StepKind,
)
from bot.stories import naming, reading
from bot.stories.explanation import WIDTH, Explanation
from tests.support.product_harness import LOCKED, Place
from tests.support.workspace_names import HELP

NAMES = {"U0MAYA": "Maya Okafor", HELP: "#help"}


def found(place: Place, what: str) -> list[Thing]:
    """Return what a name leads to."""
    name = naming.parse(what)
    assert name is not None
    with place.front.database.read() as session:
        return things.find(session, name)


def page(place: Place, what: str) -> Explanation:
    """Return the page of the one thing that a name leads to."""
    [thing] = found(place, what)
    with place.front.database.read() as session:
        known = reading.read(session, thing)
    return reading.page(known, NAMES)


def facts(told: Explanation, label: str) -> dict[str, Any]:
    """Return the facts of the one part with a label."""
    [part] = told.of(label)
    return part.facts


def test_one_directory_change_is_explained_back_to_the_slack_message(place: Place) -> None:
    """Who wrote what and where, as whom they were verified, by which rule, grant and delegation it was allowed, what
    the directory did, that it agreed, what was said and what it cost; whatever of these leads to it."""  # noqa: D205, D209 - one thought
    ts = place.asks("U0MAYA", LOCKED)
    [write], [asked] = place.front.rows(DirectoryWrite), place.front.rows(InboxEvent)
    told = page(place, write.key)
    assert told.thing == write.key
    [heard] = facts(told, "Asked")["messages"]
    assert (heard["user"], heard["channel"], heard["ts"], heard["event"]) == ("U0MAYA", HELP, ts, asked.event_id)
    assert facts(told, "Verified")["account"] == "acc-maya"
    decided = facts(told, "Decided")
    assert [one["rule"] for one in decided["decisions"]] == ["own_account"]
    assert decided["delegation"]["req"]["event_id"] == asked.event_id
    assert decided["delegation"]["grant"]
    assert facts(told, "Approved") == {"approval": None}
    done = facts(told, "Done")
    assert [(one["action"], one["before"], one["after"]) for one in done["changes"]] == [("unlock", "locked", "active")]
    assert (done["outcome"], facts(told, "Agreed")["agreement"]) == ("tool.finished", "matched")
    [reply] = facts(told, "Said")["messages"]
    assert (reply["kind"], reply["state"], reply["channel"]) == (MessageKind.REPLY, "posted", HELP)
    paid = place.front.rows(LedgerRow)
    assert facts(told, "Cost")["cost_nusd"] == sum(one.cost_nusd for one in paid) > 0
    records = facts(told, "Records")["audit"]
    assert len(records) == 2
    for other in (f"audit:{records[0]}", f"audit:{records[1]}"):
        again = page(place, other)
        assert (again.thing, again.parts[:-1]) == (told.thing, told.parts[:-1])
    turn = write.key.rpartition(":")[0]
    for other in (f"{HELP}/{ts}", f"{HELP}/{reply['ts']}", turn):
        assert page(place, other).thing == turn
    assert page(place, paid[0].rid).of("Cost")[0].facts["cost_nusd"] == sum(one.cost_nusd for one in paid)
    assert f"Model call {paid[0].rid} of step" in page(place, paid[0].rid).text()


def test_a_page_fits_a_terminal_and_its_json_has_the_same(place: Place) -> None:
    """No line is longer than 100 columns; the names are those that are known; every sentence is in both."""
    place.asks("U0MAYA", f"{LOCKED} {'because I typed my password wrong again and again ' * 5}\x1b[2J")
    told = page(place, "turn:1")
    text = told.text()
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert len(text.splitlines()) < 50
    assert "\x1b" not in text
    assert "Maya Okafor wrote in #help" in text
    spoken = json.loads(json.dumps(told.as_json()))
    assert [part["says"] for part in spoken["parts"]] == [list(part.says) for part in told.parts]
    squeezed = " ".join(text.split())
    for part in told.parts:
        for sentence in part.says:
            assert " ".join(sentence.split()) in squeezed


def test_a_turn_tells_its_writes_whole_and_its_reads_in_a_line(place: Place) -> None:
    """What changed nothing takes little room; a call of it is told whole when it is asked for."""
    place.asks("U0MAYA", LOCKED)
    told = page(place, "turn:1")
    assert [part.facts["tool"] for part in told.of("Decided")] == ["unlock_my_account"]
    [read] = facts(told, "Read")["calls"]
    assert read["tool"] == "look_up_my_account"
    alone = page(place, f"turn:1:{read['step']}")
    assert [part.facts["tool"] for part in alone.of("Decided")] == ["look_up_my_account"]
    assert alone.of("Agreed") == ()


def test_what_went_to_a_person_names_the_handoff_and_its_reason(place: Place) -> None:
    """The turn, its ticket, its handoff and the card lead to it."""
    place.asks("U0MAYA", f"{LOCKED}, and I want to talk to a person")
    [handoff] = place.front.rows(Handoff)
    told = page(place, f"handoff:{handoff.id}")
    assert told.thing == f"ticket:{handoff.ticket_id}"
    assert [(one["move"], one["handoff"]) for one in facts(told, "People")["moves"]] == [("opened", handoff.id)]
    assert "(requested)" in told.text()
    [card] = [one for one in place.front.rows(Message) if one.kind is MessageKind.CARD]
    assert page(place, f"{card.channel}/{card.ts}").of("People")


def test_an_approval_is_explained_with_who_made_each_move(place: Place) -> None:
    """From its number, or from any record of it, to the call that it was asked for."""
    place.asks("U0MAYA", "<@U0DESKHAND> I lost my phone, please reset my second factor")
    [approval] = place.front.rows(Approval)
    told = page(place, f"approval:{approval.id}")
    assert told.thing == f"turn:{approval.turn_id}:{approval.step}"
    approved = facts(told, "Approved")
    assert (approved["approval"], approved["state"]) == (approval.id, approval.state)
    assert approved["moves"][0]["event"] == "approval.opened"
    assert page(place, f"audit:{approved['moves'][0]['audit']}").thing == told.thing


def test_a_number_alone_lists_what_it_could_mean(place: Place) -> None:
    """A ticket, a turn, a record of the log; a number that nothing has is nothing."""
    place.asks("U0MAYA", LOCKED)
    assert {one.name.partition(":")[0] for one in found(place, "1")} >= {"ticket", "turn", "audit"}
    assert found(place, "100200300") == []
    assert found(place, f"{HELP}/1.000000") == [] if naming.parse(f"{HELP}/1.000000") else True
    assert found(place, "nobody") == []


def test_a_record_of_no_ticket_is_told_as_it_is(place: Place) -> None:
    """Such as a command that was answered: who, when, what, and every fact of it."""
    place.front.act("command", "U0OLIVIA", channel=HELP, command="/agent-cost", text="")
    assert place.front.whispers("U0OLIVIA")
    [row] = [one for one in place.front.rows(AuditRow) if one.event == "command.answered"]
    told = page(place, f"audit:{row.seq}")
    assert told.heading == f"Audit record {row.seq}: command.answered, of no ticket."
    assert "command: /agent-cost." in told.text()


def test_a_call_under_way_says_so(place: Place) -> None:
    """No outcome is made up."""
    place.asks("U0MAYA", LOCKED)
    with place.front.database.write() as session:
        outcome = next(one for one in place.front.rows(AuditRow) if one.event == "tool.finished")
        assert outcome.intent_id is not None
        step = next(one for one in place.front.rows(Step) if one.kind is StepKind.TOOL)
        session.get_one(Step, step.id).response = None
    assert page(place, f"turn:1:{step.seq}").of("Done")
