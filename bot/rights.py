"""Who may act for people, now: one function, asked at every word, edit, press, form and renewal. Pure.

Invariant: nothing is remembered. The person who acts is named in a card (or in the budget file) as that is at this
moment, has not left the workspace, and was found to be a member of it by a look-up that succeeded just now.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.agent.card import Agent


class Membership(StrEnum):
    """What a look-up in Slack, made for this act, has found of somebody."""

    MEMBER = "member"
    STRANGER = "stranger"
    "Of another organisation, a guest, a bot, deactivated, or unknown: no confirmed member of this workspace."
    UNCHECKED = "unchecked"
    "The look-up did not succeed, or there was none: nothing is known."


class Forbidden(StrEnum):
    """Why somebody may not act; the value is what the audit says."""

    NO_AGENT = "the agent is gone and has no heir"
    NO_ROLE = "not a responder"
    NOT_THEIRS = "not the requester"
    LEFT = "no longer a member"
    STRANGER = "not a confirmed member"
    UNCHECKED = "could not be checked"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who wants to act, as far as anything is known of them at this moment."""

    user: str
    "Slack user id."
    membership: Membership
    left: bool = False
    "Slack has told us that they are a member no more."


def barred(actor: Actor, among: Collection[str]) -> Forbidden | None:
    """Return why somebody may not act as one of these people, or None: they may.

    A person without a role is told no more than that.
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
    """Return why somebody may not act on the tickets of an agent, None for one that is gone, or None: they may."""
    return Forbidden.NO_AGENT if agent is None else barred(actor, people(agent))


def barred_from_own(actor: Actor, requester: str) -> Forbidden | None:
    """Return why somebody may not take back a request or judge its answer, or None: it is their own.

    That needs no look-up, for it opens nothing to anybody.
    """
    if actor.user != requester:
        return Forbidden.NOT_THEIRS
    if actor.left:
        return Forbidden.LEFT
    return Forbidden.STRANGER if actor.membership is Membership.STRANGER else None


def people(agent: Agent) -> tuple[str, ...]:
    """Return who may act on an agent's tickets; an owner may, who gets the card when the queue is gone."""
    return tuple(dict.fromkeys((*agent.card.handoff.responders, *agent.card.owners)))


def next_holders(agent: Agent, *, holder: str | None, requester: str) -> tuple[str, ...]:
    """Return to whom a handoff may be given: all who may act on it, without who has it and who asked."""
    return tuple(user for user in people(agent) if user not in (holder, requester))


def serving(agents: Mapping[str, Agent]) -> dict[str, tuple[str, ...]]:
    """Return who may act on the tickets of which agent, by its name, those of inherited agents included."""
    cards = [(agent, name) for agent in agents.values() for name in (agent.card.name, *agent.card.inherits)]
    return {name: people(agent) for agent, name in cards}


def served_by(agents: Mapping[str, Agent], user: str) -> frozenset[str]:
    """Return the names of the agents, inherited ones included, on whose tickets somebody's role lets them act."""
    return frozenset(name for name, users in serving(agents).items() if user in users)
