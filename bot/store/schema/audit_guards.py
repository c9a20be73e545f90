"""The triggers of the audit log: the database itself chains each record, and refuses every change of one.

Were it left to the code that appends, a process of an older version, as there are in every upgrade without a gap, would
append records outside the chain without a word (docs/decisions/0049).

On PostgreSQL a record is chained when its transaction commits. So the lock on the head is the last one that a
transaction takes, and it is held only while the server commits. The function has the rights of the tables' owner: a
role that may only INSERT into `audit` can append, and cannot touch the chain.

On SQLite the product's connections bring the hash (`bot.store.sql.audit_guard`); others cannot append. A REPLACE
deletes rows without their DELETE trigger, so an INSERT is refused that would replace one.
"""

from sqlalchemy import DDL, event

from bot.store.schema.audit import AuditHead, AuditLink, AuditPerson, AuditRow

_CHAINED = """CREATE FUNCTION audit_chained() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
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
_OWN_PATH = """DO $$ BEGIN
    EXECUTE 'ALTER FUNCTION audit_chained() SET search_path = ' || quote_ident(current_schema()) || ', pg_temp';
END $$"""
"Whoever appends could otherwise have the owner's rights used on a temporary table called audit_head."
_REFUSED = """CREATE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS $$
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


_NOT_CHAINING = "WHEN (pg_trigger_depth() < 1) "
"The statement is somebody's own, and not one of the trigger that chains."
_POSTGRESQL = {
    AuditHead: (
        _REFUSED,
        """INSERT INTO audit_head (place, chain, position, hash)
        VALUES (1, replace(gen_random_uuid()::text, '-', ''), 0, decode(repeat('00', 32), 'hex'))""",
        *_refuse("audit_head", "INSERT OR UPDATE OR DELETE", _NOT_CHAINING),
    ),
    AuditLink: (
        *_refuse("audit_chain", "UPDATE OR DELETE"),
        f"""CREATE TRIGGER audit_chain_only BEFORE INSERT ON audit_chain FOR EACH ROW
        {_NOT_CHAINING}EXECUTE FUNCTION audit_refused()""",
    ),
    AuditPerson: _refuse("audit_people", "UPDATE"),
    AuditRow: (
        _CHAINED,
        _OWN_PATH,
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


_SQLITE = {
    AuditHead: (
        """INSERT INTO audit_head (place, chain, position, hash)
        VALUES (1, lower(hex(randomblob(16))), 0, zeroblob(32))""",
        _raise("not_replaced", "INSERT", "audit_head"),
        _raise("kept", "DELETE", "audit_head"),
    ),
    AuditLink: (
        _raise("not_replaced", "INSERT", "audit_chain", _replaces("audit_chain", "position", "audit_seq", "prev")),
        _raise("not_changed", "UPDATE", "audit_chain"),
        _raise("kept", "DELETE", "audit_chain"),
    ),
    AuditPerson: (
        _raise("not_replaced", "INSERT", "audit_people", _replaces("audit_people", "reference")),
        _raise("not_changed", "UPDATE", "audit_people"),
    ),
    AuditRow: (
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
AUDIT_GUARDS = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
"By dialect and table, what is made with the table: its triggers, and the head of a new chain."

for _dialect, _tables in AUDIT_GUARDS.items():
    for _table, _statements in _tables.items():
        for _statement in _statements:
            event.listen(_table.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
