"""What commands that run within a test leave in the root logger of its process."""

import logging


def drop_closed() -> None:
    """Take out the handlers whose stream is closed: one writes to the stderr that was a test's, and ended with it.

    A thread that outlives the test would otherwise be told, in the middle of other tests, that its line was lost.
    """
    root = logging.getLogger()
    for handler in root.handlers[:]:
        stream = getattr(handler, "stream", None)  # a file's is None until its first line
        if stream is not None and stream.closed:
            root.removeHandler(handler)
