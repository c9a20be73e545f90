"""Seals on rows that nothing may change any more, set in the trial's own database.

PostgreSQL itself writes down each breach in `chaos.breaches`, whoever commits it and however short it stands:
a done turn, a finished step, settled money and an audit row are for ever; what Slack has posted does not come
back to be said. One change of a step is lawful: words of its ticket that were deleted or edited in Slack are taken out,
and nothing else of it changes.
"""

_WATCH = """
CREATE FUNCTION chaos.{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT ({lawful}) THEN
    INSERT INTO chaos.breaches (seal, row, was, became) VALUES ('{name}', {row}, {was}, {became});
  END IF;
  RETURN NEW;
END $$
"""
_SEAL = """
CREATE TRIGGER chaos_{name} AFTER UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION chaos.{name}()
"""
_SAID = """
CREATE FUNCTION chaos.said(message inbox_events) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT jsonb_array_elements(message.detail::jsonb -> 'quoted') ->> 'text'
  UNION SELECT jsonb_array_elements(message.files::jsonb) ->> 'name'
$$
"""
"What came with a message."
_DELETED = r"""
CREATE FUNCTION chaos.deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO chaos.deleted
  SELECT
    OLD.ticket_id, txid_current(), regexp_replace(to_jsonb(words)::text, '^"|"$', '', 'g'), NEW.state = 'withdrawn',
    CASE WHEN NEW.state <> 'withdrawn' AND words = OLD.text THEN '(edited)' ELSE '(deleted)' END
  FROM (
    SELECT * FROM chaos.said(OLD) UNION SELECT OLD.text EXCEPT (
      SELECT * FROM chaos.said(NEW) WHERE NEW.state <> 'withdrawn'
      UNION SELECT NEW.text WHERE NEW.state <> 'withdrawn'
    )
  ) AS gone (words);
  RETURN NEW;
END $$
"""
_WITHOUT = r"""
CREATE FUNCTION chaos.without(step jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  gone record;
  said text;
BEGIN
  FOR gone IN
    SELECT words, whole, instead FROM chaos.deleted JOIN turns USING (ticket_id)
    WHERE turns.id = (step -> 'turn_id')::int AND at = txid_current() ORDER BY length(words) DESC
  LOOP
    IF gone.whole THEN
      step := jsonb_set(step, '{request,messages}', '[]', false);
    END IF;
    CONTINUE WHEN gone.words = '';
    said := regexp_replace(gone.words, '([^\w\s])', '\\\1', 'g');
    said := regexp_replace(said, '((\\[.!?])*)$', '(\1)?');
    step := regexp_replace(step::text, said, gone.instead, 'gi')::jsonb;
  END LOOP;
  RETURN step;
END $$
"""
"""A step without what this very transaction takes away: deleted words, with the mark at their end or not, and then the
whole prompt; and edited words."""


def _sealed(name: str, table: str, *, row: str, when: str, shows: str, lawful: str = "false") -> tuple[str, str]:
    was, became = (f"concat_ws(' ', {', '.join(f'{side}.{one}' for one in shows.split())})" for side in ("OLD", "NEW"))
    return (
        _WATCH.format(name=name, row=f"OLD.{row}::text", was=was, became=became, lawful=lawful),
        _SEAL.format(name=name, table=table, when=when),
    )


SEALS = (
    "CREATE SCHEMA chaos",
    """
    CREATE TABLE chaos.breaches (
      id serial PRIMARY KEY, seal text, row text, was text, became text, at timestamptz DEFAULT clock_timestamp()
    )
    """,
    "CREATE TABLE chaos.deleted (ticket_id bigint, at bigint, words text, whole boolean, instead text)",
    _SAID,
    _DELETED,
    _WITHOUT,
    """
    CREATE TRIGGER chaos_deleted AFTER UPDATE ON inbox_events FOR EACH ROW
    WHEN (OLD.state <> 'withdrawn' AND (NEW.state = 'withdrawn' OR OLD.text <> NEW.text
      OR OLD.detail::text <> NEW.detail::text OR OLD.files::text <> NEW.files::text)) EXECUTE FUNCTION chaos.deleted()
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
        lawful="chaos.without(to_jsonb(NEW)) = chaos.without(to_jsonb(OLD))",
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
