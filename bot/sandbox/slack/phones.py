"""The devices that people of the workspace have with them, and their mail: what Slack itself knows nothing of.

The workspace shows them on its page; what they hold is the directory's, which whoever starts the workspace connects
(`bot.sandbox.demo.phones`).
"""

from typing import Any, Protocol


class Phones(Protocol):
    """What the page shows of a person's devices, and what they answer on them.

    Each call may raise `Transient`: the directory does not answer.
    """

    def shown(self, user: str) -> dict[str, Any]:
        """Return what a person finds on their devices, as JSON."""

    def answer(self, user: str, key: str, number: str) -> str | None:
        """Type a number where a challenge asks for it; return the challenge's state, or None if it is not theirs."""

    def refuse(self, user: str, key: str) -> str | None:
        """Say that it was somebody else who asked; return the challenge's state, or None if it is not theirs."""
