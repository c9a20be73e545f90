"""Lets the day of a thumb be counted anew when the thumb changes, in the database itself.

What is added up of a day holds the thumb as it was. Were it left to the code that changes thumbs, a process of an older
version, as there are in every upgrade without a gap, would change one without a word, and the thumb would count twice:
on the day on which it was given, and on the day on which it was changed.
"""

from sqlalchemy import DDL, event

from bot.store.schema.tickets import Feedback

# Counts are changed by one transaction at a time, as in `bot.store.tickets.recounts`.
_POSTGRESQL = (
    """CREATE FUNCTION recount_thumbs() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        LOCK TABLE figure_counts IN SHARE ROW EXCLUSIVE MODE;
        INSERT INTO figure_days (day, events, counted_until, version) VALUES (
            to_char(OLD.at AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
            'thumbs',
            date_trunc('day', OLD.at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
            1
        ) ON CONFLICT (day, events) DO UPDATE
            SET counted_until = excluded.counted_until, version = figure_days.version + 1;
        DELETE FROM figure_counts
            WHERE day = to_char(OLD.at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AND events = 'thumbs';
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER recount_thumbs AFTER UPDATE OF good, at ON feedback
    FOR EACH ROW EXECUTE FUNCTION recount_thumbs()""",
)
_SQLITE = (
    """CREATE TRIGGER recount_thumbs AFTER UPDATE OF good, at ON feedback
    BEGIN
        INSERT INTO figure_days (day, events, counted_until, version)
            VALUES (substr(OLD.at, 1, 10), 'thumbs', substr(OLD.at, 1, 10) || ' 00:00:00.000000', 1)
            ON CONFLICT (day, events) DO UPDATE
            SET counted_until = excluded.counted_until, version = figure_days.version + 1;
        DELETE FROM figure_counts WHERE day = substr(OLD.at, 1, 10) AND events = 'thumbs';
    END""",
)
THUMB_TRIGGERS = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
"By dialect, what makes the triggers; they are made with the table of thumbs."

for _dialect, _statements in THUMB_TRIGGERS.items():
    for _statement in _statements:
        event.listen(Feedback.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
