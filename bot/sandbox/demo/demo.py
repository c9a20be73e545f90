"""`deskhand demo`: the whole product on one machine, for a visitor or as a tour that plays itself.

A visitor's workspace is kept in `.deskhand/demo/` until `--fresh`. The tour has a folder of its own: it starts with
every account locked again, and the stand-in always answers it, so it costs nothing. An installation keeps its database
elsewhere (`bot.sandbox.demo.folder`).
"""

import signal
import sys
from pathlib import Path

from bot.errors import ConfigError
from bot.sandbox.demo import folder
from bot.sandbox.demo.launch import CLAUDE, STANDIN, LaunchOptions, start
from bot.sandbox.demo.processes import CannotRun, free_port
from bot.sandbox.demo.tour import CAPS, chosen, play
from bot.settings import Settings

TOUR = Path(".deskhand/demo-tour")
CONFIG = Path("config")
PAGE_PORT = 8765
"Used when it is free, so that the page's address stays the same from day to day."
MODEL_SECONDS = 0.3
ENDED = 130
"The exit code when Ctrl-C ends the demo."


def run(
    *,
    fresh: bool = False,
    tour: bool = False,
    as_json: bool = False,
    port: int | None = None,
    scenes: tuple[str, ...] = (),
    model_seconds: float | None = None,
) -> int:
    """Run the demo until Ctrl-C, or play the tour; return the exit code.

    Args:
        fresh: delete what an earlier demo kept.
        tour: play the scenes instead of waiting for a visitor.
        as_json: print one JSON object per scene on stdout, and everything else on stderr.
        port: the page's port; a free one by default.
        scenes: the scenes of the tour to play; all by default.
        model_seconds: how many seconds an answer of the stand-in takes.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # end as on Ctrl-C
    say = _say_on_stderr if as_json else _say
    seconds = MODEL_SECONDS if model_seconds is None else model_seconds
    try:
        if tour:
            names, page = chosen(scenes), free_port(port)
            options = LaunchOptions(TOUR, CONFIG, page, model_seconds=seconds, fresh=True, caps=CAPS)
            with start(options, say) as running_demo:
                return play(running_demo, names, say, as_json=as_json)
        page = free_port(port, preferred=PAGE_PORT)
        claude = Settings.from_environment(reaches_others=False).has("ANTHROPIC_API_KEY")
        with start(
            LaunchOptions(folder.STATE, CONFIG, page, claude=claude, model_seconds=seconds, fresh=fresh), say
        ) as running_demo:
            say(welcome(running_demo.entry_url, claude=claude))
            running_demo.supervisor.watch()
    except KeyboardInterrupt:
        say("\nEnded.")
        return ENDED if tour else 0
    except (CannotRun, ConfigError) as error:
        sys.stderr.write(f"deskhand demo: {error}\n")
    except OSError as error:
        sys.stderr.write(f"deskhand demo: {error.filename or folder.STATE}: {error.strerror or error}\n")
    return 1


def welcome(page: str, *, claude: bool) -> str:
    """Return what a visitor reads once everything is up."""
    who = CLAUDE if claude else f"{STANDIN} (With ANTHROPIC_API_KEY set, Claude does.)"
    return f"""
Deskhand is up:  {page}

  {who}
  Choose who you are on the left of the page, and try:

  as Maya    in #help-access    I'm locked out of my account
  as Lena    in #help-access    I lost my phone and can't get my code
  as Priya   in #access-queue   press Claim on Lena's card, then Reply, then Resolve
  as Olivia  anywhere           /agent-cost or /agent-eval, then press Open the dashboard

    Everything is kept in {folder.STATE}/ (logs in {folder.STATE}/logs/); --fresh deletes it. Ctrl-C ends the demo.
"""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say_on_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
