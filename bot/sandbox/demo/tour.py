"""The tour: the whole story without a browser, scene by scene, each with facts that were looked up.

Invariant: a scene is `ok` only when all its checks held; one that fails says what it saw, and the others are still
played.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence

from bot.errors import ConfigError, DeskhandError
from bot.sandbox.demo.launch import RunningDemo, Say
from bot.sandbox.demo.processes import CannotRun
from bot.sandbox.demo.scenes.approving import approval, denied
from bot.sandbox.demo.scenes.asking import out_of_scope, password_reset, unlock
from bot.sandbox.demo.scenes.auditing import audit
from bot.sandbox.demo.scenes.budgets import CAPS, budget_hard, budget_soft, digest
from bot.sandbox.demo.scenes.checks import Json, Unexpected
from bot.sandbox.demo.scenes.drifting import drift
from bot.sandbox.demo.scenes.dying import worker_killed
from bot.sandbox.demo.scenes.giving_back import give_back
from bot.sandbox.demo.scenes.handing_over import claim_race, handoff, reassign, relay, resolve
from bot.sandbox.demo.scenes.looking import dashboard
from bot.sandbox.demo.scenes.proposing import proposed_case
from bot.sandbox.demo.scenes.refusing import stranger
from bot.sandbox.demo.scenes.regressing import regression_blocked
from bot.sandbox.demo.scenes.releasing import not_released
from bot.sandbox.demo.scenes.reporting import agent_cost, agent_eval
from bot.sandbox.demo.scenes.stage import Stage
from bot.sandbox.demo.scenes.surging import surge
from bot.sandbox.demo.scenes.suspending import suspended
from bot.sandbox.demo.scenes.waiting import escalation, expire

__all__ = ["CAPS", "SCENES", "chosen", "play"]

Scene = Callable[[Stage], Json]

SCENES: tuple[Scene, ...] = (
    unlock,
    password_reset,
    out_of_scope,
    handoff,
    claim_race,
    relay,
    reassign,
    resolve,
    proposed_case,
    escalation,
    expire,
    give_back,
    budget_soft,
    budget_hard,
    agent_cost,
    agent_eval,
    dashboard,
    digest,
    worker_killed,
    drift,
    approval,
    denied,
    surge,
    suspended,
    stranger,
    not_released,
    regression_blocked,
    audit,
)


def chosen(names: Sequence[str]) -> tuple[Scene, ...]:
    """Return the scenes with these names, in the order of the story; all of them if no name is given.

    Raises:
        ConfigError: no scene has one of the names.
    """
    known = {scene.__name__: scene for scene in SCENES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"no scene is called {', '.join(unknown)}; known: {', '.join(known)}")
    return tuple(scene for name, scene in known.items() if not names or name in names)


def play(running_demo: RunningDemo, scenes: Sequence[Scene], say: Say, *, as_json: bool) -> int:
    """Play scenes and report each; return 0 if all passed, else 1."""
    stage, results = Stage(running_demo, say), []
    for scene in scenes:
        say(f"\n{scene.__name__}: {(scene.__doc__ or '').splitlines()[0]}")
        result = _played(stage, scene)
        results.append(result)
        if as_json:
            sys.stdout.write(f"{json.dumps(result)}\n")
            sys.stdout.flush()
        say(_shown(result))
    failed = [result["scene"] for result in results if not result["ok"]]
    say(f"\n{len(results) - len(failed)} of {len(results)} scenes passed. {' '.join(failed)}".rstrip())
    return 1 if failed else 0


def _played(stage: Stage, scene: Scene) -> Json:
    """Play one scene; its failure is a result, but the end of the whole demo is raised."""
    began = time.monotonic()
    try:
        found = {"ok": True, **scene(stage)}
    except CannotRun:
        raise
    except (Unexpected, DeskhandError) as error:
        found = {"ok": False, "error": str(error)}
    except (KeyError, IndexError, TypeError) as error:  # an answer has another shape than expected
        found = {"ok": False, "error": f"unreadable: {type(error).__name__}: {error}"}
    return {"scene": scene.__name__, "ms": round((time.monotonic() - began) * 1000), **found}


def _shown(result: Json) -> str:
    facts = {name: value for name, value in result.items() if name not in ("scene", "ok", "error")}
    mark = "ok" if result["ok"] else f"FAILED: {result['error']}"
    lines = [
        f"    {name}: {value if isinstance(value, str | int) else json.dumps(value)}" for name, value in facts.items()
    ]
    return "\n".join([f"  -> {mark}", *lines])
