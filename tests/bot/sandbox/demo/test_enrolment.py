"""The approvers of the demo have authenticator apps: `bot.sandbox.demo.enrolment`."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.demo import enrolment
from bot.second_step import codes, secret_box, totp
from bot.second_step.codes import CodeVerdict
from bot.store.approvals import approvers
from bot.store.db import Database
from tests.support.approver_codes import APPROVER_KEY, OTHER_APPROVER_KEY, approver_keys, enrolled
from tests.support.paths import CONFIG


def test_each_start_gives_the_approvers_of_the_cards_new_secrets(sqlite: Database, tmp_path: Path) -> None:
    """Those of the file are good with the key of this start; who is off the cards is forgotten, and so is a lock."""
    file = tmp_path / "authenticators.json"
    enrolled(sqlite, "U0EVE")
    seen = []
    for key in (APPROVER_KEY, OTHER_APPROVER_KEY):
        enrolment.enrol(sqlite, {secret_box.VARIABLE: key, "DESKHAND_CONFIG": str(CONFIG)}, file)
        secrets = json.loads(file.read_text())
        seen.append(secrets["U0PRIYA"])
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with sqlite.write() as session:
            assert {row.user for row in approvers.everyone(session)} == secrets.keys()
            for user, secret in secrets.items():
                at = datetime.now(UTC)
                typed = totp.code(secret, at=at)
                assert codes.check(session, user, typed, keys=approver_keys(key), at=at) is CodeVerdict.OK
    assert seen[0] != seen[1]
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("authenticators")] == [file.name]
