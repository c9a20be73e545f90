"""Two clocks at once, as processes: what time does to a handoff is said once.

They are halted together and go on together, so that they look in the same moments.
"""

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest
import yaml

from bot.sandbox.demo.launch import RunningDemo
from bot.sandbox.demo.scenes.stage import HELP, QUEUE, Stage
from bot.slack.handoffs import handoff_messages
from bot.store import db
from bot.store.db import Session
from bot.store.handoffs import handoff_history, handoffs, handoffs_due
from bot.store.tickets import tickets
from bot.store.tickets.tickets import Heard
from tests.e2e.product import SMALL, House
from tests.e2e.product_processes import KEYS, Site
from tests.support.factories import open_for_people
from tests.support.forked_processes import ForkingCrew
from tests.support.paths import CONFIG

pytestmark = pytest.mark.e2e

CLOCKS = ("clock-1", "clock-2")
SHORT = {
    "lease_minutes": 10.0,
    "lease_reminder_minutes": 9.99,  # as soon as a clock looks; the test ends the leases
    "escalation": [
        {"after_minutes": 0.01, "action": "remind"},
        {"after_minutes": 0.02, "action": "mention"},
        {"after_minutes": 0.04, "action": "tell"},
    ],
}
ESCALATION = ("remind", "mention", "tell")
IN_QUEUE = {
    "remind": "Nobody has taken this yet",
    "mention": "this, and the requester is",
    "tell": "I have told the requester",
    "warned": "your claim ends at",
    "expired": "has expired",
}
TO_REQUESTER = {"tell": "Nobody has been free", "expired": "is with the whole team again"}
MANY = 5
SETTLE_SECONDS = 2.5
"Longer than a look, and than it takes to say what it wrote: what comes twice would have come."


@pytest.fixture
def house(postgres_url: str, tmp_path: Path) -> Iterator[House]:
    """Start the workspace and two clocks whose minutes are short."""
    config = Path(copytree(CONFIG, tmp_path / "config"))
    card = config / "agents/access/card.yaml"
    content = yaml.safe_load(card.read_text())
    content["handoff"] |= SHORT
    card.write_text(yaml.safe_dump(content))
    site = Site.choose(postgres_url)
    site.environment["DESKHAND_CONFIG"] = str(config)
    with closing(db.connect(postgres_url)) as database, ForkingCrew(tmp_path / "logs") as supervisor:
        supervisor.start(site.redis(tmp_path), site.slack(socket_mode=True))
        supervisor.start(*(replace(site.clock(), name=name) for name in CLOCKS))
        running_demo = RunningDemo(supervisor, site.address("slack"), site.address("model"), database, KEYS)
        yield House(SMALL, Stage(running_demo, print), supervisor, site.environment)


def halt(house: House) -> None:
    """Halt both clocks, once they go."""
    for name in CLOCKS:
        log = house.supervisor.logs / f"{name}.log"
        house.stage.wait(f"{name} to go", lambda log=log: log.exists() and "clock.started" in log.read_text())  # type: ignore[misc]
    _signal(house, signal.SIGSTOP)


def go_on(house: House) -> None:
    """Let both clocks look in the same moment: their pauses are over."""
    time.sleep(1.0)
    _signal(house, signal.SIGCONT)


def hand_off(house: House, number: int, *, holder: str | None) -> int:
    """Give a request to people, one of whom may have claimed it."""
    ts = str(house.stage.act("say", user="U0LENA", channel=HELP, text=f"I lost my phone {number}")["ts"])
    heard = Heard(f"Ev{number}", "T0DESKHAND", HELP, ts, None, "U0LENA", "I lost my phone", (), private=False)
    with house.stage.running_demo.database.write() as session:
        accepted = tickets.accept(session, heard, agent="access")
        assert accepted is not None
        handoff = open_for_people(session, accepted.ticket_id)
        handoff_messages.opened(session, handoff, tickets.lock(session, accepted.ticket_id), expected_minutes=15)
        if holder is not None:
            handoffs.claim(session, handoff.id, holder, lease_minutes=SHORT["lease_minutes"])  # type: ignore[arg-type]
        return handoff.id


def moves(session: Session, ids: Sequence[int]) -> list[list[str]]:
    """Return what has happened to handoffs; of an escalation, the actions."""
    return [[one.detail.get("action", one.move) for one in handoff_history.of_handoff(session, found)] for found in ids]


def said(house: House) -> dict[str, int]:
    """Count in the workspace what stands below cards and in the requesters' threads."""
    seen = house.stage.sees("U0PRIYA")["messages"]
    counts: dict[str, int] = {}
    for channel, kinds in ((QUEUE, IN_QUEUE), (HELP, TO_REQUESTER)):
        messages = [json.dumps(one["blocks"]) for one in seen[channel] if one.get("bot_id")]
        counts |= {f"{channel} {kind}": sum(words in one for one in messages) for kind, words in kinds.items()}
    return counts


def test_two_clocks_do_each_thing_once(house: House) -> None:
    """Of ten handoffs, half of them claimed: each reminder, end of a claim, step and notice comes once."""
    halt(house)
    free = [hand_off(house, number, holder=None) for number in range(MANY)]
    held = [hand_off(house, MANY + number, holder="U0PRIYA") for number in range(MANY)]
    go_on(house)
    house.stage.wait("the warnings", lambda: said(house)[f"{QUEUE} warned"] >= MANY)
    with house.stage.running_demo.database.write() as session:
        for handoff_id in held:
            handoffs_due.backdate(session, handoff_id, timedelta(minutes=SHORT["lease_minutes"]))  # type: ignore[arg-type]
    expected = [["opened", *ESCALATION]] * MANY + [["opened", "claimed", "warned", "expired", *ESCALATION]] * MANY
    once = {
        f"{QUEUE} remind": 2 * MANY,
        f"{QUEUE} mention": 2 * MANY,
        f"{QUEUE} tell": 2 * MANY,
        f"{QUEUE} warned": MANY,
        f"{QUEUE} expired": MANY,
        f"{HELP} tell": 2 * MANY,
        f"{HELP} expired": MANY,
    }
    house.stage.wait(
        "the end of every escalation", lambda: all(said(house)[kind] >= count for kind, count in once.items())
    )
    time.sleep(SETTLE_SECONDS)
    assert house.stage.read(lambda session: moves(session, [*free, *held])) == expected
    assert said(house) == once
    assert house.complaints() == []


def _signal(house: House, number: signal.Signals) -> None:
    for name in CLOCKS:
        os.kill(house.supervisor._running[name].pid, number)
