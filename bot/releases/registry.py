"""Stores the release and the suite that a process serves, with the files that both are made of."""

from bot.agent import suite_files
from bot.agent.card import Agent
from bot.agent.release import ReleaseId
from bot.store.db import Session
from bot.store.releases import kept_files, releases


def register(session: Session, agent: Agent, release: ReleaseId) -> None:
    """Store a release and the suite in its folder, each once; a suite that has changed meanwhile is left out."""
    releases.register(session, agent=release.agent, fingerprint=str(release), body=release.body, files=release.files)
    try:
        files = suite_files.read(agent.folder)
    except OSError:
        return  # it is being replaced, and is stored when it has been read anew
    if suite_files.fingerprint(files, agent.card.evals) == agent.suite:
        kept_files.keep(session, agent.suite, suite_files.texts(files))
