"""`deskhand eval canary`: is the evaluation able to block a bad agent?"""

import json
import sys
from contextlib import closing

import click

from bot.cli.evals import BLOCKED, PASSED, UNKNOWN, eval_group
from bot.cli.root import known, reading_database, settings_to_look_at
from bot.errors import ConfigError, DeskhandError


@eval_group.command("canary")
@click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
@click.option("--workers", default=4, show_default=True, type=click.IntRange(1, 32), help="Cases played at a time.")
@click.option("--whole", is_flag=True, help="Play every case for each sabotage, not only until it is blocked.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, progress on stderr.")
def eval_canary(*, name: str | None, workers: int, whole: bool, as_json: bool) -> None:
    """Play eight sabotaged agents, each of which the evaluation must block for the slice in canary.yaml.

    A sabotage is played where it should hurt first. If that blocks it, all other cases count as passed, which is the
    best that they could do; otherwise they are played, too. No release gets a verdict, and the budget of evaluations
    pays.

    Exit code 0 when all are blocked for the expected reason, 1 when one is not, 2 when that could not be found out.
    """
    try:
        caught = _played(name, workers=workers, whole=whole, as_json=as_json)
    except ConfigError:
        raise
    except (DeskhandError, KeyboardInterrupt) as error:
        why = "it was interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        click.echo(f"deskhand: the canary did not end: {why}", err=True)
        sys.exit(UNKNOWN)
    sys.exit(PASSED if caught else BLOCKED)


def _played(name: str | None, *, workers: int, whole: bool, as_json: bool) -> bool:
    """Play every sabotage and print what came of it; return whether all were caught."""
    from bot import directory
    from bot.agent.runtime import open_meter, open_runtime
    from bot.evals import cases, stage
    from bot.evals.canary import canary_file, matrix, playing, sabotages
    from bot.evals.endpoint import is_standin
    from bot.evals.pacing import Pace

    settings = settings_to_look_at()
    agent = known(settings, name)
    suite = cases.load(agent)
    written = canary_file.read(agent, frozenset(case.slice for case in suite.cases))
    results = []
    with reading_database(settings) as database, closing(open_meter(settings, database)) as meter:
        meter.check()
        runtime = open_runtime(settings, agent, database, directory.connect(database), meter)
        pace = Pace()
        for sabotage in sabotages.all_of(written):
            result = playing.play(
                sabotage,
                suite,
                stage.on_scratch_database(pace.of(runtime)),
                pass_at_least=agent.card.evals.pass_at_least,
                workers=workers,
                whole=whole,
            )
            click.echo(f"{sabotage.kind}: {result.verdict.word}", err=True)
            results.append(result)
        standin = is_standin(settings.anthropic_base_url, settings.network)
    if as_json:
        click.echo(json.dumps(matrix.as_json(results, standin=standin)))
    else:
        click.echo(matrix.as_text(results, standin=standin))
    return all(one.caught for one in results)
