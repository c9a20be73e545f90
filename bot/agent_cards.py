"""The cards while a process runs: changes of people count within seconds, changes of behaviour after a restart.

Invariant: rights are read when they are used, and a release is served as it was loaded. So the people of a card are
those of the file now, and everything else is as it was at the start. A wrong card leaves its people as they were; an
agent whose folder is gone is no longer here.
"""

import time
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from dataclasses import replace
from pathlib import Path
from threading import Lock

import structlog

from bot.agent import card
from bot.agent.card import Agent
from bot.errors import ConfigError

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"Seconds between two checks whether a card has changed."
STAYED_SECONDS = 1.0
"A card that changed less than this many seconds ago may be half-written; it is read once two checks agree."
OF_PEOPLE = ("owners", "status", "handoff", "inherits", "people")
"""Fields of a card that say who may act, and what their time costs.

They are no part of a release, and a change counts while a process runs.
"""

Stamp = tuple[tuple[str, int, int, int], ...]
"The state of all cards: path, time of change in nanoseconds, size and inode of each."


class Cards(Mapping[str, Agent]):
    """Every agent that existed when the process started, by name, with its people as they are now."""

    def __init__(self, config: Path) -> None:
        """Read every card.

        Raises:
            ConfigError: a card is wrong; the message names file and field.
        """
        self._config = config
        self._looking = Lock()
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._seen = self._read = _stamp(config)
        self._loaded = self._now = card.load_all(config)

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
        """Read the cards again when they have changed and are completely written."""
        stamp = _stamp(self._config)
        if stamp and stamp != self._read and (stamp == self._seen or _have_stayed(self._config)):
            self._take(stamp)
        self._seen = stamp

    def _take(self, stamp: Stamp) -> None:
        found = {name: self._as_it_is_now(agent) for name, agent in self._loaded.items()}
        agents = {name: agent for name, agent in found.items() if agent is not None}
        if _stamp(self._config) != stamp:
            return  # a card changed while it was read
        self._read = stamp
        try:
            card.check_heirs(agents)
        except ConfigError as error:
            log.error("cards.refused", why=" ".join(str(error).split()))  # noqa: TRY400 - it names file and field
            return
        changed = sorted(name for name in self._loaded if agents.get(name) != self._now.get(name))
        if changed:
            log.info("cards.changed", agents=changed, gone=sorted(self._loaded.keys() - agents.keys()))
            self._now = agents

    def _as_it_is_now(self, loaded: Agent) -> Agent | None:
        """Return an agent with the people that its card names now, or None when its card is gone."""
        try:
            if not (loaded.folder / card.FILE).exists():
                return None
            read = card.load(loaded.folder).card
        except (ConfigError, OSError) as error:  # a folder that cannot be read is not gone
            log.error("card.refused", why=" ".join(str(error).split()))  # noqa: TRY400 - it names file and field
            return self._now.get(loaded.card.name, loaded)
        people = {name: getattr(read, name) for name in OF_PEOPLE}
        return replace(loaded, card=loaded.card.model_copy(update=people))


def rates(agents: Mapping[str, Agent]) -> dict[str, int]:
    """Return what an hour of people costs (nano-USD), by agent, where the card says it; heirs speak for the gone."""
    known = ((agent.card, agent.card.people.nusd_per_hour) for agent in agents.values())
    return {name: rate for one, rate in known if rate is not None for name in (one.name, *one.inherits)}


def _stamp(config: Path) -> Stamp:
    """Return the state of the cards; it is empty while the folder is being replaced."""
    found = []
    for file in sorted((config / "agents").glob(f"*/{card.FILE}")):
        try:
            known = file.stat()
        except OSError:
            continue
        found.append((str(file), known.st_mtime_ns, known.st_size, known.st_ino))
    return tuple(found)


def _have_stayed(config: Path) -> bool:
    """Return whether no card has changed in the last `STAYED_SECONDS`."""
    folder = config / "agents"
    try:
        return time.time() - max(one.stat().st_ctime for one in (folder, *folder.glob(f"*/{card.FILE}"))) >= (
            STAYED_SECONDS
        )
    except OSError:
        return False
