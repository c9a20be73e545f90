"""One line an event, and no word of anybody's in it: `bot.logs`."""

import json
import os
import subprocess
import sys
from typing import Any, Literal

WORD = "marked-word"
PROGRAM = """
import asyncio, gc, logging, sys, threading, warnings
import structlog
from bot import logs
from bot.errors import Transient
logs.guard()
logs.configure({form!r})
log = structlog.get_logger()
WORD = "marked-word"
def fail():
    raise ValueError(WORD)
def attempt(what):
    try:
        what()
    except BaseException as error:
        return error
{body}
"""
GOES_ON = """
def repeat():
    for number in range(2):
        try:
            raise Transient("database: the disk is full")
        except Transient as error:
            log.warning("clock.delayed", error=str(error))
        print(number)
thread = threading.Thread(target=repeat)
thread.start()
thread.join()
log.info("clock.stopped")
print("ended")
"""
OURS = """
with structlog.contextvars.bound_contextvars(turn=7):
    log.info("turn.finished", outcome="Reply")
try:
    fail()
except ValueError:
    log.exception("turn.crashed", error_id="abc")
"""
CHAINED = """
def translate():
    try:
        fail()
    except ValueError as error:
        raise Transient("slack: no connection") from error
def group():
    raise ExceptionGroup(WORD, [attempt(translate), KeyError(WORD), ExceptionGroup(WORD, [OSError(13, WORD, WORD)])])
def during():
    try:
        group()
    except ExceptionGroup:
        raise UnicodeEncodeError("utf-8", WORD, 1, 2, WORD)
error = attempt(during)
error.add_note(WORD)
log.error("turn.crashed", exc_info=error)
loop = ValueError(WORD)
loop.__cause__ = loop
log.error("turn.looped", exc_info=loop)
"""
LIBRARIES = """
quiet, loud = logging.getLogger("some.library"), logging.getLogger("slack_bolt.App")
loud.setLevel(logging.DEBUG)
quiet.info("chatter %s", WORD)
loud.info(WORD)
loud.debug(WORD)
quiet.warning("no answer from %s", WORD)
quiet.warning(f"no answer from {WORD}")
quiet.error(OSError(98, WORD))
quiet.error("%d bottles", WORD)
try:
    fail()
except ValueError:
    quiet.exception(f"failed: {WORD}", extra={"arguments": WORD}, stack_info=True)
"""
UNSPEAKABLE = """
class Unspeakable:
    def __repr__(self):
        fail()
log.error("turn.crashed", what=Unspeakable(), word=WORD)
"""
HOOKS = """
warnings.warn(WORD, UserWarning)
threading.Thread(target=fail, name="reader").start()
class Left:
    def __del__(self):
        fail()
Left()
async def never_awaited():
    async def crash():
        fail()
    task = asyncio.ensure_future(crash())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
asyncio.run(never_awaited())
fail()
"""


def lines(body: str, form: Literal["json", "console"] = "json", *, code: int = 0) -> tuple[str, list[str]]:
    """Run a process of its own, since logging is a process's; return what it wrote on stdout and stderr."""
    program = PROGRAM.format(form=form, body=body)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr.splitlines()


def events(body: str, *, code: int = 0) -> list[dict[str, Any]]:
    """Return the events that a process logs, none of which has the marked word."""
    stdout, written = lines(body, code=code)
    assert (stdout, WORD in "\n".join(written)) == ("", False), written
    return [json.loads(line) for line in written]


def test_json_is_one_object_a_line() -> None:
    """With time, level and what it is bound to; an exception has its class and its places; nothing goes to stdout."""
    finished, crashed = events(OURS)
    assert finished["event"] == "turn.finished"
    assert finished.items() >= {"turn": 7, "outcome": "Reply", "level": "info"}.items()
    assert finished["timestamp"].endswith("Z")
    assert crashed["error_id"] == "abc"
    assert crashed["exception"].splitlines()[0] == "ValueError"
    assert crashed["exception"].splitlines()[-1].endswith(", in fail")


def test_the_console_is_for_people() -> None:
    """The same facts in plain words, without colours."""
    text = "\n".join(lines(OURS, "console")[1])
    assert all(word in text for word in ("turn.finished", "outcome=Reply", "turn=7", "ValueError", "in fail"))
    assert "\x1b" not in text
    assert WORD not in text


def test_no_exception_brings_its_text_along() -> None:
    """Neither do its causes, the members of its groups or its notes; only an error of ours says its sentence."""
    crashed, looped = events(CHAINED)
    shown = crashed["exception"]
    assert "UnicodeEncodeError" in shown
    assert "caused by ExceptionGroup" in shown
    assert "  | Transient: slack: no connection" in shown
    assert "  | caused by ValueError" in shown
    assert "PermissionError (Permission denied)" in shown
    assert looped["exception"] == "ValueError"


def test_a_library_says_where_and_not_what() -> None:
    """Below a warning it is not heard, whatever level it gave itself; of a warning there is the pattern at most."""
    found = events(LIBRARIES)
    assert {event["event"] for event in found} == {"library.logged"}
    assert {event["logger"] for event in found} == {"some.library"}
    assert [event.get("says") for event in found] == [
        "no answer from %s",
        None,
        "OSError (Address already in use)",
        "%d bottles",
        None,
    ]
    assert all(":" in event["at"] for event in found)
    assert found[-1]["exception"].startswith("ValueError\n")


def test_a_line_that_cannot_be_written_is_not_printed() -> None:
    """Logging itself would print the pattern, the values and a traceback."""
    _, written = lines(UNSPEAKABLE)
    assert [line for line in written if "lost" not in line] == []
    assert written[0].endswith("was lost: ValueError")
    assert WORD not in "\n".join(written)


def test_who_logs_goes_on_when_no_line_can_be_written() -> None:
    """Whatever read the log is gone, or its disk is full: a line is lost, and no thread ends with it."""
    reader, writer = os.pipe()
    os.close(reader)
    program = [sys.executable, "-c", PROGRAM.format(form="json", body=GOES_ON)]
    done = subprocess.run(program, stdout=subprocess.PIPE, stderr=writer, text=True, check=False)
    os.close(writer)
    assert done.stdout.split() == ["0", "1", "ended"]


def test_what_ends_by_itself_says_no_more() -> None:
    """A warning, a thread, a destructor, a task that nobody waits for and the program itself."""
    found = events(HOOKS, code=1)
    said = [event["event"] for event in found]
    assert said == ["python.warned", "thread.crashed", "error.ignored", "library.logged", "process.crashed"]
    assert found[1]["thread"] == "reader"
    assert all("ValueError" in event["exception"] for event in found[1:])
