"""One line an event: `bot.logs`."""

import json
import subprocess
import sys
from typing import Any, Literal

PROGRAM = """
import logging, structlog
from bot import logs
logs.configure({form!r})
log = structlog.get_logger()
with structlog.contextvars.bound_contextvars(turn=7):
    log.info("turn.finished", outcome="Reply")
logging.getLogger("rq.worker").info("chatter")
logging.getLogger("some.library").info("from a library")
try:
    raise ValueError("inner")
except ValueError:
    log.exception("turn.crashed", error_id="abc")
"""


def lines(form: Literal["json", "console"]) -> tuple[str, list[str]]:
    """Run a process of its own, since logging is a process's; return what it wrote on stdout and stderr."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(form=form)], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr.splitlines()


def test_json_is_one_object_a_line() -> None:
    """With time, level and what it is bound to; a library's lines look the same; nothing goes to stdout."""
    stdout, written = lines("json")
    events: list[dict[str, Any]] = [json.loads(line) for line in written]
    assert stdout == ""
    assert [event["event"] for event in events] == ["turn.finished", "from a library", "turn.crashed"]
    assert events[0].items() >= {"turn": 7, "outcome": "Reply", "level": "info"}.items()
    assert events[0]["timestamp"].endswith("Z")
    assert "turn" not in events[1]
    assert "ValueError: inner" in events[2]["exception"]


def test_the_console_is_for_people() -> None:
    """The same facts in plain words, without colours."""
    text = "\n".join(lines("console")[1])
    assert all(word in text for word in ("turn.finished", "outcome=Reply", "turn=7", "ValueError: inner"))
    assert "\x1b" not in text
