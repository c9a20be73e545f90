"""What a person's phone shows and answers, as the page and the tour ask for it: `bot.sandbox.people.phone`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.errors import Transient
from tests.support.local_workspace import LocalWorkspace

LENA: dict[str, Any] = {"account": {"id": "acc-lena"}, "challenges": [], "devices": [], "notices": [], "code": None}


@dataclass
class WrittenPhones:
    """Devices of a directory that may be down; Lena alone has a challenge, of the key `c`."""

    is_down: bool = False
    said: list[tuple[str, ...]] = field(default_factory=list)

    def shown(self, user: str) -> dict[str, Any]:
        """Show Lena's."""
        return self._of(user) and LENA

    def answer(self, user: str, key: str, number: str) -> str | None:
        """Take any number for the right one."""
        self.said.append((user, key, number))
        return "confirmed" if self._of(user) and key == "c" else None

    def refuse(self, user: str, key: str) -> str | None:
        """Take it back."""
        self.said.append((user, key))
        return "refused" if self._of(user) and key == "c" else None

    def _of(self, user: str) -> dict[str, Any]:
        if self.is_down:
            raise Transient("directory: away")
        return LENA if user == "U0LENA" else {}


@pytest.fixture
def devices() -> WrittenPhones:
    """Return devices whose directory answers."""
    return WrittenPhones()


@pytest.fixture
def workspace(serve_workspace: Callable[..., LocalWorkspace], devices: WrittenPhones) -> LocalWorkspace:
    """Return a workspace whose people have them with them."""
    return serve_workspace(phones=devices)


def test_a_person_looks_at_their_phone_and_answers_on_it(workspace: LocalWorkspace, devices: WrittenPhones) -> None:
    """The answer says what has become of the challenge; what is not theirs is not found."""
    assert workspace.sees("U0LENA")["has_phones"]
    assert workspace.get("/sandbox/phone?user=U0LENA") == {"ok": True, **LENA}
    assert workspace.act("phone/answer", "U0LENA", key="c", number="42") == {"ok": True, "state": "confirmed"}
    assert workspace.act("phone/refuse", "U0LENA", key="c") == {"ok": True, "state": "refused"}
    assert devices.said == [("U0LENA", "c", "42"), ("U0LENA", "c")]
    refused = workspace.act("phone/answer", "U0MAYA", key="c", number="42")
    assert (refused["http"], refused["error"]) == (400, "challenge_not_found")


def test_a_phone_says_why_it_cannot_be_used(
    workspace: LocalWorkspace, devices: WrittenPhones, serve_workspace: Callable[..., LocalWorkspace]
) -> None:
    """Nobody has this id, a field is wrong, the directory is down, or the workspace was started without phones."""
    assert workspace.send("/sandbox/phone?user=U0NOBODY", None, "GET")["error"] == "user_not_found"
    assert workspace.act("phone/answer", "U0LENA", key="c")["error"] == "number: Field required"
    devices.is_down = True
    assert workspace.send("/sandbox/phone?user=U0LENA", None, "GET")["error"] == "directory_down"
    assert workspace.act("phone/refuse", "U0LENA", key="c")["error"] == "directory_down"
    without = serve_workspace()
    assert not without.sees("U0LENA")["has_phones"]
    assert without.send("/sandbox/phone?user=U0LENA", None, "GET")["error"] == "no_phones"
    assert without.act("phone/refuse", "U0LENA", key="c")["error"] == "no_phones"
