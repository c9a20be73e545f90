"""Whether the disk has room for what an SQLite database is about to store."""

import shutil
from collections.abc import Iterator

from bot.health.findings import Finding
from bot.settings import Settings
from bot.store import db

LEAST_FREE_MIB = 64
"An evaluation, and the log of SQLite, take some tens of MiB."


def look(settings: Settings) -> Iterator[Finding]:
    """Look at the disk that has the file of the database; one that is full can still be read."""
    file = db.file_of(settings.database_url)
    if file is None:
        return
    free = shutil.disk_usage(file.parent).free // 2**20
    if free < LEAST_FREE_MIB:
        message = f"The disk that has the database has {free} MiB free. Once it is full, no request is accepted."
        yield Finding("disk", "fail", message, "Make room; processes that run go on by themselves.")
