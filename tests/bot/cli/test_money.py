"""`deskhand cost` and `deskhand digest`: what was spent, for operators, owners and programs."""

import json
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from bot.store import db
from bot.store.schema import LedgerRow, base, now
from tests.support.command_line import deskhand
from tests.support.factories import Clock
from tests.support.ledger_factory import NOON, LedgerFactory
from tests.support.paths import ROOT


def spend(url: str, cost: int, *, days_ago: int = 0, channel: str = "C0HELP", user: str = "U0MAYA") -> None:
    """Let a model call have cost something, some days ago."""
    at = (now() - timedelta(days=days_ago)).replace(hour=0, minute=1)
    row: dict[str, Any] = {"team": "T1", "agent": "access", "release": "access@1", "step": 0, "model": "m"}
    kept = {"price_version": "1", "accounts": [], "lease_until": at, "state": "settled"}
    rid = f"{days_ago} {channel} {user}"
    with closing(db.connect(url)) as database, database.write() as session:
        whose = {"channel": channel, "user": user}
        session.add(LedgerRow(rid=rid, at=at, reserved_nusd=cost, cost_nusd=cost, **whose, **row, **kept))


@pytest.mark.usefixtures("quiet_logs")
def test_the_cost_is_told_to_operators_and_programs(
    migrated_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of everybody today, or of one channel, person or agent, in whichever window holds a day."""
    monkeypatch.chdir(ROOT)
    spend(migrated_file, 1_000_000_000)
    spend(migrated_file, 500_000_000, channel="C0OPS", user="U0IVAN")
    spend(migrated_file, 70_000_000, days_ago=40)
    capsys.readouterr()
    past = f"{now() - timedelta(days=40):%Y-%m-%d}"
    for words, spent in (
        ((), 1_500_000_000),
        (("--by", "channel"), 1_500_000_000),
        (("--channel", "C0OPS"), 500_000_000),
        (("--user", "U0MAYA", "--window", "week"), 1_000_000_000),
        (("--agent", "access"), 1_500_000_000),
        (("--at", past), 70_000_000),
    ):
        assert deskhand("cost", "--json", *words) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["spent_nusd"] == sum(row["spent_nusd"] for row in told["rows"]) == spent
    assert told["over"] is True
    assert deskhand("cost") == 0
    said = capsys.readouterr().out
    assert said.startswith("Spent today everywhere: $1.50.\n")
    assert "C0HELP                       today             $1.00        $5.00      20 % ████" in said
    assert deskhand("cost", "--at", past) == 0
    assert capsys.readouterr().out.startswith(f"Spent on {past} everywhere: $0.07")


@pytest.mark.usefixtures("quiet_logs")
def test_a_digest_is_shown_and_sent_once(
    migrated_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for programs; sent to the owners of the cards, a second time to nobody."""
    monkeypatch.chdir(ROOT)
    with closing(db.connect(migrated_file)) as database:
        books = LedgerFactory(database)
        books.ask(0, tickets=2)  # in the 47th week of 2026
        books.write()
    capsys.readouterr()
    assert deskhand("digest", "--period", "2026-W47", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["period"], told["now"]["tickets"], told["before"]) == ("2026-W47", 2, None)
    assert "sent" not in told
    monkeypatch.setattr(base, "datetime", Clock(NOON + timedelta(days=1)))
    assert deskhand("digest") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Solved without a person: 0 of 2 in the week from 16 to 22 November 2026 (0 %; ")
    assert "\nSpent in the week from 16 to 22 November 2026: $0.0115" in shown
    assert deskhand("digest", "--send", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sent"] == ["U0OLIVIA"]
    assert deskhand("digest", "--send") == 0
    assert "Nothing was sent: every owner has got it before." in capsys.readouterr().out
