"""Whether the codes of approvers can be checked, for `deskhand doctor`."""

from collections.abc import Collection, Iterator, Sequence

from bot.errors import ConfigError
from bot.health import alive, configured
from bot.health.findings import Finding
from bot.principals import SecondStep
from bot.second_step import secret_box
from bot.second_step.secret_box import ApproverKeys
from bot.settings import Settings
from bot.store import members
from bot.store.approvals import approvers
from bot.store.schema import Approver


def check_approvers(settings: Settings) -> Iterator[Finding]:
    """Check that the key is there, that every secret can be read with it, and who is locked."""
    try:
        keys = secret_box.of_settings(settings)
    except ConfigError as error:
        fix = f"Run `{secret_box.KIND.command}`; no web process starts until the key is right."
        yield Finding("approvers", "fail", f"{str(error)[:1].upper()}{str(error)[1:]}.", fix)
        return
    with alive.reading(settings) as session:
        enrolled = approvers.everyone(session)
        may = {user for agent in configured.every(settings) for user in agent.card.handoff.approvers}
        gone = members.left_of(session, may | {row.user for row in enrolled})
    troubles = [
        *_missing(enrolled, keys, settings, gone),
        *_unreadable(enrolled, keys),
        *_of_people(enrolled, may, gone),
    ]
    yield from troubles
    if not troubles:
        count = f"{len(enrolled)} {'has' if len(enrolled) == 1 else 'have'}" if enrolled else "None has"
        yield Finding("approvers", "ok", f"{count} an authenticator app.")


def _missing(
    enrolled: Sequence[Approver], keys: ApproverKeys, settings: Settings, gone: Collection[str]
) -> Iterator[Finding]:
    """Report agents whose approvers need a code that none or not all of them can have."""
    have = {row.user for row in enrolled}
    for agent in configured.active(settings):
        may = dict.fromkeys(agent.card.handoff.approvers)
        there = [user for user in may if user not in gone]
        can, cannot = [user for user in there if user in have], [user for user in there if user not in have]
        asked = {
            tool: terms.second_step_of(enrolled=bool(can), approvers=len(may))
            for tool, terms in agent.card.approvals.items()
        }
        tools = ", ".join(tool for tool, step in asked.items() if step is SecondStep.CODE)
        if not tools:
            continue
        enrol = "Name approvers in its card who are in the workspace."
        if cannot:
            enrol = f"Run `deskhand approvers enrol USER` for {', '.join(cannot)}."
        if not can:
            message = f"{agent.card.name}: {tools} needs a code of an approver, and none of them has an app."
            first = "" if keys.sealing else f"Run `{secret_box.KIND.command}`, and set {secret_box.VARIABLE}. "
            yield Finding("approvers", "fail", message, first + enrol)
        elif cannot:
            message = f"{agent.card.name}: {', '.join(cannot)} cannot approve {tools} without an app."
            yield Finding("approvers", "warn", message, enrol)


def _unreadable(enrolled: Sequence[Approver], keys: ApproverKeys) -> Iterator[Finding]:
    """Report secrets that no key opens, and secrets for which the second key is still needed."""
    closed = [row.user for row in enrolled if keys.unseal(row.secret, user=row.user) is None]
    if enrolled and keys.sealing is None:
        message = f"{secret_box.VARIABLE} is not set, so no code of {', '.join(closed)} can be checked."
        yield Finding("approvers", "fail", message, "Set the key with which they were enrolled.")
    elif closed:
        message = f"No key opens the secret of {', '.join(closed)}, so their codes cannot be checked."
        fix = "Set the key with which they were enrolled, or remove and enrol them again (`deskhand approvers`)."
        yield Finding("approvers", "fail", message, fix)
    older = [row.user for row in enrolled if row.user not in closed and not keys.is_current(row.secret)]
    if older:
        message = f"The secret of {', '.join(older)} is encrypted with the second key."
        yield Finding("approvers", "warn", message, "Run `deskhand approvers reencrypt`, then drop that key.")


def _of_people(enrolled: Sequence[Approver], may: Collection[str], gone: Collection[str]) -> Iterator[Finding]:
    """Report who is locked, and who has an app although they have left or no card lets them approve.

    Args:
        enrolled: who has an app.
        may: who may approve by any card.
        gone: who has left the workspace.
    """
    locked = [row.user for row in enrolled if row.locked_at is not None]
    if locked:
        message = f"{', '.join(locked)} typed {approvers.MOST_WRONG} wrong codes and can approve nothing with a code."
        fix = "Ask them who typed those, then run `deskhand approvers unlock USER`."
        yield Finding("approvers", "warn", message, fix)
    if left := [row.user for row in enrolled if row.user in gone]:
        message = f"{', '.join(left)} has left the workspace, and still has an app."
        yield Finding("approvers", "warn", message, "Run `deskhand approvers remove USER`.")
    strangers = [row.user for row in enrolled if row.user not in may and row.user not in gone]
    if strangers and may:
        message = f"{', '.join(strangers)} has an app, but no card has them among its approvers."
        yield Finding("approvers", "warn", message, "Run `deskhand approvers remove USER`.")
