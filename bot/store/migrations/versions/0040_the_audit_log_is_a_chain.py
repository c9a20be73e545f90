"""audit records are chained, name people by references, and are guarded against every change.

The records of before are chained in the order of their numbers. Their form is that of `bot.audit_chain.canonical`,
which never changes, so this revision uses it instead of a copy.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from secrets import token_bytes
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.audit_chain import canonical

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

BATCH = 1_000
"Records that are in memory at once."
TOLD = 5_000
"After so many records each, the progress is told."
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Change = Callable[[str], str]
SLACK_USER = re.compile(
    r"(?:^|(?<=:))[UW][A-Z0-9]+(?=:|$)"
    r"|(?<![A-Za-z0-9])[UW](?:[A-Z0-9]{8,}|(?=[A-Z]*[0-9])[A-Z0-9]+)(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])D(?=[A-Z]*[0-9])[A-Z0-9]{2,}(?![A-Za-z0-9])"
)
"Slack ids of people, and of direct conversations, each of which is one person's."
BUDGETS = "budget."
"With these words begin the events whose `account` is a budget's key; in all others it is a person's, in the directory."
REFERENCE = re.compile(r"person:[0-9a-f]{64}")
ERASED = "a person who was erased"

AUDIT = sa.table(
    "audit",
    sa.column("seq", _Id),
    sa.column("event", sa.Text()),
    sa.column("actor", sa.Text()),
    sa.column("subject", sa.Text()),
    sa.column("ticket_id", _Id),
    sa.column("intent_id", _Id),
    sa.column("record", sa.JSON(none_as_null=True)),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("digest", sa.LargeBinary()),
)
HEAD = sa.table("audit_head", sa.column("position", _Id), sa.column("hash", sa.LargeBinary()))
PEOPLE = sa.table(
    "audit_people",
    sa.column("reference", sa.Text()),
    sa.column("salt", sa.LargeBinary()),
    sa.column("slack_user", sa.Text()),
)

_STORED = {
    "postgresql": (
        """UPDATE audit SET actor = its.actor, subject = its.subject, record = CAST(its.record AS json),
        digest = decode(its.digest, 'hex')
        FROM json_to_recordset(CAST(:rows AS json))
        AS its (seq bigint, actor text, subject text, record text, digest text)
        WHERE audit.seq = its.seq""",
        """INSERT INTO audit_chain (position, audit_seq, prev, hash)
        SELECT position, audit_seq, decode(prev, 'hex'), decode(hash, 'hex')
        FROM json_to_recordset(CAST(:rows AS json)) AS its (position bigint, audit_seq bigint, prev text, hash text)""",
    ),
    "sqlite": (
        "UPDATE audit SET actor = :actor, subject = :subject, record = :record, digest = :digest WHERE seq = :seq",
        "INSERT INTO audit_chain (position, audit_seq, prev, hash) VALUES (:position, :audit_seq, :prev, :hash)",
    ),
}
"How changed records and their places are stored: by PostgreSQL many with one statement, in half the time."

CHAINED = """CREATE FUNCTION audit_chained() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    last_position bigint;
    last_hash bytea;
    new_hash bytea;
BEGIN
    IF octet_length(NEW.digest) IS DISTINCT FROM 32 THEN
        RAISE EXCEPTION USING MESSAGE = 'audit: a record without a digest is not chained',
            ERRCODE = 'not_null_violation', CONSTRAINT = 'audit_record_has_a_digest';
    END IF;
    SELECT position, hash INTO last_position, last_hash FROM audit_head FOR UPDATE;
    IF last_position IS NULL THEN
        RAISE EXCEPTION USING MESSAGE = 'audit: the chain has no head', ERRCODE = 'not_null_violation',
            CONSTRAINT = 'audit_chain_has_a_head';
    END IF;
    new_hash := sha256(
        convert_to('audit-v1', 'UTF8') || decode('00', 'hex') || convert_to((last_position + 1)::text, 'UTF8')
        || decode('00', 'hex') || last_hash || NEW.digest
    );
    INSERT INTO audit_chain (position, audit_seq, prev, hash) VALUES (last_position + 1, NEW.seq, last_hash, new_hash);
    UPDATE audit_head SET position = last_position + 1, hash = new_hash;
    RETURN NULL;
END $$"""
OWN_PATH = """DO $$ BEGIN
    EXECUTE 'ALTER FUNCTION audit_chained() SET search_path = ' || quote_ident(current_schema()) || ', pg_temp';
END $$"""
REFUSED = """CREATE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'audit: records are only ever added: ' || TG_OP || ' of ' || TG_TABLE_NAME,
        ERRCODE = 'insufficient_privilege', CONSTRAINT = 'audit_is_only_added_to';
