"""Other builds of this repository, each in a folder of its own, run with this environment's packages."""

import shutil
import subprocess
from pathlib import Path

from tests.support.paths import ROOT


def tree_of(revision: str, folder: Path) -> Path | None:
    """Write the tree of a revision into a folder; return where it is, or None if the repository does not have it.

    Args:
        revision: a commit, a tag or a branch.
        folder: where a folder for the tree is made.
    """
    archive, tree = folder / "older.tar", folder / "older"
    command = ["git", "archive", "-o", str(archive), "--end-of-options", revision]
    if subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode:
        return None
    tree.mkdir()
    shutil.unpack_archive(archive, tree, filter="data")
    return tree
