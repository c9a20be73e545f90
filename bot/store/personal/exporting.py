"""Everything about one person as one document of JSON, table by table of the inventory; secrets are left out."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, false, or_, select
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.audit.people import references
from bot.store.personal import rewriting_rows
from bot.store.personal.inventory import TABLES
from bot.store.personal.kinds_of_data import DataKind, Kept
from bot.store.personal.rewriting_rows import table_of
from bot.store.personal.whose import Whose
from bot.store.schema import AuditRow


def export(session: Session, whose: Whose) -> dict[str, Any]:
    """Return what is stored of a person: rows that are theirs, name them or belong to their tickets.

    Args:
        session: the open transaction.
        whose: the person.

    Returns:
        `person`, and `tables`: of each table how long it is kept, and its rows by column; times as ISO 8601.
    """
    tables = {}
    for name, data in TABLES.items():
        if data.kept is Kept.NOTHING:
            continue
        columns = table_of(name).c
        searched = data.of_kind(DataKind.PERSON, DataKind.ACCOUNT, DataKind.PLACE, DataKind.WORDS, DataKind.MENTION)
        theirs = [rewriting_rows.of_tickets(name, data, whose.tickets)]
        if name != "file_texts":  # a card is the agent's
            theirs.append(rewriting_rows.naming(name, searched, (whose.user, *whose.naming.direct)))
        theirs += [columns[one].in_(whose.accounts) for one in ("account", "account_id") if one in columns]
        if name == "accounts":
            theirs.append(columns.id.in_(whose.accounts))
        rows = rewriting_rows.read(session, name, or_(*theirs))
        shown = [one for one, kind in data.columns().items() if kind is not DataKind.PROOF]
        tables[name] = {
            "kept": str(data.kept),
            "rows": [{one: _plain(row[one]) for one in shown} for row in rows],
        }
    tables["audit"] = {"kept": str(Kept.AUDIT), "rows": _records(session, whose)}
    return {"person": whose.user, "tables": tables}


def _records(session: Session, whose: Whose) -> list[dict[str, Any]]:
    """Return the records of the audit log that name a person, with their id in place of their references."""
    referred = [
        one for text in (whose.user, *whose.naming.direct, *whose.accounts) for one in references(session, text)
    ]
    columns = (AuditRow.actor, AuditRow.subject, AuditRow.record)
    named = or_(false(), *(cast(column, Text).contains(one) for column in columns for one in referred))
    rows = session.scalars(select(AuditRow).where(named).order_by(AuditRow.seq)).all()
    return [{key: _plain(value) for key, value in asdict(one).items()} for one in audit.named(session, rows)]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
