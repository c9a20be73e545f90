"""What tests leave in the root logger: `tests.support.log_handlers`."""

import io
import logging

import pytest

from tests.support import log_handlers


def test_only_handlers_of_closed_streams_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is open is somebody's; what writes to none, or to a file from its first line on, is left alone."""
    ended, used = logging.StreamHandler(io.StringIO()), logging.StreamHandler(io.StringIO())
    others = [used, logging.NullHandler(), logging.FileHandler("log", delay=True)]
    monkeypatch.setattr(logging.getLogger(), "handlers", [ended, *others])
    ended.stream.close()
    log_handlers.drop_closed()
    assert logging.getLogger().handlers == others
