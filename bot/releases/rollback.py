"""The way back to a release that passed: its files are put in the place of those of now.

Invariant: what is put back is, with the code and the environment of here, exactly a pair of release and suite that may
serve; that is worked out from a copy before any file is touched. Then the intent is written down, the whole folder
changes place (`bot.folder_exchange`), and the previous folder is kept. One that was killed after the exchange has an
intent and no outcome: the next one writes the outcome down, and does not go back a second time.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot import folder_exchange
from bot.agent import card, suite_files
from bot.agent.card import Agent
from bot.agent.release import ReleaseId, release_of
from bot.errors import ConfigError
from bot.releases import card_text, differences
from bot.settings import Settings
from bot.store import audit
from bot.store.db import Database, Session
from bot.store.releases import kept_files, releases, verdicts
from bot.store.releases.verdicts import ReleasePair

INTENDED, DONE = "rollback.intended", "release.rolled_back"


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback has done."""

    agent: str
    before: str
    "The previous release, or why its folder could not be read."
    now: ReleasePair
    kept: Path
    "The previous folder."
    changed: tuple[str, ...]
    "The files that are other ones now."
    resumed: bool = False
    "Whether an earlier command had put them there, and was cut off before it had written that down."


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A folder that would be exactly a pair that may serve."""

    pair: ReleasePair
    files: Mapping[str, str]


def roll_back(settings: Settings, name: str, database: Database, *, to: str | None, at: datetime) -> RolledBack:
    """Put back the files of the newest release that passed, or of a certain one, and audit it.

    Args:
        settings: with the folder of the configuration, the model and its address.
        name: the agent's name.
        database: where releases are stored.
        to: the release; None: the newest one that may serve and is not the one of now.
        at: when the command was given; it names the folder that is kept, or the next free second does.

    Raises:
        ConfigError: there is no such release, it cannot be served by the code that runs here, or another rollback was
            quicker; nothing was changed.
    """
    config = settings.deskhand_config
    folder = config / folder_exchange.AGENTS / name
    with folder_exchange.alone(config):
        folder_exchange.mend(config)
        folder_exchange.clear(config)
        running, present = _present(settings, folder)
        if (resumed := _resumed(database, folder, config, to=to, present=present, at=at)) is not None:
            return resumed
        kept = _free(config / folder_exchange.KEPT, name, at)
        with database.write() as session:
            chosen = _chosen(session, settings, folder, to=to, present=present)
            before = present.release if present is not None else str(running)
            what = {**chosen.pair._asdict(), "agent": name, "before": before, "kept": kept.name}
            intent = audit.append(session, INTENDED, actor="operator", **what)
        with database.write() as session:
            changed = _exchange(folder, chosen.files, kept)
            audit.append(session, DONE, actor="operator", intent_id=intent, **what)
    return RolledBack(name, before, chosen.pair, kept, changed)


def _resumed(
    database: Database, folder: Path, config: Path, *, to: str | None, present: ReleasePair | None, at: datetime
) -> RolledBack | None:
    """End a rollback that was cut off after its exchange; return it if it is what is asked for.

    Raises:
        ConfigError: another one was done since the command was given, which would go back a second time.
    """
    with database.read() as session:
        done = audit.last(session, DONE, agent=folder.name)
        intent = audit.last(session, INTENDED, agent=folder.name)
        is_open = intent is not None and not audit.has_outcome(session, intent.seq)
    if done is not None and done.at >= at:
        now = done.record["release"]
        raise ConfigError(f"release: another rollback was quicker: {folder.name} is {now} now. Nothing was changed.")
    if intent is None or not is_open:
        return None
    what = intent.record
    pair, kept = ReleasePair(what["release"], what["suite"]), config / folder_exchange.KEPT / what["kept"]
    if pair != present or not kept.is_dir():
        return None
    with database.write() as session:
        audit.append(session, DONE, actor="operator", intent_id=intent.seq, **what)
    return RolledBack(folder.name, what["before"], pair, kept, (), resumed=True) if to in (None, pair.release) else None


def _free(kept: Path, name: str, at: datetime) -> Path:
    """Return the first name of a folder to keep that is not taken, since a time or later."""
    while (found := kept / f"{name}-{at:%Y-%m-%dT%H-%M-%S}").exists():
        at += timedelta(seconds=1)
    return found


def _present(settings: Settings, folder: Path) -> tuple[ConfigError | None, ReleasePair | None]:
    """Return the pair of a folder as it is now, or the error that it has."""
    try:
        agent = card.load(folder)
    except ConfigError as error:
        return error, None
    return None, ReleasePair(str(release_of(settings, agent)), agent.suite)


def _refuse_wrong_name(session: Session, agent: str, to: str) -> None:
    """Refuse to go back to a release that is not one of this agent.

    Raises:
        ConfigError: there is no such release, or it is another agent's.
    """
    release = releases.get(session, to)
    if release is None:
        raise ConfigError(f"release: there is no {to}; `deskhand release list` names those that are stored")
    if release.agent != agent:
        raise ConfigError(f"release: {to} is a release of {release.agent}, not of {agent}. Nothing was changed.")


def _chosen(
    session: Session, settings: Settings, folder: Path, *, to: str | None, present: ReleasePair | None
) -> _Candidate:
    """Return the newest pair that may serve with what runs here.

    Raises:
        ConfigError: there is none; the message says of each release that passed what is in its way.
    """
    if to is not None:
        _refuse_wrong_name(session, folder.name, to)
    said = [one for one in verdicts.of_agent(session, folder.name) if to in (None, one.release)]
    pairs = [ReleasePair(one.release, one.suite) for one in said]
    serving = [pair for pair in pairs if verdicts.standing(session, *pair).serves and pair != present]
    if not serving:
        what = (
            "no other release of this agent has passed" if to is None else f"{to} has not passed, or is what runs now"
        )
        raise ConfigError(f"release: {what}. Nothing was changed.")
    obstacles: dict[str, str] = {}
    for pair in serving:
        found = _candidate(session, settings, folder, pair)
        if isinstance(found, _Candidate):
            return found
        obstacles.setdefault(pair.release, found)
    told = "; ".join(f"{release}: {why}" for release, why in obstacles.items())
    raise ConfigError(f"release: none that passed can be put back by its files: {told}. Nothing was changed.")


def _candidate(session: Session, settings: Settings, folder: Path, pair: ReleasePair) -> _Candidate | str:
    """Return the files that make a folder exactly this pair, or what is in the way."""
    own, cases = kept_files.read(session, pair.release), kept_files.read(session, pair.suite)
    if card.FILE not in own or not cases:
        return "its files were not kept"
    row = releases.get(session, pair.release)
    for text in _card_texts(folder / card.FILE, own[card.FILE]):
        files = {card.FILE: text, card.PROMPT: own[card.PROMPT], **cases}
        tried = _tried(settings, folder, files)
        if tried is not None and (str(tried[0]), tried[1].suite) == pair:
            return _Candidate(pair, files)
    if tried is not None and row is not None and (code := differences.of_this_code(row.body, tried[0].body)):
        version = row.body.get("deskhand", "an older version")
        return f"only other code makes it ({'; '.join(code)}): deploy Deskhand {version} as it was then"
    if tried is not None and row is not None and str(tried[0]) != pair.release:
        wanted = differences.StoredRelease(pair.release, row.body, own)
        here = differences.StoredRelease("here", tried[0].body, own)
        return f"its files are not enough here: {'; '.join(differences.in_words(here, wanted)) or 'another form'}"
    return "its cases are scored by other code now: evaluate it again"


def _card_texts(file: Path, then: str) -> Iterator[str]:
    """Yield the card of now with the behaviour of then, and, should that not do, the whole card of then."""
    with suppress(OSError, ValueError):
        yield card_text.with_behaviour_of(file.read_text("utf-8"), then)
    yield then


def _tried(settings: Settings, folder: Path, files: Mapping[str, str]) -> tuple[ReleaseId, Agent] | None:
    """Return the release and the agent that a folder with these files is, or None when it is wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        _write(copy, files)
        pleas = folder / card.PLEAS
        if pleas.exists():
            shutil.copy(pleas, copy / card.PLEAS)
        try:
            agent = replace(card.load(copy), folder=folder)
        except ConfigError:
            return None
        return release_of(settings, agent), agent


def _exchange(folder: Path, files: Mapping[str, str], kept: Path) -> tuple[str, ...]:
    """Put a folder with these files in the place of one, which is kept; return the files that changed.

    Raises:
        ConfigError: the disk refuses it; the folder is as it was.
    """
    fresh = folder_exchange.waiting(kept)
    try:
        kept.parent.mkdir(exist_ok=True)
        shutil.copytree(folder, fresh)
        for name in suite_files.read(fresh):
            (fresh / name).unlink()
        changed = tuple(name for name, text in sorted(files.items()) if _text(folder / name) != text)
        gone = tuple(sorted(suite_files.read(folder).keys() - files.keys()))
        _write(fresh, files)
        folder_exchange.exchange(folder, kept)
    except OSError as error:
        folder_exchange.discard(kept)
        raise ConfigError(f"{folder}: cannot be replaced: {error.strerror}. Nothing was changed.") from error
    return (*changed, *gone)


def _text(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError):
        return None


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
