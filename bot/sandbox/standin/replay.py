"""What the stand-in does with somebody's words, without the product: a small directory answers its tools.

It shows how the stand-in decides, many times a second; nothing is stored, paid for or said.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.sandbox.standin.acting import act
from bot.sandbox.standin.moves import SayMove, Use
from bot.sandbox.standin.turns import Json

LOOK, UNLOCK, RESET = "look_up_my_account", "unlock_my_account", "send_password_reset"
ITS_TOOLS = (LOOK, "recent_sign_ins", UNLOCK, RESET, "reset_second_factor")
"The tools that a card gives it on accounts."
CONTROL = ("hand_off", "resolve")
MOST_CALLS = 10


@dataclass(frozen=True, slots=True)
class ReplayedTurn:
    """How the stand-in played one request."""

    handed_over: bool
    tools: tuple[str, ...]
    "The tools that it called on the account, in order."
    model_calls: int
    written: int
    "Characters that it wrote."


def replay(words: str, *, status: str) -> ReplayedTurn:
    """Play a request in a direct message to its end.

    Args:
        words: what the requester writes.
        status: the state of their account.
    """
    offered = [{"name": name, "input_schema": {"type": "object"}} for name in (*ITS_TOOLS, *CONTROL)]
    said = {"type": "text", "text": f'<message from="U0MAYA" where="dm">\n{words}\n</message>'}
    messages: list[Json] = [{"role": "user", "content": [said]}]
    tools: list[str] = []
    written = 0
    for number in range(1, MOST_CALLS + 1):
        moves = act({"tools": offered, "messages": messages, "system": ""})
        written += sum(len(move.text) if isinstance(move, SayMove) else len(move.name) for move in moves)
        uses = [move for move in moves if isinstance(move, Use)]
        handed_over = any(use.name == "hand_off" for use in uses)
        tools += [use.name for use in uses if use.name in ITS_TOOLS]
        if handed_over or not uses:
            return ReplayedTurn(handed_over, tuple(tools), number, written)
        status = "active" if UNLOCK in tools else status
        messages += _answered(number, uses, status)
    return ReplayedTurn(handed_over=True, tools=tuple(tools), model_calls=MOST_CALLS, written=written)


def _answered(number: int, uses: Sequence[Use], status: str) -> list[Json]:
    """Return the calls and what the directory answers, as the next prompt shows them."""
    calls, results = list[Json](), list[Json]()
    for place, use in enumerate(uses):
        called = f"t{number}_{place}"
        calls.append({"type": "tool_use", "id": called, "name": use.name, "input": use.arguments})
        results.append({"type": "tool_result", "tool_use_id": called, "content": json.dumps(_answer(use.name, status))})
    return [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]


def _answer(tool: str, status: str) -> Json:
    if tool == LOOK:
        reason = "too many failed sign-ins" if status == "locked" else None
        return {"for_a_person": False, "status": status, "lock_reason": reason, "password_age_days": 12, "factors": []}
    if tool == "recent_sign_ins":
        return {"sign_ins": []}
    if tool == "resolve":
        return {"closed": status == "active", "status": status}
    return {"done": True, "status": status}
