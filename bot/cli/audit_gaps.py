"""The command that finds acts without a record, and records without an act."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from bot.cli.audit import audit_group
from bot.cli.root import reading_database, settings_to_look_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.store.audit.gaps import Gap

SHOWN = 50
"Gaps that are listed for people; programs get all."


@audit_group.command("gaps")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only what was done since, UTC.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, progress on stderr.")
def audit_gaps(*, since: datetime | None, as_json: bool) -> None:
    """Find acts without a record, and records without an act.

    Writes to accounts, changes of the directory, model calls, approvals, handoffs and messages are joined with the
    audit log. What was done in the last two minutes is left out: its partner may still come. Exit code 0: there is no
    gap; 1: there are gaps; 2: the database cannot be looked at, or nothing done since then would be.
    """
    found, looks = _found(since)
    click.echo(json.dumps(_as_json(found, looks)) if as_json else _as_text(found, looks))
    sys.exit(1 if found else 0)


def _found(since: datetime | None) -> "tuple[Sequence[Gap], int]":
    """Return the gaps, and how many kinds were looked for.

    Raises:
        click.BadParameter: what was done since is too new to be looked at, so that no gap could be found.
    """
    from datetime import UTC

    from bot.store.audit import gaps
    from bot.store.money import spending
    from bot.store.schema import now

    done: list[gaps.GapKind] = []

    def seen(kind: gaps.GapKind) -> None:
        done.append(kind)
        if sys.stderr.isatty():
            click.echo(f"\r{len(done)} of {len(gaps.LOOKS)} looked for ", err=True, nl=len(done) == len(gaps.LOOKS))

    at, first = now(), None if since is None else since.replace(tzinfo=UTC)
    if first is not None and first > at - gaps.GRACE:  # as when it is a local time: "no gap" would prove nothing
        raise click.BadParameter(
            f"expected a time in UTC that is over {gaps.GRACE.total_seconds() / 60:.0f} minutes ago, found {since}",
            param_hint="--since",
        )
    with reading_database(settings_to_look_at()) as database, database.read() as session:
        spending.at_one_moment(session)
        return gaps.find(session, at=at, since=first, seen=seen), len(done) or len(gaps.LOOKS)


def _as_json(found: "Sequence[Gap]", looks: int) -> dict[str, object]:
    rows = [
        {"kind": one.kind, "what": one.what, "at": one.at.isoformat(), "ticket": one.ticket_id, "means": one.kind.means}
        for one in found
    ]
    return {"gaps": len(found), "kinds_looked_for": looks, "found": rows}


def _as_text(found: "Sequence[Gap]", looks: int) -> str:
    if not found:
        return f"No gap: {looks} kinds were looked for."
    lines = [f"{one.at:%Y-%m-%d %H:%M:%S}  {_of(one)}{one.what}: {one.kind.means}" for one in found[:SHOWN]]
    more = len(found) - len(lines)
    return "\n".join([f"Gaps: {len(found)}", *lines, *([f"... and {more} more: --json lists all."] if more else [])])


def _of(gap: "Gap") -> str:
    return "" if gap.ticket_id is None else f"ticket {gap.ticket_id}, "
