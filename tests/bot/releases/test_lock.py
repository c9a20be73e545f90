"""No edit lets an agent answer without a verdict for exactly what it is: a property over random edits."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.agent import card, release, suite_files
from bot.agent.card import Agent
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.store.db import Database
from bot.store.releases import verdicts
from bot.store.releases.verdicts import ReleasePair
from tests.support.agent_folders import copied_agent
from tests.support.release_rows import judged

Content = dict[str, Any]
Edit = Callable[[Path, str], Settings]
"(folder, a text) -> the settings of the process; it changes what decides behaviour, or what does not."


def in_card(change: Callable[[Content, str], object]) -> Edit:
    """Return an edit of the card."""

    def edit(folder: Path, text: str) -> Settings:
        file = folder / "card.yaml"
        content = yaml.safe_load(file.read_text())
        change(content, text)
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return SETTINGS

    return edit


def in_file(name: str, line: str) -> Edit:
    """Return an edit that adds a line to a file."""

    def edit(folder: Path, text: str) -> Settings:
        file = folder / name
        file.write_text(f"{file.read_text()}{line.format(text)}\n")
        return SETTINGS

    return edit


def without(name: str) -> Edit:
    """Return an edit that removes a file."""

    def edit(folder: Path, _text: str) -> Settings:
        (folder / name).unlink()
        return SETTINGS

    return edit


def note(folder: Path, text: str) -> Settings:
    """Write a file that nothing reads."""
    (folder / "notes.md").write_text(text)
    return SETTINGS


def elsewhere(name: str) -> Edit:
    """Return an edit of the environment."""
    return lambda _folder, text: SETTINGS.model_copy(update={name: f"https://{text}.example/"})


def number(text: str, least: int, most: int) -> int:
    """Return a number that depends on a text."""
    return least + sum(map(ord, text)) % (most - least + 1)


SETTINGS = Settings(deskhand_model="stand-in-1")
DECIDES: dict[str, Edit] = {
    "prompt": in_file("prompt.md", "Rule {}."),
    "case": in_file("evals/locked.yaml", "# {}"),
    "manifest": in_file("evals/coverage.yaml", "# {}"),
    "a lost slice": without("evals/injection.yaml"),
    "model": elsewhere("deskhand_model"),
    "address": elsewhere("anthropic_base_url"),
    "steps": in_card(lambda content, text: content["limits"].update(steps=number(text, 13, 50))),
    "tokens": in_card(lambda content, text: content["limits"].update(tokens=number(text, 70_000, 90_000))),
    "fewer tools there": in_card(lambda content, _: content.update(tools_in={"dm": ["hand_off"]})),
    "links": in_card(lambda content, text: content.update(links=[f"https://{text}.example.com/help"])),
    "guests": in_card(lambda content, _: content.update(admission={"accept_organisation": True})),
    "what must be solved": in_card(lambda content, _: content.update(solved="agents_word")),
    "what it asks": in_card(lambda content, text: content.update(evals={"pass_at_least": number(text, 1, 79) / 100})),
}
DECIDES_NOTHING: dict[str, Edit] = {
    "comment": in_file("card.yaml", "# {}"),
    "owners": in_card(lambda content, text: content.update(owners=[f"U0{text.upper()}"])),
    "sponsor": in_card(lambda content, text: content.update(sponsor=text)),
    "purpose": in_card(lambda content, text: content.update(purpose=text)),
    "status": in_card(lambda content, _: content.update(status="suspended")),
    "rate": in_card(lambda content, text: content.update(people={"cost_per_hour": str(number(text, 1, 99))})),
    "share": in_card(lambda content, text: content.update(per_person={"turns": number(text, 1, 9)})),
    "surge": in_card(lambda content, text: content.update(surge={"like_tickets": number(text, 5, 99)})),
    "age": in_card(lambda content, text: content.update(evals={"stale_after_days": number(text, 1, 99)})),
    "pleas": in_file("pleas.yaml", "# {}"),
    "a note": note,
}
TEXT = st.text("abcdefghijklmnop", min_size=3, max_size=8)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an agent as it has passed."""
    return copied_agent(tmp_path_factory.mktemp("original"))


@pytest.fixture
def passed(sqlite: Database, original: Path) -> ReleasePair:
    """Return the pair of release and suite that has passed."""
    pair = pair_of(SETTINGS, card.load(original))
    with sqlite.write() as session:
        judged(session, *pair)
    return pair


def serves(database: Database, settings_: Settings, agent: Agent) -> bool:
    """Return whether an agent may answer, as a turn asks it."""
    with database.read() as session:
        return verdicts.standing(session, *pair_of(settings_, agent)).serves


def edited(original: Path, edits: dict[str, Edit], names: list[str], text: str) -> tuple[Settings, Agent]:
    """Return the settings and the agent after some edits of a copy."""
    folder = original.parents[1] / "edited" / "access"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    told: Content = {}
    for name in names:
        after = edits[name](folder, text)
        told |= {field: getattr(after, field) for field in ("deskhand_model", "anthropic_base_url")
                 if getattr(after, field) != getattr(SETTINGS, field)}  # fmt: skip
    return SETTINGS.model_copy(update=told), card.load(folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(sorted(DECIDES)), min_size=1, max_size=4, unique=True), text=TEXT)
def test_an_edit_that_decides_voids_the_verdict(
    sqlite: Database, original: Path, passed: ReleasePair, names: list[str], text: str
) -> None:
    """Whatever is edited, alone or together, the agent answers nobody; a verdict for exactly that lets it answer."""
    changed, agent = edited(original, DECIDES, names, text)
    assert not serves(sqlite, changed, agent)
    assert serves(sqlite, SETTINGS, card.load(original))
    pair = pair_of(changed, agent)
    assert pair != passed
    with sqlite.read() as session:
        for other in (ReleasePair(pair.release, passed.suite), ReleasePair(passed.release, pair.suite)):
            assert verdicts.standing(session, *other).serves is (other == passed)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(sorted(DECIDES_NOTHING)), min_size=1, max_size=4, unique=True), text=TEXT)
def test_an_edit_that_decides_nothing_leaves_the_verdict(
    sqlite: Database, original: Path, passed: ReleasePair, names: list[str], text: str
) -> None:
    """Who answers for it, who pays, who is heard, words and comments: nobody waits for an evaluation of that."""
    changed, agent = edited(original, DECIDES_NOTHING, names, text)
    assert pair_of(changed, agent) == passed
    assert serves(sqlite, changed, agent)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_line_of_code_that_decides_voids_the_verdict(
    sqlite: Database, original: Path, passed: ReleasePair, data: st.DataObject
) -> None:
    """Of the agent, its tools and the policy, and of what plays and scores its cases."""
    assert passed.release
    with pytest.MonkeyPatch.context() as patch:
        if data.draw(st.booleans()):
            code = dict(release._code())
            file = data.draw(st.sampled_from(sorted(code["code"])))
            changed = {**code, "code": {**code["code"], file: "0" * 64}}
            patch.setattr(release, "_code", lambda: changed)
        else:
            scores = suite_files._code()
            place = data.draw(st.integers(0, len(scores) - 1))
            other = tuple((name, text + b"#" * (at == place)) for at, (name, text) in enumerate(scores))
            patch.setattr(suite_files, "_code", lambda: other)
        assert not serves(sqlite, SETTINGS, card.load(original))
    assert serves(sqlite, SETTINGS, card.load(original))