END $$"""


def _refuse(table: str, acts: str, when: str = "") -> tuple[str, str]:
    """Return PostgreSQL's triggers that refuse statements about single rows, and the one about all of them."""
    return (
        f"CREATE TRIGGER audit_kept BEFORE {acts} ON {table} FOR EACH ROW {when}EXECUTE FUNCTION audit_refused()",
        f"CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON {table} EXECUTE FUNCTION audit_refused()",
    )


NOT_CHAINING = "WHEN (pg_trigger_depth() < 1) "
POSTGRESQL = {
    "audit_head": (
        REFUSED,
        """INSERT INTO audit_head (place, chain, position, hash)
        VALUES (1, replace(gen_random_uuid()::text, '-', ''), 0, decode(repeat('00', 32), 'hex'))""",
        *_refuse("audit_head", "INSERT OR UPDATE OR DELETE", NOT_CHAINING),
    ),
    "audit_chain": (
        *_refuse("audit_chain", "UPDATE OR DELETE"),
        f"""CREATE TRIGGER audit_chain_only BEFORE INSERT ON audit_chain FOR EACH ROW
        {NOT_CHAINING}EXECUTE FUNCTION audit_refused()""",
    ),
    "audit_people": _refuse("audit_people", "UPDATE"),
    "audit": (
        CHAINED,
        OWN_PATH,
        "REVOKE ALL ON FUNCTION audit_chained() FROM PUBLIC",
        """CREATE CONSTRAINT TRIGGER audit_chained AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION audit_chained()""",
        *_refuse("audit", "UPDATE OR DELETE"),
    ),
}


def _raise(name: str, act: str, table: str, when: str = "") -> str:
    """Return SQLite's trigger that refuses a statement."""
    refused = f"SELECT RAISE(ABORT, 'audit: records are only ever added: {act} of {table}')"
    return f"CREATE TRIGGER {table}_{name} BEFORE {act} ON {table} {when}BEGIN {refused}; END"


def _replaces(table: str, *keys: str) -> str:
    same = " OR ".join(f"{key} = NEW.{key}" for key in keys)
    return f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "  # noqa: S608 - our own names


SQLITE = {
    "audit_head": (
        """INSERT INTO audit_head (place, chain, position, hash)
        VALUES (1, lower(hex(randomblob(16))), 0, zeroblob(32))""",
        _raise("not_replaced", "INSERT", "audit_head"),
        _raise("kept", "DELETE", "audit_head"),
    ),
    "audit_chain": (
        _raise("not_replaced", "INSERT", "audit_chain", _replaces("audit_chain", "position", "audit_seq", "prev")),
        _raise("not_changed", "UPDATE", "audit_chain"),
        _raise("kept", "DELETE", "audit_chain"),
    ),
    "audit_people": (
        _raise("not_replaced", "INSERT", "audit_people", _replaces("audit_people", "reference")),
        _raise("not_changed", "UPDATE", "audit_people"),
    ),
    "audit": (
        """CREATE TRIGGER audit_chained AFTER INSERT ON audit BEGIN
        SELECT RAISE(ABORT, 'audit: a record without a digest is not chained') WHERE length(NEW.digest) IS NOT 32;
        SELECT RAISE(ABORT, 'audit: the chain has no head') WHERE NOT EXISTS (SELECT 1 FROM audit_head);
        INSERT INTO audit_chain (position, audit_seq, prev, hash)
            SELECT position + 1, NEW.seq, hash, audit_hash(position + 1, hash, NEW.digest) FROM audit_head;
        UPDATE audit_head SET position = position + 1,
            hash = (SELECT hash FROM audit_chain WHERE position = audit_head.position + 1);
        END""",
        _raise("not_replaced", "INSERT", "audit", _replaces("audit", "seq", "intent_id")),
        _raise("not_changed", "UPDATE", "audit"),
        _raise("kept", "DELETE", "audit"),
    ),
}
"Each of them as at this revision, by table."


