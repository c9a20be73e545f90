"""The files of releases and suites as text, each text once under its hash."""

import hashlib
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import FileText, KeptFile


def keep(session: Session, owner: str, files: Mapping[str, str]) -> None:
    """Store the files of a release or suite, unless some are stored for it already.

    Args:
        session: the session.
        owner: the fingerprint of the release or suite.
        files: texts, by their paths in the agent's folder.
    """
    if not files or session.scalars(select(KeptFile.name).where(KeptFile.owner == owner).limit(1)).first() is not None:
        return
    for name, text in sorted(files.items()):
        sha = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        db.insert_new(session, FileText, sha=sha, text=text)
        db.upsert(session, KeptFile, owner=owner, name=name, sha=sha)


def read(session: Session, owner: str) -> dict[str, str]:
    """Return the files of a release or suite, texts by path; empty if none were stored."""
    query = select(KeptFile.name, FileText.text).join(FileText, FileText.sha == KeptFile.sha)
    rows = session.execute(query.where(KeptFile.owner == owner).order_by(KeptFile.name))
    return {name: text for name, text in rows}  # noqa: C416 - rows are no pairs to mypy
