"""Decides who may act on tickets now; it is asked for every message, edit, press, form and renewal. Pure.

Invariant: nothing is remembered. A card or the budget file names the person at this moment, they have not left the
workspace, and a look-up that has just succeeded found them to be a member of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.agent.card import Agent


class Membership(StrEnum):
    """What a look-up in Slack, made for this act, found about somebody."""

    MEMBER = "member"
    STRANGER = "stranger"
    "Not a confirmed member of this workspace: a guest, a bot, deactivated, unknown, or of another organisation."
    UNCHECKED = "unchecked"
    "Nothing is known: the look-up failed, or there was none."


class Forbidden(StrEnum):
    """Why somebody may not act; the value is stored in the audit log."""

    NO_AGENT = "the agent is gone and has no heir"
    NO_ROLE = "not a responder"
    NO_APPROVER = "not an approver"
    OWN_REQUEST = "their own request"
    VOUCHED = "they gave the proof of who the requester is"
    NOT_THEIRS = "not the requester"
    LEFT = "no longer a member"
    STRANGER = "not a confirmed member"
    UNCHECKED = "could not be checked"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who wants to act, with what is known of them at this moment."""

    user: str
    "Slack user id."
    membership: Membership
    left: bool = False
    "Whether Slack has told us that they are no longer a member."


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who may look at the dashboard at this moment."""

    user: str
    "Slack user id."
    figures: frozenset[str]
    "Names of the agents whose figures they may see: those on whose tickets they may act, inherited ones included."
    tickets: frozenset[str]
    """Names of the agents that they own, inherited ones included.

    They may read the tickets of these, and see what these spent.
    """


def barred(actor: Actor, among: Collection[str]) -> Forbidden | None:
    """Return why somebody may not act as one of these people, or None when they may.

    The role is checked first: a person without a role learns nothing else.
    """
    if actor.user not in among:
        return Forbidden.NO_ROLE
    if actor.left:
        return Forbidden.LEFT
    match actor.membership:
        case Membership.MEMBER:
            return None
        case Membership.STRANGER:
            return Forbidden.STRANGER
        case Membership.UNCHECKED:
            return Forbidden.UNCHECKED


def barred_from(agent: Agent | None, actor: Actor) -> Forbidden | None:
    """Return why somebody may not act on an agent's tickets, or None when they may.

    Args:
        agent: None when it is gone and has no heir.
        actor: who wants to act.
    """
    return Forbidden.NO_AGENT if agent is None else barred(actor, people(agent))


def barred_from_approving(
    agent: Agent | None, actor: Actor, requester: str, *, vouched: Collection[str] = ()
) -> Forbidden | None:
    """Return why somebody may not approve or deny what an agent asks for, or None when they may.

    Args:
        agent: None when it is gone and has no heir.
        actor: who wants to decide.
        requester: Slack user id of the person on whose behalf the agent asks.
        vouched: who has given the proof of the requester's identity: yes to both would be one person's word.
    """
    if agent is None:
        return Forbidden.NO_AGENT
    if actor.user not in agent.card.handoff.approvers:
        return Forbidden.NO_APPROVER
    if (why := barred(actor, agent.card.handoff.approvers)) is not None:
        return why
    if actor.user == requester:
        return Forbidden.OWN_REQUEST
    return Forbidden.VOUCHED if actor.user in vouched else None


def barred_from_own(actor: Actor, requester: str) -> Forbidden | None:
    """Return why somebody may not withdraw a request or rate its answer, or None when they may: it is their own.

    It needs no look-up, because it gives nobody access to anything.
    """
    if actor.user != requester:
        return Forbidden.NOT_THEIRS
    if actor.left:
        return Forbidden.LEFT
    return Forbidden.STRANGER if actor.membership is Membership.STRANGER else None


def people(agent: Agent) -> tuple[str, ...]:
    """Return who may act on an agent's tickets: responders, and owners, who get the card when the queue is gone."""
    return tuple(dict.fromkeys((*agent.card.handoff.responders, *agent.card.owners)))


def viewer(agents: Mapping[str, Agent], actor: Actor) -> Viewer | Forbidden:
    """Return somebody as a viewer of the dashboard, or why they may not see it."""
    figures = served_by(agents, actor.user)
    why = barred(actor, (actor.user,) if figures else ())
    return Viewer(actor.user, figures, owned_by(agents, actor.user)) if why is None else why


def next_holders(agent: Agent, *, holder: str | None, requester: str) -> tuple[str, ...]:
    """Return the people to whom a handoff may be reassigned: all who may act on it, but its holder and requester."""
    return tuple(user for user in people(agent) if user not in (holder, requester))


def serving(agents: Mapping[str, Agent]) -> dict[str, tuple[str, ...]]:
    """Return who may act on tickets, by the agent's name, inherited agents included."""
    cards = [(agent, name) for agent in agents.values() for name in (agent.card.name, *agent.card.inherits)]
    return {name: people(agent) for agent, name in cards}


def served_by(agents: Mapping[str, Agent], user: str) -> frozenset[str]:
    """Return the names of the agents, inherited ones included, on whose tickets somebody may act by their role."""
    return frozenset(name for name, users in serving(agents).items() if user in users)


def approving(agents: Mapping[str, Agent], user: str) -> frozenset[str]:
    """Return the names of the agents, inherited ones included, for which somebody is an approver by the card."""
    approved = [agent.card for agent in agents.values() if user in agent.card.handoff.approvers]
    return frozenset(name for card in approved for name in (card.name, *card.inherits))


def owned_by(agents: Mapping[str, Agent], user: str) -> frozenset[str]:
    """Return the names of the agents, inherited ones included, that somebody owns."""
    owned = [agent.card for agent in agents.values() if user in agent.card.owners]
    return frozenset(name for card in owned for name in (card.name, *card.inherits))
