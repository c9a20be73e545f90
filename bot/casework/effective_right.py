"""What one person may have an agent do now: the four rights that must all be there, and the policy's own decision.

It reads the card, Slack and the directory as a turn would, and changes nothing: no look-up is kept, no account locked.
What could not be asked is `UNKNOWN`, and is never taken for a yes.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from bot import admission, policy
from bot.admission import Admitted, Installation, NotAdmitted
from bot.agent import binding, standing
from bot.agent.card import Agent
from bot.directory.protocol import Directory
from bot.errors import DirectoryDown, Transient
from bot.policy import Allowed, Decision, Denied, Facts, NeedsApproval, NotNeeded, PolicyRule
from bot.policy.compromise import READ_AT_MOST
from bot.principals import Account, Effect, Grant, Subject
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.store.accounts import account_writes
from bot.store.db import Database
from bot.store.schema import now
from bot.tools.registry import Args, Tool

NOBODY = frozenset({"user_not_found", "user_not_visible"})
"Answers with which Slack says that there is no such person; any other refusal says nothing about them."
NO_STEP = (0, 0)
"No turn and no step: every earlier write counts."


class RightState(StrEnum):
    """What is known of one part of the right."""

    GIVEN = "given"
    "It allows the call."
    DENIED = "denied"
    "It does not."
    NOT_NEEDED = "not_needed"
    "The call has nothing to do, or needs no such right."
    MISSING = "missing"
    "It may still be given: an approval of exactly this call."
    UNKNOWN = "unknown"
    "It could not be asked."


@dataclass(frozen=True, slots=True)
class RightPart:
    """One part of the right."""

    name: str
    "agent, channel, requester or approval"
    state: RightState
    says: str
    "One or more whole sentences."
    rule: PolicyRule | None = None
    "The rule of the policy that decided it, where one did."


@dataclass(frozen=True, slots=True)
class RightQuestion:
    """May this person have this agent call this tool, here, with these arguments?"""

    agent: Agent
    user: str
    channel: str
    private: bool
    "Whether the channel is a direct message."
    tool: Tool
    arguments: Args


@dataclass(frozen=True, slots=True)
class EffectiveRight:
    """The whole intersection."""

    parts: tuple[RightPart, ...]
    decision: Decision | None
    "The policy's; None when it could not be made, or the requester is not admitted at all."

    @property
    def verdict(self) -> RightState:
        """Return what all parts together come to; a part that denies outweighs one that is not known."""
        states = {part.state for part in self.parts}
        for state in (RightState.DENIED, RightState.UNKNOWN):
            if state in states:
                return state
        if isinstance(self.decision, NotNeeded):
            return RightState.NOT_NEEDED
        return RightState.MISSING if RightState.MISSING in states else RightState.GIVEN


@dataclass(frozen=True, slots=True)
class _Requester:
    """The requester as a turn would find them now."""

    subject: Subject
    account: Account | None
    facts: Facts


def work_out(
    question: RightQuestion, *, client: WebClient | None, directory: Directory, database: Database
) -> EffectiveRight:
    """Work out the right to make a call, without making it.

    Args:
        question: the call.
        client: Slack; None without a token.
        directory: the installation's directory.
        database: the installation's database, for the earlier writes to the account.
    """
    tool = question.tool
    approval = RightPart("approval", RightState.NOT_NEEDED, f"{tool.name} needs no approval.")
    if tool.needs_approval:
        says = _of_approval(question)
        approval = RightPart("approval", RightState.MISSING, says, PolicyRule.APPROVAL_MISSING)
    found = _requester(question, client, directory, database)
    if isinstance(found, RightPart):
        return EffectiveRight((_of_agent(question, database), _of_channel(question), found, approval), None)
    alone = _decide(question, found, replace(tool, needs_approval=False), (Grant("asked", frozenset({tool.name})),))
    parts = (_of_agent(question, database), _of_channel(question), _of_requester(alone), approval)
    grants = question.agent.grants(question.channel, private=question.private)
    return EffectiveRight(parts, _decide(question, found, tool, grants))


def _of_approval(question: RightQuestion) -> str:
    """Say who could approve the call and what is proved before, or that a person does it themselves."""
    card, name = question.agent.card, question.tool.name
    terms = card.approvals.get(name)
    if terms is None:
        return f"{name} needs an approval, and `approvals` of the card does not list it: a person does it themselves."
    users = " or ".join(user for user in card.handoff.approvers if user != question.user)
    if not users:
        return f"{name} needs an approval, and the card names no approver besides the requester."
    proofs = " or ".join(kind.replace("_", " ") for kind in terms.proof)
    return f"{name} runs once a proof of the requester is given ({proofs}) and {users} approved exactly this call."


def _of_agent(question: RightQuestion, database: Database) -> RightPart:
    card, tool = question.agent.card, question.tool
    with database.read() as session:
        now_it_is = standing.read(session, question.agent)
    if not now_it_is.works:
        return RightPart("agent", RightState.DENIED, f"{card.name} plays no turn: {now_it_is.words}.")
    if tool.name not in card.tools:
        says = f"The card of {card.name} does not list {tool.name}."
        return RightPart("agent", RightState.DENIED, says, PolicyRule.NOT_GRANTED)
    return RightPart("agent", RightState.GIVEN, f"The card of {card.name} lists {tool.name}.")


def _of_channel(question: RightQuestion) -> RightPart:
    card, tool, here = question.agent.card, question.tool, question.channel
    listens = card.direct_messages if question.private else here in card.channels
    place = "direct messages" if question.private else here
    if not listens:
        return RightPart("channel", RightState.DENIED, f"{card.name} does not listen to {place}.")
    narrower = question.agent.grants(here, private=question.private)[1:]
    if any(tool.name not in grant.tools for grant in narrower):
        says = f"`tools_in` of the card does not list {tool.name} for {place}."
        return RightPart("channel", RightState.DENIED, says, PolicyRule.NOT_GRANTED)
    how = f"`tools_in` lists {tool.name} for {place}" if narrower else f"the card narrows nothing in {place}"
    return RightPart("channel", RightState.GIVEN, f"{how[:1].upper()}{how[1:]}.")


def _of_requester(alone: Decision) -> RightPart:
    """Return the requester's own right, as the policy sees it where everything else is given."""
    match alone:
        case Allowed():
            return RightPart("requester", RightState.GIVEN, alone.rule.sentence, alone.rule)
        case Denied():
            return RightPart("requester", RightState.DENIED, alone.explanation, alone.rule)
        case NotNeeded() | NeedsApproval():
            return RightPart("requester", RightState.NOT_NEEDED, alone.rule.sentence, alone.rule)