def upgrade() -> None:
    op.add_column("audit", sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.create_table(
        "audit_chain",
        sa.Column("position", _Id, autoincrement=False, nullable=False),
        sa.Column("audit_seq", _Id, nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("audit_seq", name=op.f("uq_audit_chain_audit_seq")),
        sa.UniqueConstraint("prev", name=op.f("uq_audit_chain_prev")),
    )
    op.create_table(
        "audit_head",
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("position", _Id, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("place = 1", name=op.f("ck_audit_head_one")),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_people",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("slack_user", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_audit_people")),
    )
    op.create_index(op.f("ix_audit_people_slack_user"), "audit_people", ["slack_user"])
    connection = op.get_bind()
    guards = POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE
    head, last = _chain(connection)
    for statements in guards.values():  # the head comes first, and is filled before a trigger refuses it
        for statement in statements:
            op.execute(statement)
            if statement.startswith("INSERT INTO audit_head"):
                connection.execute(sa.update(HEAD).values(position=head, hash=last))


def downgrade() -> None:
    """Put the ids of people back, except of those who were erased; the chain is gone."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_chained() CASCADE")
        op.execute("DROP FUNCTION audit_refused() CASCADE")
    else:
        for trigger in ("chained", "not_replaced", "not_changed", "kept"):
            op.execute(f"DROP TRIGGER audit_{trigger}")
    users = dict[str, str](tuple(row) for row in connection.execute(sa.select(PEOPLE.c.reference, PEOPLE.c.slack_user)))

    def name(text: str) -> str:
        return REFERENCE.sub(lambda it: users.get(it[0], ERASED), text)

    for batch in _changes(connection, name, name):
        _store(connection, batch, [])
    for table in ("audit_people", "audit_chain", "audit_head"):
        op.drop_table(table)
    op.drop_column("audit", "digest")


def _chain(connection: sa.Connection) -> tuple[int, bytes]:
    """Chain the records that there are, and return position and hash of the last."""
    position, last = 0, canonical.BEFORE_THE_FIRST
    records = connection.scalar(sa.select(sa.func.count()).select_from(AUDIT))
    known: dict[str, str] = {}

    def reference(word: str) -> str:
        if word not in known:
            salt = token_bytes(16)
            known[word] = "person:" + hashlib.sha256(salt + word.encode()).hexdigest()
            connection.execute(sa.insert(PEOPLE).values(reference=known[word], salt=salt, slack_user=word))
        return known[word]

    for batch in _changes(connection, lambda text: SLACK_USER.sub(lambda it: reference(it[0]), text), reference):
        links = []
        for row in batch:
            record = {name: row[name] for name in canonical.NAMES}
            row["digest"] = canonical.digest_of(canonical.record_of(**record))
            position, prev = position + 1, last
            last = canonical.hash_of(position, prev, row["digest"])
            links.append({"position": position, "audit_seq": row["seq"], "prev": prev, "hash": last})
        _store(connection, batch, links)
        if position % TOLD == 0:
            sys.stderr.write(f"audit: {position:,} of {records:,} records are chained\n")
    return position, last


def _changes(connection: sa.Connection, change: _Change, change_account: _Change) -> Iterator[list[dict[str, Any]]]:
    """Yield the records, batch by batch in order, with each text changed.

    Args:
        connection: the database.
        change: changes a text.
        change_account: changes the id of an account in the directory, which has no form by which it is found.
    """
    query, after = sa.select(*(column for column in AUDIT.c if column.name != "digest")).order_by(AUDIT.c.seq), 0
    while rows := connection.execute(query.where(AUDIT.c.seq > after).limit(BATCH)).mappings().all():
        yield [_changed(row, change, change_account) for row in rows]
        after = rows[-1]["seq"]


def _changed(row: Mapping[str, Any], change: _Change, change_account: _Change) -> dict[str, Any]:
    at = row["at"].replace(tzinfo=UTC) if row["at"].tzinfo is None else row["at"]
    texts = {name: _each_text(row[name], change) for name in ("actor", "subject", "record")}
    account = row["record"].get("account")
    if account is not None and not row["event"].startswith(BUDGETS):
        texts["record"]["account"] = change_account(account)
    return {**row, **texts, "at": at, "digest": None}


def _store(connection: sa.Connection, changed: list[dict[str, Any]], links: list[dict[str, Any]]) -> None:
    """Store changed records, their JSON as its canonical text, and the places that they have in the chain."""
    names = ("seq", "actor", "subject", "digest")
    rows = [
        {**{name: row[name] for name in names}, "record": canonical.bytes_of(row["record"]).decode()} for row in changed
    ]
    for statement, many in zip(_STORED[connection.dialect.name], (rows, links), strict=True):
        if many and connection.dialect.name == "postgresql":
            connection.execute(sa.text(statement), {"rows": json.dumps(many, default=bytes.hex)})
        elif many:
            connection.execute(sa.text(statement), many)


def _each_text(value: Any, change: _Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _each_text(one, change) for key, one in value.items()}
    if isinstance(value, list):
        return [_each_text(one, change) for one in value]
    return str(value) if isinstance(value, int) and abs(value) > canonical.LARGEST else value
