"""The folders of agents while a process runs: each is read again within seconds of a change.

Invariant: an agent is served as its whole folder is now: card, prompt, words and suite. A changed prompt is another
release, and a changed case another suite: the agent does not serve until that pair passes or is waived. A wrong folder
leaves the agent as it was; an agent whose folder is gone is no longer here. A new folder needs a restart, and so does
new code: a process runs the code that it has loaded. A folder that a rollback was about to exchange when it crashed is
put into its place at the start.
"""

import time
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from pathlib import Path
from threading import Lock

import structlog

from bot import folder_exchange
from bot.agent import card, suite_files
from bot.agent.card import Agent
from bot.errors import ConfigError

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"Seconds between two checks whether a folder has changed."
STAYED_SECONDS = 1.0
"A file that changed less than this many seconds ago may be half-written; it is read once two checks agree."
Stamp = tuple[tuple[str, int, int, int], ...]
"The state of all files that are read: path, time of change in nanoseconds, size and inode of each."
READ = (card.FILE, card.PROMPT, card.PLEAS, *suite_files.FILES)
"The files of a folder that are read."


class Cards(Mapping[str, Agent]):
    """Every agent that existed when the process started, by name, as its folder is now."""

    def __init__(self, config: Path, check: Callable[[Agent], None] = lambda _agent: None) -> None:
        """Read every folder.

        Args:
            config: the folder of the configuration.
            check: raises `ConfigError` for a changed agent that this process could not serve.

        Raises:
            ConfigError: a card is wrong; the message names file and field.
        """
        folder_exchange.mend(config)
        self._config, self._check = config, check
        self._looking = Lock()
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._seen = self._read = _stamp(config)
        self._last = self._now = card.load_all(config)

    def current(self) -> dict[str, Agent]:
        """Return the agents as they are now; any thread may call it, and none waits for the check of another."""
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._next_look = time.monotonic() + LOOK_SECONDS
                self._looking.release()
        return self._now

    def __getitem__(self, name: str) -> Agent:
        """Return an agent by its name."""
        return self.current()[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the agents."""
        return iter(self.current())

    def __len__(self) -> int:
        """Return how many agents there are."""
        return len(self.current())

    def values(self) -> ValuesView[Agent]:
        """Return the agents, all from the same check."""
        return self.current().values()

    def items(self) -> ItemsView[str, Agent]:
        """Return the agents by name, all from the same check."""
        return self.current().items()

    def _look(self) -> None:
        """Read the folders again when they have changed and are completely written."""
        stamp = _stamp(self._config)
        if stamp and stamp != self._read and (stamp == self._seen or _have_stayed(self._config)):
            self._take(stamp)
        self._seen = stamp

    def _take(self, stamp: Stamp) -> None:
        found = {name: self._as_it_is_now(agent) for name, agent in self._last.items()}
        agents = {name: agent for name, agent in found.items() if agent is not None}
        if _stamp(self._config) != stamp:
            return  # a file changed while it was read
        self._read = stamp
        try:
            card.check_together(agents)
        except ConfigError as error:
            log.error("cards.refused", why=" ".join(str(error).split()))  # noqa: TRY400 - it names file and field
            return
        changed = sorted(name for name in self._last if agents.get(name) is not self._now.get(name))
        if changed:
            log.info("cards.changed", agents=changed, gone=sorted(self._last.keys() - agents.keys()))
            self._last, self._now = {**self._last, **agents}, agents

    def _as_it_is_now(self, last: Agent) -> Agent | None:
        """Return an agent as its folder is now, the same object when nothing has changed; None when it is gone."""
        try:
            if not (last.folder / card.FILE).exists():
                return None
            read = card.load(last.folder)
            if read.suite == last.suite and read.files == last.files:
                return last
            self._check(read)
        except (ConfigError, OSError) as error:  # a folder that cannot be read is not gone
            log.error("card.refused", why=" ".join(str(error).split()))  # noqa: TRY400 - it names file and field
            return last
        return read


def rates(agents: Mapping[str, Agent]) -> dict[str, int]:
    """Return what an hour of people costs (nano-USD), by agent, where the card says it; heirs speak for the gone."""
    known = ((agent.card, agent.card.people.nusd_per_hour) for agent in agents.values())
    return {name: rate for one, rate in known if rate is not None for name in (one.name, *one.inherits)}


def _stamp(config: Path) -> Stamp:
    """Return the state of the files; it is empty while the folder of a card is being replaced."""
    found = []
    for file in _files(config):
        try:
            known = file.stat()
        except OSError:
            continue
        found.append((str(file), known.st_mtime_ns, known.st_size, known.st_ino))
    return tuple(found)


def _have_stayed(config: Path) -> bool:
    """Return whether no file has changed in the last `STAYED_SECONDS`."""
    try:
        return time.time() - max(one.stat().st_ctime for one in (config / "agents", *_files(config))) >= STAYED_SECONDS
    except OSError:
        return False


def _files(config: Path) -> list[Path]:
    """Return every file that is read, in order; none while no card is there."""
    folders = [file.parent for file in (config / "agents").glob(f"*/{card.FILE}")]
    return sorted(file for folder in folders for name in READ for file in folder.glob(name))