def _requester(
    question: RightQuestion, client: WebClient | None, directory: Directory, database: Database
) -> _Requester | RightPart:
    """Look the requester up in Slack and in the directory, or return why they have no right or it is not known."""
    unknown = RightPart("requester", RightState.UNKNOWN, "")
    if client is None:
        return replace(unknown, says="Slack could not be asked who this is: SLACK_BOT_TOKEN is not set.")
    try:
        team, who = _admitted(question, client)
    except Rejected as error:
        return replace(unknown, says=f"Slack could not be asked who this is: it answered {error.code}.")
    except Transient as error:
        return replace(unknown, says=f"Slack could not be asked who this is: {error}.")
    if isinstance(who, NotAdmitted):
        says = f"Slack's answer does not admit them: {who.why} ({who.because})."
        return RightPart("requester", RightState.DENIED, says)
    try:
        return _bound(question, who, team, directory, database)
    except DirectoryDown as error:
        return replace(unknown, says=f"The directory could not be asked for their account: {error}.")
    except Transient as error:
        return replace(unknown, says=f"Their account could not be looked up: {error}.")


def _admitted(question: RightQuestion, client: WebClient) -> tuple[str, Admitted | NotAdmitted]:
    """Return our workspace, and the requester as Slack describes them now.

    Raises:
        Rejected: Slack refuses the question itself.
        Transient: Slack does not answer now.
    """
    me = slack.call(client.auth_test)
    enterprise = me.get("enterprise_id")
    ours = Installation(str(me.get("team_id") or ""), enterprise if isinstance(enterprise, str) else None)
    try:
        shown = slack.call(client.users_info, user=question.user).get("user")
    except Rejected as error:
        if error.code not in NOBODY:
            raise
        return ours.team, NotAdmitted(admission.Bar.UNSEEN, error.code)
    if not isinstance(shown, dict) or shown.get("id") != question.user:
        raise Transient("users.info did not answer about who was asked for")
    rules = question.agent.card.admission.rules
    return ours.team, admission.admit(admission.read(shown), user=question.user, ours=ours, rules=rules)


def _bound(question: RightQuestion, who: Admitted, team: str, directory: Directory, database: Database) -> _Requester:
    """Return an admitted requester with their account, its sign-ins and its earlier writes.

    Raises:
        Transient: the directory or the database cannot be reached.
    """
    needs, at = bool(question.agent.card.needs_account), now()
    subject = binding.subject(directory, who, team=team, user=question.user, needs_account=needs)
    if subject.account is None:
        return _Requester(subject, None, Facts(at))
    account, sign_ins = directory.account(subject.account), directory.sign_ins(subject.account, at_most=READ_AT_MOST)
    with database.read() as session:
        writes = account_writes.since(session, subject.account, at - timedelta(days=1), besides=NO_STEP)
    return _Requester(subject, account, Facts(at, sign_ins, writes if question.tool.effect is Effect.WRITE else ()))


def _decide(question: RightQuestion, found: _Requester, tool: Tool, grants: tuple[Grant, ...]) -> Decision:
    return policy.decide(
        tool,
        subject=found.subject,
        account=found.account,
        grants=grants,
        rules=question.agent.card.accounts,
        facts=found.facts,
        needs_account=tool.name in question.agent.card.needs_account,
        arguments=question.arguments,
    )


def as_json(question: RightQuestion, right: EffectiveRight) -> dict[str, Any]:
    """Return a right as JSON values."""
    decision = right.decision
    return {
        "agent": question.agent.card.name,
        "user": question.user,
        "channel": question.channel,
        "tool": question.tool.name,
        "verdict": right.verdict,
        "denied_by": [part.name for part in right.parts if part.state is RightState.DENIED],
        "decision": None if decision is None else type(decision).__name__,
        "rule": None if decision is None else decision.rule,
        "why": None if decision is None else decision.why,
        "parts": [
            {"part": part.name, "state": part.state, "says": part.says, "rule": part.rule} for part in right.parts
        ],
    }
