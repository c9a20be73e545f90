"""Conversations with the stand-in as an access agent, and a small directory that answers it as the tools do."""

import json
from typing import Any

from bot.sandbox.standin import languages, rules
from bot.sandbox.standin.acting import act
from bot.sandbox.standin.moves import Move, SayMove, Use
from tests.support.json_object import Json

READ = ("look_up_my_account", "recent_sign_ins")
WRITE = ("unlock_my_account", "send_password_reset", "reset_second_factor")
ALL = (*READ, *WRITE, "hand_off", "resolve")
ENOUGH = 8
"Steps; every story ends sooner."


def account(status: str = "active", **facts: Any) -> Json:
    """Return what the directory says of an account."""
    base = {"lock_reason": None, "password_age_days": 12, "factors": ["totp"]}
    return {"for_a_person": False, "status": status, **base, **facts}


def english(answer: str, *, of: str) -> str:
    """Return what an answer says in English, which must have been given in the language of what was asked."""
    language = languages.language_of(of)
    assert language == "en" or languages.into(language, languages.back(language, answer)) == answer
    assert language == "en" or languages.back(language, answer) != answer
    return languages.back(language, answer)


class Story:
    """A conversation with the actor and a directory that answers it as the product's tools do."""

    def __init__(self, state: Json | None = None, sign_ins: list[Json] | None = None, tools: Any = ALL) -> None:
        self.state = state or account()
        self.sign_ins = sign_ins or []
        self.tools = [{"name": name, "input_schema": {"type": "object"}} for name in tools]
        self.messages: list[Json] = []
        self.used: list[str] = []
        self.end: Json = {}
        self.broken: set[str] = set()

    def say(self, *texts: str, where: str = "dm") -> str:
        """Let the requester speak; return the reply, or the hand-off's reason in angle brackets."""
        wrapped = [f'<message from="U0MAYA" where="{where}">\n{text}\n</message>' for text in texts]
        self.messages.append({"role": "user", "content": [{"type": "text", "text": text} for text in wrapped]})
        return self.go_on()

    def give_back(self, note: str, *, ended: bool = False) -> str:
        """Let a colleague give the request back; with `ended` the hand-off has left no trace, as in the product."""
        if ended:
            self.messages = [one for one in self.messages if one["role"] == "user" and "<message" in str(one)]
        block = {"type": "text", "text": f'<colleague from="a colleague" where="dm">\n{note}\n</colleague>'}
        if self.messages and self.messages[-1]["role"] == "user":
            self.messages[-1]["content"].append(block)
        else:
            self.messages.append({"role": "user", "content": [block]})
        return self.go_on()

    def go_on(self) -> str:
        """Let the actor play until it ends its turn."""
        for _ in range(ENOUGH):
            move = self.step()
            calls = [block for block in move if isinstance(block, Use)]
            if not calls:
                return "".join(block.text for block in move if isinstance(block, SayMove))
            for call in calls:
                self.used.append(call.name)
            if calls[0].name == "hand_off":
                self.end = calls[0].arguments
                return f"<{calls[0].arguments['reason']}>"
        raise AssertionError(f"no end after {self.used}")

    def step(self) -> Move:
        """Make one request, which must be one that the API takes, and answer its tool calls."""
        request = {"model": "stand-in-1", "max_tokens": 500, "tools": self.tools, "messages": self.messages}
        assert rules.check(request) is None
        move = act(request)
        assert move == act(request)
        blocks: list[Json] = []
        results: list[Json] = []
        for block in move:
            if isinstance(block, SayMove):
                blocks.append({"type": "text", "text": block.text})
                continue
            called = f"t{len(self.messages)}_{len(blocks)}"
            blocks.append({"type": "tool_use", "id": called, "name": block.name, "input": block.arguments})
            results.append({"type": "tool_result", "tool_use_id": called, **self.answer(block)})
        self.messages.append({"role": "assistant", "content": blocks})
        if results:
            self.messages.append({"role": "user", "content": results})
        return move

    def answer(self, call: Use) -> Json:
        """Return what the tool would."""
        if call.name in self.broken:
            return {"is_error": True, "content": "the directory does not answer"}
        match call.name:
            case "look_up_my_account":
                data: Json = dict(self.state)
            case "recent_sign_ins":
                data = {"sign_ins": self.sign_ins}
            case "unlock_my_account":
                self.state["status"] = "active"
                data = {"done": True, "status": "active"}
            case "send_password_reset":
                data = {"done": True, "sent_to": "the address on file"}
            case _:
                data = {"closed": self.state.get("status") == "active", "status": self.state.get("status")}
        return {"content": json.dumps(data), "is_error": False}

    @property
    def category(self) -> str | None:
        """The category that `resolve` was called with."""
        calls = [b for m in self.messages for b in m["content"] if b.get("name") == "resolve"]
        return calls[-1]["input"]["category"] if calls else None


LOCKED_OUT = account("locked", lock_reason="too many failed sign-ins")
