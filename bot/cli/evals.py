"""The commands of evaluations: run one, look at those that were, and export them."""

import json
import os
from pathlib import Path

import click

from bot.cli import root
from bot.cli.root import ROW, cli, reading_database, settings_to_look_at
from bot.errors import ConfigError

PASSED, BLOCKED, UNKNOWN = 0, 1, 2
"Exit codes of commands that judge; `jobs.evaluation` has one more."


@cli.group("eval")
def eval_group() -> None:
    """Find out whether a release still does its job."""


@eval_group.command("run")
@click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
@click.option(
    "--repeats",
    type=click.IntRange(1, 20),
    help="Plays of each case; without it 2, 4 or 6, for as long as the result is open.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 32),
    default=lambda: min(8, os.cpu_count() or 1),
    show_default="one for each core, at most 8",
    help="Processes that play, each up to sixteen cases at a time and fewer when the model asks to wait.",
)
@click.option("--slice", "slices", multiple=True, help="Only the cases of this slice; then there is no verdict.")
@click.option("--case", "cases", multiple=True, help="Only the case of this id; then there is no verdict.")
@click.option("--fresh", is_flag=True, help="Start a new run, even if an interrupted one could be continued.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line of stdout, progress on stderr.")
def eval_run(
    *,
    name: str | None,
    repeats: int | None,
    workers: int,
    slices: tuple[str, ...],
    cases: tuple[str, ...],
    fresh: bool,
    as_json: bool,
) -> None:
    """Play the agent's cases through the production loop on private directories, and give its release a verdict.

    A run that was interrupted goes on where it was, without playing a finished case again.

    Exit code 0 when it passes, 1 when it is blocked, 3 when the result is inconclusive, and 2 when it was not run:
    nothing, too little, or only outages were played, which says nothing about the release.
    """
    options = [*_of(name), f"--workers={workers}"]
    options += [] if repeats is None else [f"--repeats={repeats}"]
    options += [f"--slice={one}" for one in slices] + [f"--case={one}" for one in cases]
    options += ["--fresh"] * fresh + ["--json"] * as_json
    root.become("jobs.evaluate", *options)


@eval_group.command("probe")
@click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line of stdout, progress on stderr.")
def eval_probe(*, name: str | None, as_json: bool) -> None:
    """Play the pinned probe cases of what is served now, as the clock does twice a day; the verdict stays as it is.

    Exit code 0 when they do not show the release to be worse than in its own evaluation, 1 when they do, and 2 when
    they were not played to the end.
    """
    root.become("jobs.evaluate", *_of(name), "--workers=1", "--probes", *["--json"] * as_json)


def _of(agent: str | None) -> list[str]:
    """Return the option that names an agent; what is wrong with it is found by the process that plays.

    To read the settings, cards and tables here would load half of its modules once more, which takes a second.
    """
    return [] if agent is None else [f"--agent={agent}"]


@eval_group.command("runs")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def eval_runs_command(*, last: int, as_json: bool) -> None:
    """List the evaluations that were run, newest first."""
    from bot.evals import report
    from bot.store.releases import run_plays

    with reading_database(settings_to_look_at()) as database, database.read() as session:
        found = run_plays.newest(session, at_most=last)
    if as_json:
        click.echo(json.dumps({"runs": [report.run_as_json(run) for run in found]}))
    else:
        click.echo(report.runs_as_text(found))


@eval_group.command("show")
@click.argument("run", type=ROW)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def eval_show(*, run: int, as_json: bool) -> None:
    """Show what became of a RUN: each slice, each failing case with what was said, and the verdict with its reasons."""
    from bot.evals import report, runner

    with reading_database(settings_to_look_at()) as database, database.read() as session:
        try:
            found = runner.report_of(session, run)
        except LookupError as error:
            raise ConfigError(f"database: {error}") from error
    click.echo(json.dumps(report.as_json(found)) if as_json else report.as_text(found))


@eval_group.command("export")
@click.argument("run", type=ROW)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "inspect"]),
    default="jsonl",
    show_default=True,
    help="One JSON object a play, or a log for inspect-ai.",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the file, which is named by its date; stdout without it.",
)
def eval_export(*, run: int, form: str, folder: Path | None) -> None:
    """Export a RUN with all of its plays, for other tools."""
    from bot import private
    from bot.evals import export, runner
    from bot.store.releases import releases, run_plays

    with reading_database(settings_to_look_at()) as database, database.read() as session:
        row = run_plays.get(session, run)
        if row is None:
            raise ConfigError(f"database: no run {run}; `deskhand eval runs` lists them")
        report = runner.report_of(session, run)
        release = releases.get(session, row.release)
    model = str(release.body.get("model", "unknown")) if release is not None else "unknown"
    inspect = form == "inspect"
    text = json.dumps(export.as_inspect(report, row, model=model)) if inspect else "\n".join(export.as_jsonl(report))
    if folder is None:
        click.echo(text)
        return
    file = (folder / export.file_name(row)).with_suffix(".json" if inspect else ".jsonl")
    try:
        private.folder(folder)
        private.put(file, [f"{text}\n".encode()])
    except OSError as error:
        raise ConfigError(f"{file}: the export cannot be written: {error.strerror}") from error
    click.echo(str(file))
