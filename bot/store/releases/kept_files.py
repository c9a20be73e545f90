"""The files of releases and suites as text, each text once under its hash."""

import hashlib
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.schema import FileText, KeptFile
from bot.store.sql import prebuilt


def keep(session: Session, owner: str, files: Mapping[str, str]) -> None:
    """Store the files of a release or suite, unless some are stored for it already.

    Args:
        session: the session.
        owner: the fingerprint of the release or suite.
        files: texts, by their paths in the agent's folder.
    """
    if not files or session.scalars(select(KeptFile.name).where(KeptFile.owner == owner).limit(1)).first() is not None:
        return
    named = {name: hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for name, text in files.items()}
    texts = {sha: files[name] for name, sha in named.items()}
    # Sorted, so that processes which store the same at once wait for each other and never in a circle.
    prebuilt.insert_new_rows(session, FileText, [{"sha": sha, "text": text} for sha, text in sorted(texts.items())])
    kept = [{"owner": owner, "name": name, "sha": sha} for name, sha in sorted(named.items())]
    prebuilt.insert_new_rows(session, KeptFile, kept)


def read(session: Session, owner: str) -> dict[str, str]:
    """Return the files of a release or suite, texts by path; empty if none were stored."""
    query = select(KeptFile.name, FileText.text).join(FileText, FileText.sha == KeptFile.sha)
    rows = session.execute(query.where(KeptFile.owner == owner).order_by(KeptFile.name))
    return {name: text for name, text in rows}  # noqa: C416 - rows are no pairs to mypy
