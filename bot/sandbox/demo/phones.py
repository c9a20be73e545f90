"""People's devices in the demo: the local directory's challenges, notices and sessions, and approvers' codes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.directory.local import LocalDirectory
from bot.principals import ChallengeState
from bot.sandbox.slack.seed import load_seed
from bot.second_step import totp
from bot.store import db

NOBODY: dict[str, Any] = {"account": None, "challenges": [], "devices": [], "notices": []}
"What the devices of a person show whom the directory does not know."


@dataclass(frozen=True, slots=True)
class DirectoryPhones:
    """The devices of people whose accounts are in a local directory; see `bot.sandbox.slack.phones`."""

    directory: LocalDirectory
    accounts: Mapping[str, str]
    "Account ids by Slack user id."
    authenticators: Path
    "A JSON file with the secrets of approvers' codes by Slack user id; it may be missing."

    def shown(self, user: str) -> dict[str, Any]:
        """Return what a person finds on their devices, as JSON."""
        code = {"code": self._code(user)}
        account = self.directory.account(self.accounts.get(user, ""))
        if account is None:
            return NOBODY | code
        return code | {
            "account": {"id": account.id, "address": account.email, "factors": list(account.factors)},
            "challenges": [
                {
                    "key": one.key,
                    "factor": one.factor,
                    "expires_at": one.expires_at.timestamp(),
                    "tries_left": one.tries_left,
                }
                for one in self.directory.challenges_of(account.id)
            ],
            "devices": [
                {"device": one.device, "place": one.place, "since": one.since.timestamp()}
                for one in self.directory.signed_in(account.id)
            ],
            "notices": [
                {"address": one.address, "text": one.text, "at": one.at.timestamp()}
                for one in self.directory.notices_of(account.id)
            ],
        }

    def answer(self, user: str, key: str, number: str) -> ChallengeState | None:
        """Type a number where a challenge asks for it; return the challenge's state, or None if it is not theirs."""
        return self.directory.answer_challenge(self.accounts.get(user, ""), key, typed=number)

    def refuse(self, user: str, key: str) -> ChallengeState | None:
        """Say that it was somebody else who asked; return the challenge's state, or None if it is not theirs."""
        return self.directory.refuse_challenge(self.accounts.get(user, ""), key)

    def _code(self, user: str) -> dict[str, Any] | None:
        """Return the code that an approver's authenticator shows now, and until when; None for anybody else."""
        try:
            secrets = json.loads(self.authenticators.read_text(encoding="utf-8"))
        except OSError:
            return None
        if user not in secrets:
            return None
        at = datetime.now(UTC)
        until = (int(at.timestamp()) // totp.SECONDS + 1) * totp.SECONDS
        return {"digits": totp.code(secrets[user], at=at), "until": until}


def connect(database_url: str, people: Path, authenticators: Path) -> DirectoryPhones:
    """Return the devices of the people of a file.

    Args:
        database_url: the database of the local directory.
        people: the people file, which says whose each account is.
        authenticators: the secrets of approvers' codes.

    Raises:
        ConfigError: the people file or the address of the database is wrong.
    """
    accounts = {one.id: str(one.account["id"]) for one in load_seed(people).people if one.account is not None}
    return DirectoryPhones(LocalDirectory(db.connect(database_url)), accounts, authenticators)
