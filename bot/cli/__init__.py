"""The `deskhand` command: wires processes and answers operators.

Each command imports only the modules it needs, and only when it runs: a worker, which replaces this process, must not
wait for the imports of others.
"""

import io
import sys

import click

from bot import logs, private
from bot.cli import (
    agents,
    approvers,
    audit,
    audit_checkpoint,
    audit_explain,
    audit_export,
    audit_gaps,
    audit_seal,
    audit_verify,
    canary,
    checks,
    eval_judge,
    eval_promote,
    eval_proposals,
    eval_views,
    evals,
    init,
    keys,
    log_events,
    money,
    person,
    policy,
    processes,
    releases,
    tickets,
)
from bot.cli.root import cli
from bot.errors import ConfigError, DeskhandError, Transient

__all__ = [
    "agents",
    "approvers",
    "audit",
    "audit_checkpoint",
    "audit_explain",
    "audit_export",
    "audit_gaps",
    "audit_seal",
    "audit_verify",
    "canary",
    "checks",
    "cli",
    "eval_judge",
    "eval_promote",
    "eval_proposals",
    "eval_views",
    "evals",
    "init",
    "keys",
    "log_events",
    "main",
    "money",
    "person",
    "policy",
    "processes",
    "releases",
    "tickets",
]


_ADDRESSES = {"database": "DATABASE_URL", "redis": "REDIS_URL"}
"What an error of one of these begins with, and the variable that says where it is."
_NOT_REACHED = ("ConnectionError", "TimeoutError", "connection refused", "cannot be resolved", "no answer in time")
"What such an error says when nothing answers there; with another, as of a full disk, the address is right."


def main() -> None:
    """Run the command line; an error is printed as one clear sentence, with exit code 1 or 2."""
    if sys.stdin is None:  # closed by what has started us
        sys.stdin = io.StringIO()
    private.keep_to_ourselves()
    logs.guard()
    try:
        _refuse_what_is_no_text()
        cli.main(prog_name="deskhand", standalone_mode=True)
    except ConfigError as error:
        click.echo(f"deskhand: {error}", err=True)
        sys.exit(2)
    except DeskhandError as error:
        click.echo(f"deskhand: {with_advice(error)}", err=True)
        sys.exit(1)


def with_advice(error: DeskhandError) -> str:
    """Return what an error says, and what to do if the database or Redis is not there."""
    said = str(error)
    address = _ADDRESSES.get(said.partition(":")[0])
    not_there = isinstance(error, Transient) and any(words in said for words in _NOT_REACHED)
    return f"{said}. Start it, or correct {address}." if address and not_there else said


def _refuse_what_is_no_text() -> None:
    """Refuse arguments that no database, Slack or JSON could take.

    Raises:
        ConfigError: the bytes of one are not UTF-8, for which Python has lone surrogates.
    """
    for number, one in enumerate(sys.argv[1:], start=1):
        try:
            one.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(f"argument {number} is not text in UTF-8: type it anew") from error
