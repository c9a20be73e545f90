"""What people do and read in the product without processes."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import update

from bot import durations
from bot.budget import budget_file
from bot.slack.money import budget_messages
from bot.store.money import reviews
from bot.store.schema import BudgetReview, MemberRow, now
from jobs import handoff, upkeep
from jobs.budgets import see_to
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.product_harness import Place
from tests.support.workspace_names import HELP

LOCALES = {"de": "de-AT", "es": "es-LA", "fr": "fr-FR", "pt": "pt-BR", "ja": "ja-JP"}
NO_ROOM, LITTLE = "0.005", "0.05"
"US dollars: no step of a request fits under the one; a request passes 1 % of the other."


def told_directly(place: Place, user: str) -> list[Json]:
    """Return what the bot has written to somebody directly."""
    upkeep.deliver_messages(place.ctx)
    messages = place.front.sees(user)["messages"].get(f"D{user[1:]}", [])
    return [one for one in messages if one.get("bot_id")]


def texts_told_directly(place: Place, user: str) -> list[str]:
    """Return the words of it."""
    return [one["text"] for one in told_directly(place, user)]


def whole_thread(place: Place, user: str, ts: str) -> str:
    """Return everything that stands in a thread, small print included."""
    messages = place.front.sees(user)["messages"][HELP]
    return json.dumps([one for one in messages if one.get("thread_ts") == ts and one.get("bot_id")], ensure_ascii=False)


def decide_review(place: Place, decision: Any, raised_nusd: int = 0) -> BudgetReview:
    """Let Olivia decide the newest review, as the form does; say what came of it."""
    review = place.front.rows(BudgetReview)[-1]
    with place.front.database.write() as session:
        decided = reviews.decide(
            session, review.id, by="U0OLIVIA", decision=decision, why="Month end.", raised_nusd=raised_nusd
        )
        assert decided is not None
        budget_messages.show(session, decided)
    see_to(0)
    return decided


def raises_below_cards(place: Place) -> list[str]:
    """Return what responders were told of raises."""
    upkeep.deliver_messages(place.ctx)
    return [one["text"] for one in place.queue() if "work on this again" in one["text"]]


def set_language(place: Place, user: str, locale: str) -> None:
    """Let somebody set their language, and be looked up as every turn does."""
    place.front.slack_says(user, locale=locale)
    place.ctx.members.look_up(user)


def a_minute_passes(place: Place) -> None:
    """Let what Slack said of people be too old to be used."""
    with place.front.database.write() as session:
        session.execute(update(MemberRow).values(asked_at=now() - timedelta(seconds=durations.PROFILE_KEPT + 1)))


@pytest.fixture
def budget_file_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a change of the budget file count at once."""
    for pause in ("LOOK_SECONDS", "STAYED_SECONDS"):
        monkeypatch.setattr(budget_file, pause, 0)


def small_budgets(folder: Path) -> Path:
    """Write a configuration, and return its folder: Maya may spend nothing, Ivan little, two people own the agent."""
    config = Path(shutil.copytree(CONFIG, folder))
    card, caps = config / "agents/access/card.yaml", config / "budgets.yaml"
    card.write_text(card.read_text().replace("owners: [U0OLIVIA]", "owners: [U0OLIVIA, U0RUTH]"))
    content = yaml.safe_load(caps.read_text())
    named = {
        "U0MAYA": {"window": "day", "hard": NO_ROOM},
        "U0IVAN": {"window": "week", "hard": LITTLE, "soft": [1, 2, 100]},
        "U0GRACE": {"window": "day", "hard": NO_ROOM, "owner": "U0BEN"},
    }
    caps.write_text(yaml.safe_dump({**content, "user": {"named": named}}))
    return config


def clock_looks(place: Place) -> None:
    """Let the clock look at the open handoffs, and what is owed be said."""
    handoff.look(place.ctx)
    upkeep.deliver_messages(place.ctx)
