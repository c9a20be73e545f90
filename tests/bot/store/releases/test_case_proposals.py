"""Cases that people propose, and who decides: `bot.store.releases.case_proposals`."""

from typing import Any

from bot.store.db import Database
from bot.store.releases import case_proposals
from bot.store.schema import AuditRow, CaseDraft, CaseProposal, Handoff, ProposalState
from tests.support.factories import at_once, handed_off, rows

DRAFT = CaseDraft(id="locked-1", slice="locked", ran=("resolve",))
FIVE = ("U0PRIYA", "U0BEN", "U0OLIVIA", "U0CHEN", "U0IVAN")


def proposed(database: Database, handoff: Handoff, by: str = "U0PRIYA") -> int | None:
    """Propose a case from a handoff."""
    about: dict[str, Any] = {"agent": "access", "handoff_id": handoff.id, "ticket_id": handoff.ticket_id}
    with database.write() as session:
        return case_proposals.propose(session, **about, by=by, draft=DRAFT)


def events(database: Database) -> list[tuple[str, str]]:
    """Return what was audited of cases."""
    return [(row.event, row.actor) for row in rows(database, AuditRow) if row.event.startswith("case.")]


def test_of_people_who_propose_at_once_one_does(postgres: Database) -> None:
    """A handoff is one case: the others' clicks leave no row behind."""
    handoff = handed_off(postgres)
    found = at_once(5, lambda number: proposed(postgres, handoff, FIVE[number]))
    assert sorted(one is not None for one in found) == [False, False, False, False, True]
    [row] = rows(postgres, CaseProposal)
    assert (row.state, row.assignee, row.draft) == (ProposalState.PROPOSED, row.proposed_by, DRAFT)
    assert events(postgres) == [("case.proposed", row.proposed_by)]


def test_of_people_who_decide_at_once_one_does(postgres: Database) -> None:
    """Whether they accept, dismiss or edit: each decides about what they have seen, and the others change nothing."""
    number = proposed(postgres, handed_off(postgres))
    assert number is not None

    def decide(who: int) -> CaseProposal | None:
        state = ProposalState.ACCEPTED if who % 2 else ProposalState.DISMISSED
        with postgres.write() as session:
            if who == 4:
                return case_proposals.edit(session, number, 1, by=FIVE[who], draft=DRAFT, assignee="U0BEN")
            return case_proposals.decide(session, number, 1, by=FIVE[who], state=state)

    won = [one for one in at_once(5, decide) if one is not None]
    assert len(won) == 1
    [row] = rows(postgres, CaseProposal)
    assert row.revision == 2
    assert len(events(postgres)) == 2


def test_what_is_decided_is_not_changed(database: Database) -> None:
    """Neither edited, accepted nor dismissed again; it is in nobody's list any more."""
    number = proposed(database, handed_off(database))
    assert number is not None
    with database.read() as session:
        assert [one.id for one in case_proposals.assigned_to(session, "U0PRIYA", at_most=9)] == [number]
        assert case_proposals.assigned_to(session, "U0BEN", at_most=9) == []
    with database.write() as session:
        done = case_proposals.decide(session, number, 1, by="U0BEN", state=ProposalState.ACCEPTED, draft=DRAFT)
        assert done is not None
        assert (done.decided_by, done.revision) == ("U0BEN", 2)
        assert case_proposals.decide(session, number, 2, by="U0BEN", state=ProposalState.DISMISSED) is None
        assert case_proposals.edit(session, number, 2, by="U0BEN", draft=DRAFT, assignee="U0BEN") is None
        assert case_proposals.assigned_to(session, "U0PRIYA", at_most=9) == []
    assert events(database) == [("case.proposed", "U0PRIYA"), ("case.accepted", "U0BEN")]


def test_a_draft_of_another_build_is_read() -> None:
    """What it did not write has its default, and what this build does not know is left out."""
    assert CaseDraft.from_json({"id": "a", "ran": ["resolve"], "colour": "red", "why": None}) == CaseDraft(
        id="a", ran=("resolve",)
    )
