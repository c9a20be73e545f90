"""The door of the tools, the one place through which a tool runs.

For each call the turn mints a token that says who asks, who acts and by what right (`delegate`). The door compares the
token with the call that it sees itself, and uses it up in the transaction that writes the audit intent (`enter`). Only
the passage that it returns can run the tool. Invariant: a token opens the door once, for the one call that it names.
"""

from dataclasses import dataclass
from typing import Any

from bot.agent.turn_work import TurnWork
from bot.delegation import hashing
from bot.delegation.tokens import Delegation, DelegationFault, TokenRefused
from bot.store.accounts import used_tokens
from bot.store.db import Session
from bot.store.schema import now
from bot.store.tickets.turns import Attempt
from bot.tools.registry import Args, Tool, ToolUse


@dataclass(frozen=True, slots=True)
class Passage:
    """The right to run one tool with these arguments, as a token gave it."""

    tool: Tool
    arguments: Args
    claims: dict[str, Any]
    "What the token says, without its signature: for the audit log."

    def run(self, use: ToolUse) -> dict[str, Any]:
        """Run the tool, or ask the same call of the directory again.

        Raises:
            TypeError: the loop itself carries this tool out.
            TokenRefused: the arguments have changed since the token was minted.
        """
        if self.tool.run is None:
            raise TypeError(f"{self.tool.name} is the loop's own")
        if hashing.of_arguments(self.arguments) != self.claims["args"]:
            raise TokenRefused(DelegationFault.OTHER_CALL, "args")
        return self.tool.run(use, self.arguments)


def delegate(work: TurnWork, step: int, tool: Tool, arguments: Args) -> str:
    """Mint the token of one call of a tool.

    Raises:
        ValueError: an argument has no canonical form, see `hashing.of_arguments`.
    """
    return work.runtime.issuer.mint(delegation(work, step, tool, arguments), at=now())


def enter(session: Session, work: TurnWork, step: int, tool: Tool, arguments: Args, *, token: str) -> Passage:
    """Verify the token of a call and use it up.

    Args:
        session: the open write transaction, which writes the audit intent.
        work: the attempt that makes the call.
        step: the number of the call within the turn.
        tool: the tool that will run.
        arguments: the validated arguments that it will run with.
        token: what the caller shows.

    Raises:
        TokenRefused: the token is good for no call, for another one, or was used before.
    """
    claims = work.runtime.issuer.verify(token, delegation(work, step, tool, arguments), at=now())
    if not used_tokens.consume(session, claims["jti"], expires=claims["exp"]):
        raise TokenRefused(DelegationFault.USED, "jti")
    return Passage(tool, arguments, claims)


def delegation(work: TurnWork, step: int, tool: Tool, arguments: Args) -> Delegation:
    """Return what is delegated for one call of a tool in a turn."""
    attempt, agent = work.attempt, work.runtime.agent
    ticket = attempt.ticket
    return Delegation(
        subject=f"slack:{work.subject.team}:{work.subject.user}",
        agent=work.actor,
        worker=f"worker:{attempt.worker}/{attempt.number}",
        tool=tool.name,
        scope=tool.scope,
        transaction=f"{ticket.id}/{attempt.turn_id}/{step}",
        grants=tuple(grant.holder for grant in agent.grants(ticket.channel, private=ticket.private)),
        owners=agent.card.owners,
        request=_request(attempt),
        arguments=hashing.of_arguments(arguments),
        policy=work.runtime.release.policy,
        taint=tuple(map(str, tool.tainted)),
    )


def _request(attempt: Attempt) -> tuple[tuple[str, str | None], ...]:
    """Return the last message that the turn answers."""
    last, ticket = (attempt.heard[-1] if attempt.heard else None), attempt.ticket
    return (
        ("event_id", last.event_id if last else None),
        ("channel", ticket.channel),
        ("thread_ts", ticket.thread_ts),
        ("message_ts", last.ts if last else None),
    )
