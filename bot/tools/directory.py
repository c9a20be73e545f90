"""The tools on the organisation's directory. Every one acts on the requester's own account.

The model can repeat whatever they return. Where others read along, they return only what it needs to act. They never
return why an account is left to a person: that person decides what to tell.
"""

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from bot.errors import HalfDone, Refused
from bot.principals import Account, AccountStatus, Capability, Effect, LostDevice
from bot.tools.registry import Args, NoArgs, ToolUse, WrittenCall, tool

SIGN_INS_SHOWN = 10


@tool(effect=Effect.READ, scope="account:read")
def look_up_my_account(call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Read the state of the requester's own account: whether it is a person's work, status, why it is locked, how
    old the password is, which kinds of second factor are enrolled. Start here when somebody cannot sign in."""  # noqa: D205, D209 - read by the model
    account = call.account
    if call.barred:
        return {"for_a_person": True}
    if not call.private:
        return {"for_a_person": False, "status": account.status}
    age = account.password_changed_at and (datetime.now(UTC) - account.password_changed_at).days
    return {
        "for_a_person": False,
        "status": account.status,
        "lock_reason": account.lock_reason,
        "password_age_days": age,
        "factors": list(account.factors),
    }


@tool(effect=Effect.READ, scope="account:read", needs={Capability.SIGN_INS})
def recent_sign_ins(call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Read the requester's last sign-in attempts and why they failed. Use it when they ask what happened, or
    when the account looks fine and they still cannot sign in."""  # noqa: D205, D209 - read by the model
    if call.barred:
        return {"withheld": "the account is a person's work: hand off"}
    if not call.private:
        return {"withheld": "sign-ins are told in a direct message only, since others read along here"}
    at = datetime.now(UTC)
    return {
        "sign_ins": [
            {"minutes_ago": int((at - entry.at).total_seconds() // 60), "ok": entry.ok, "why": entry.why}
            for entry in call.sign_ins[:SIGN_INS_SHOWN]
        ]
    }


def is_unlocked(written: WrittenCall) -> bool:
    """Return whether the account is active."""
    account = written.directory.account(written.account)
    return account is not None and account.status is AccountStatus.ACTIVE


def knows_the_link(written: WrittenCall) -> bool:
    """Return whether the directory knows that it sent the link; the account is as it was until the link is used."""
    return written.directory.was_done(written.key)


@tool(effect=Effect.WRITE, scope="account:unlock", needs={Capability.UNLOCK}, as_promised=is_unlocked)
def unlock_my_account(call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Lift the lock-out of the requester's own account, or a suspension that they may lift themselves."""
    return {
        "done": True,
        "status": call.directory.unlock(call.account.id, key=call.key, seen=call.account).status,
    }


@tool(
    effect=Effect.WRITE,
    scope="account:reset_password",
    needs={Capability.RESET_PASSWORD},
    as_promised=knows_the_link,
)
def send_password_reset(call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Send the directory's own password reset link to the address on file of the requester's own account.
    Nobody here ever sees or sets a password."""  # noqa: D205, D209 - read by the model
    call.directory.send_password_reset(call.account.id, key=call.key, seen=call.account)
    return {"done": True, "sent_to": "the address on file"}


class ResetFactorArgs(Args):
    """What the requester has lost."""

    lost: LostDevice = Field(
        description="What they have lost or no longer have: phone (codes from an app, push, text messages) or "
        "security_key."
    )


_WORDS = {
    "totp": "the codes of their authenticator app (totp)",
    "push": "the confirmations on their phone (push)",
    "sms": "the text messages to their phone (sms)",
    "security_key": "their security key (security_key)",
}
"Kinds of second factors, in words for the person who approves a reset."


def plan_of_reset(args: ResetFactorArgs, account: Account) -> tuple[str, ...]:
    """Say what a reset would do to an account; nothing when no second factor is enrolled on that device."""
    lost = account.lost_with(args.lost)
    if not lost:
        return ()
    left = [factor for factor in account.factors if factor not in lost]
    return (
        *(f"Remove {_WORDS[factor]} from the account {account.id} of {account.name}." for factor in lost),
        "End every session of this account, on all devices.",
        f"These second factors stay: {', '.join(_WORDS.get(factor, factor) for factor in left)}."
        if left
        else "No second factor stays.",
    )


def is_reset(written: WrittenCall) -> bool:
    """Return whether the factors of the lost device are gone, and every session that had begun before the reset."""
    directory, account = written.directory, written.directory.account(written.account)
    if account is None or account.lost_with(written.arguments.lost):
        return False
    left = directory.open_sessions(written.account, begun_before=written.since)
    return directory.was_done(written.key) if left is None else left == 0


@tool(
    effect=Effect.WRITE,
    scope="account:reset_factor",
    args=ResetFactorArgs,
    needs_approval=True,
    needs={Capability.RESET_FACTOR, Capability.REVOKE_SESSIONS},
    plan_of=plan_of_reset,
    as_promised=is_reset,
)
def reset_second_factor(call: ToolUse, args: ResetFactorArgs) -> dict[str, Any]:
    """Remove the requester's own second factors that were on a device which they have lost, and sign them out
    everywhere. A person approves it first. Use it only when they ask for their second factor to be reset."""  # noqa: D205, D209 - read by the model
    account, removed = call.account, list[str]()
    for factor in account.lost_with(args.lost):
        try:
            account = call.directory.reset_factor(account.id, factor, key=f"{call.key}:{factor}", seen=account)
        except Refused as refusal:
            if not removed:
                raise
            done = f"{' and '.join(removed)} removed, sessions not ended"
            raise HalfDone(f"{refusal} ({done})", reason=refusal.reason) from refusal
        removed.append(factor)
    # The key of the call itself comes last: once the directory knows it, all of the reset was done.
    ended = call.directory.revoke_sessions(account.id, key=call.key)
    if not call.private:
        return {"done": True}
    return {"done": True, "removed": removed, "sessions_ended": ended, "factors_left": list(account.factors)}
