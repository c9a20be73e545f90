"""The approvers of the demo have authenticator apps: their secrets are new at each start, as the key is."""

import json
from collections.abc import Mapping
from pathlib import Path

from bot import configured_keys, private
from bot.agent import card
from bot.second_step import secret_box, totp
from bot.second_step.secret_box import ApproverKeys
from bot.store.approvals import approvers
from bot.store.db import Database

DEMO = "demo"
"Who enrols them, in the audit log."


def enrol(database: Database, environment: Mapping[str, str], file: Path) -> None:
    """Enrol every approver of the cards, and keep the secrets where the local workspace finds them.

    Args:
        database: the demo's own.
        environment: that of the demo's processes.
        file: where the secrets go, by Slack user id, for our account alone.

    Raises:
        ConfigError: a card is wrong.
    """
    written = environment[secret_box.VARIABLE].split(",")
    keys = ApproverKeys(configured_keys.parse(secret_box.KIND, written, source=secret_box.VARIABLE).keys)
    agents = card.load_all(Path(environment["DESKHAND_CONFIG"])).values()
    secrets = {user: totp.new_secret() for agent in agents for user in agent.card.handoff.approvers}
    with database.write() as session:
        for row in approvers.everyone(session):
            approvers.remove(session, row.user, by=DEMO)
        for user, secret in secrets.items():
            approvers.enrol(session, user, secret=keys.seal(secret, user=user), by=DEMO)
    fresh = file.with_name(f"{file.name}.new")
    with open(fresh, "w", encoding="utf-8", opener=private.opener) as new:
        json.dump(secrets, new)
    fresh.replace(file)
