"""Who may act: `bot.rights`, over every kind of person."""

from dataclasses import replace
from itertools import product

import pytest

from bot import rights
from bot.agent import card
from bot.agent.card import Agent
from bot.rights import Actor, Forbidden, Membership, Viewer
from bot.slack.handoffs import denials
from tests.support.paths import CONFIG

MAYA, PRIYA, OLIVIA = "U0MAYA", "U0PRIYA", "U0OLIVIA"


@pytest.fixture(scope="module")
def agent() -> Agent:
    """Return an agent with an heirloom."""
    found = card.load(CONFIG / "agents/access")
    return replace(found, card=found.card.model_copy(update={"inherits": ("old",)}))


def test_only_who_is_named_there_and_a_member_may_act(agent: Agent) -> None:
    """Of every combination of role, past and look-up exactly one may: named now, here still, found to be a member."""
    may = [
        (user, left, membership)
        for user, left, membership in product((MAYA, PRIYA, OLIVIA), (False, True), Membership)
        if rights.barred_from(agent, Actor(user, membership, left=left)) is None
    ]
    assert may == [(PRIYA, False, Membership.MEMBER), (OLIVIA, False, Membership.MEMBER)]


def test_nobody_may_act_for_an_agent_that_is_gone() -> None:
    """Whatever they are."""
    found = {rights.barred_from(None, Actor(PRIYA, membership)) for membership in Membership}
    assert found == {Forbidden.NO_AGENT}


@pytest.mark.parametrize(
    ("actor", "requester", "vouched", "why"),
    [
        (Actor(PRIYA, Membership.MEMBER), MAYA, (), None),
        (Actor(OLIVIA, Membership.MEMBER), MAYA, (), Forbidden.NO_APPROVER),
        (Actor(MAYA, Membership.UNCHECKED), PRIYA, (), Forbidden.NO_APPROVER),
        (Actor(PRIYA, Membership.MEMBER, left=True), MAYA, (), Forbidden.LEFT),
        (Actor(PRIYA, Membership.STRANGER), MAYA, (), Forbidden.STRANGER),
        (Actor(PRIYA, Membership.UNCHECKED), MAYA, (), Forbidden.UNCHECKED),
        (Actor(PRIYA, Membership.MEMBER), PRIYA, (), Forbidden.OWN_REQUEST),
        (Actor(PRIYA, Membership.MEMBER), MAYA, (PRIYA,), Forbidden.VOUCHED),
    ],
)
def test_only_an_approver_who_is_no_party_to_it_decides(
    agent: Agent, actor: Actor, requester: str, vouched: tuple[str, ...], why: Forbidden | None
) -> None:
    """Named in the card, a member now, not the requester, and not who said that the requester is who they say."""
    assert rights.barred_from_approving(agent, actor, requester, vouched=vouched) is why
    assert rights.barred_from_approving(None, actor, requester) is Forbidden.NO_AGENT


@pytest.mark.parametrize(
    ("actor", "why"),
    [
        (Actor(MAYA, Membership.UNCHECKED), None),
        (Actor(MAYA, Membership.STRANGER), Forbidden.STRANGER),
        (Actor(MAYA, Membership.MEMBER, left=True), Forbidden.LEFT),
        (Actor(PRIYA, Membership.MEMBER), Forbidden.NOT_THEIRS),
    ],
)
def test_what_is_ones_own_needs_no_look_up(actor: Actor, why: Forbidden | None) -> None:
    """A requester takes a request back, or judges its answer, unless Slack says that they are none of us."""
    assert rights.barred_from_own(actor, MAYA) is why


def test_roles_reach_as_far_as_the_card_says(agent: Agent) -> None:
    """To the tickets of the agent and of those that it inherits from."""
    agents = {"access": agent}
    assert rights.served_by(agents, PRIYA) == {"access", "old"}
    assert rights.served_by(agents, MAYA) == frozenset()
    assert rights.serving(agents)["old"] == rights.people(agent)


def test_every_reason_has_words() -> None:
    """Plain ones, each its own, that name neither the field nor the code."""
    said = [denials.in_words(why) for why in Forbidden]
    assert len(set(said)) == len(Forbidden)
    assert all(one.endswith(".") and "_" not in one for one in said)


def test_viewer_sees_figures_by_role_and_tickets_by_ownership(agent: Agent) -> None:
    """An owner sees both, a responder figures alone, of inherited agents too; nobody else sees anything."""
    agents, both = {"access": agent}, frozenset({"access", "old"})
    member = Membership.MEMBER
    assert rights.viewer(agents, Actor(OLIVIA, member)) == Viewer(OLIVIA, figures=both, tickets=both)
    assert rights.viewer(agents, Actor(PRIYA, member)) == Viewer(PRIYA, figures=both, tickets=frozenset())
    assert rights.viewer(agents, Actor(MAYA, member)) is Forbidden.NO_ROLE
    assert rights.viewer(agents, Actor(OLIVIA, member, left=True)) is Forbidden.LEFT
    assert rights.viewer(agents, Actor(OLIVIA, Membership.STRANGER)) is Forbidden.STRANGER
    assert rights.viewer(agents, Actor(OLIVIA, Membership.UNCHECKED)) is Forbidden.UNCHECKED
    assert rights.viewer({}, Actor(OLIVIA, member)) is Forbidden.NO_ROLE
