"""Seals on rows that nothing may change any more, set in the trial's own database.

PostgreSQL itself writes down each breach in `chaos_breaches`, whoever commits it and however short it stands:
a done turn, a finished step, settled money and an audit row are for ever; what Slack has posted does not come
back to be said.
"""

_WATCH = """
CREATE FUNCTION chaos_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO chaos_breaches (seal, row, was, became) VALUES ('{name}', {row}, {was}, {became});
  RETURN NEW;
END $$
"""
_SEAL = """
CREATE TRIGGER chaos_{name} AFTER UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION chaos_{name}()
"""


def _sealed(name: str, table: str, *, row: str, when: str, shows: str) -> tuple[str, str]:
    was, became = (f"concat_ws(' ', {', '.join(f'{side}.{one}' for one in shows.split())})" for side in ("OLD", "NEW"))
    return (
        _WATCH.format(name=name, row=f"OLD.{row}::text", was=was, became=became),
        _SEAL.format(name=name, table=table, when=when),
    )


SEALS = (
    """
    CREATE TABLE chaos_breaches (
      id serial PRIMARY KEY, seal text, row text, was text, became text, at timestamptz DEFAULT clock_timestamp()
    )
    """,
    *_sealed(
        "turn_done",
        "turns",
        row="id",
        when="OLD.state = 'done' AND (NEW.state, NEW.outcome, NEW.finished_at, NEW.attempt) IS DISTINCT FROM "
        "(OLD.state, OLD.outcome, OLD.finished_at, OLD.attempt)",
        shows="state outcome attempt finished_at",
    ),
    *_sealed(
        "step_finished",
        "steps",
        row="id",
        when="OLD.response IS NOT NULL",
        shows="turn_id seq name status attempt finished_at",
    ),
    *_sealed("money_settled", "ledger", row="rid", when="OLD.state <> 'sent'", shows="state cost_nusd settled_at"),
    *_sealed("audit_written", "audit", row="seq", when="true", shows="event intent_id"),
    *_sealed(
        "message_posted",
        "messages",
        row="key",
        when="OLD.state = 'posted' AND NEW.state IN ('stored', 'sending')",
        shows="state ts attempts revision",
    ),
)
