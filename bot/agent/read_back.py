"""Reads the directory back after a write: does it show what the write should have left?

Each tool that writes says beside its effect what that is (`Tool.as_promised`). A directory that does not answer leaves
it unknown; the clock then asks it again (`jobs.read_backs`). No transaction may be open.
"""

import structlog

from bot.errors import Transient
from bot.store.schema import DirectoryAgreement
from bot.tools.registry import Tool, WrittenCall

log = structlog.get_logger()


def look(tool: Tool, written: WrittenCall, *, made: bool) -> DirectoryAgreement:
    """Return whether the directory is as a write should have left it.

    Args:
        tool: the tool that wrote.
        written: its call.
        made: whether the write is known to have been made, at least in part. Otherwise a directory that does not know
            of it, and is not as the write should have left it, leaves it unknown whether it will still be made.

    Raises:
        TypeError: the tool writes nothing.
    """
    if tool.as_promised is None:
        raise TypeError(f"{tool.name} writes nothing")
    try:
        if tool.as_promised(written):
            return DirectoryAgreement.MATCHED
        return (
            DirectoryAgreement.DIVERGED
            if made or written.directory.was_done(written.key)
            else DirectoryAgreement.UNKNOWN
        )
    except Transient as error:
        log.warning("write.not_read_back", tool=tool.name, key=written.key, error=str(error))
        return DirectoryAgreement.UNKNOWN
