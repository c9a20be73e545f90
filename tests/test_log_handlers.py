"""What tests leave in the root logger: `tests.support.log_handlers`."""

import io
import logging

import pytest

from tests.support import log_handlers


def test_only_handlers_of_closed_streams_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is open is somebody's; what writes to no stream is left alone."""
    ended, open_one, none = (
        logging.StreamHandler(io.StringIO()),
        logging.StreamHandler(io.StringIO()),
        logging.NullHandler(),
    )
    monkeypatch.setattr(logging.getLogger(), "handlers", [ended, open_one, none])
    ended.stream.close()
    log_handlers.drop_closed()
    assert logging.getLogger().handlers == [open_one, none]
