"""The tools on the organisation's directory. Every one acts on the requester's own account.

The model can repeat whatever they return. Where others read along, they return only what it needs to act. They never
return why an account is left to a person: that person decides what to tell.
"""

from datetime import UTC, datetime
from typing import Any

from bot.errors import Refused
from bot.principals import Capability, Effect, Reason
from bot.tools.registry import NoArgs, ToolUse, tool

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


@tool(effect=Effect.WRITE, scope="account:unlock", needs={Capability.UNLOCK})
def unlock_my_account(call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Lift the lock-out of the requester's own account, or a suspension that they may lift themselves."""
    return {
        "done": True,
        "status": call.directory.unlock(call.account.id, key=call.key, seen=call.account).status,
    }


@tool(effect=Effect.WRITE, scope="account:reset_password", needs={Capability.RESET_PASSWORD})
def send_password_reset(call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Send the directory's own password reset link to the address on file of the requester's own account.
    Nobody here ever sees or sets a password."""  # noqa: D205, D209 - read by the model
    call.directory.send_password_reset(call.account.id, key=call.key, seen=call.account)
    return {"done": True, "sent_to": "the address on file"}


@tool(
    effect=Effect.WRITE,
    scope="account:reset_factor",
    needs_approval=True,
    needs={Capability.RESET_FACTOR, Capability.REVOKE_SESSIONS},
)
def reset_second_factor(_call: ToolUse, _args: NoArgs) -> dict[str, Any]:
    """Prepare a reset of the requester's second factor. A human must approve it, so it hands the ticket over."""
    raise Refused("a second factor is reset by a person", reason=Reason.APPROVAL_NEEDED)
