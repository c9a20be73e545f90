"""the database itself lets the day of a thumb be counted anew when the thumb changes, whichever version changes it."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

POSTGRESQL = (
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
SQLITE = (
    """CREATE TRIGGER recount_thumbs AFTER UPDATE OF good, at ON feedback
    BEGIN
        INSERT INTO figure_days (day, events, counted_until, version)
            VALUES (substr(OLD.at, 1, 10), 'thumbs', substr(OLD.at, 1, 10) || ' 00:00:00.000000', 1)
            ON CONFLICT (day, events) DO UPDATE
            SET counted_until = excluded.counted_until, version = figure_days.version + 1;
        DELETE FROM figure_counts WHERE day = substr(OLD.at, 1, 10) AND events = 'thumbs';
    END""",
)
"Each of them as at this revision."


def upgrade() -> None:
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER recount_thumbs ON feedback")
        op.execute("DROP FUNCTION recount_thumbs()")
    else:
        op.execute("DROP TRIGGER recount_thumbs")
