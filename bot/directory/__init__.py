"""The system that holds the accounts, behind one protocol.

- `protocol`: what every adapter promises to tools, upkeep, evaluations and reports.
- `local`: the adapter for accounts in our own database.
- `outages`: gives the failures of every adapter one name.
- `seed_file`: accounts in YAML, as an operator or the demo loads them into a local directory.

`connect` alone decides which directory an installation uses. Only code that stages accounts names `LocalDirectory`: a
played case, the demo, and the commands that look after a local directory.
"""

from bot.directory.local import LocalDirectory
from bot.directory.outages import NamingOutages
from bot.directory.protocol import Directory
from bot.store.db import Database

__all__ = ["Directory", "connect"]


def connect(database: Database) -> Directory:
    """Return the directory of this installation.

    Args:
        database: the installation's database, which holds the accounts of a local directory.
    """
    return NamingOutages(LocalDirectory(database))
