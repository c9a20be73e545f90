"""verdicts of a release with a suite, waivers, the files of releases and suites, and notices of releases."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_Time = sa.DateTime(timezone=True)
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_verdicts()
    _create_waivers()
    _create_files()
    op.create_table(
        "release_notices",
        sa.Column("id", _Id, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("told_at", _Time, nullable=False),
        sa.Column("over_at", _Time, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_notices")),
        sa.UniqueConstraint("release", "suite", "cause", name=op.f("uq_release_notices_release_suite_cause")),
    )
    op.create_index(op.f("ix_release_notices_agent"), "release_notices", ["agent"])
    # A verdict without its run names no suite, so it says nothing about any pair.
    op.execute(
        "INSERT INTO release_verdicts (release, suite, verdict, at, run_id, why) "
        "SELECT releases.fingerprint, eval_runs.suite, releases.verdict, releases.verdict_at, eval_runs.id, '[]' "
        "FROM releases JOIN eval_runs ON eval_runs.id = releases.run_id "
        "WHERE releases.verdict IS NOT NULL AND releases.verdict_at IS NOT NULL"
    )
    for column in ("verdict", "verdict_at", "run_id"):
        op.drop_column("releases", column)


def _create_verdicts() -> None:
    op.create_table(
        "release_verdicts",
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at", _Time, nullable=False),
        sa.Column("run_id", _Id, nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["releases.fingerprint"], name=op.f("fk_release_verdicts_release")),
        sa.PrimaryKeyConstraint("release", "suite", name=op.f("pk_release_verdicts")),
    )


def _create_waivers() -> None:
    op.create_table(
        "waivers",
        sa.Column("id", _Id, nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("run_id", _Id, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signed_at", _Time, nullable=False),
        sa.Column("ends_at", _Time, nullable=False),
        sa.Column("revoked_at", _Time, nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("expired_at", _Time, nullable=True),
        sa.ForeignKeyConstraint(["release"], ["releases.fingerprint"], name=op.f("fk_waivers_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waivers")),
    )
    op.create_index(op.f("ix_waivers_release_suite"), "waivers", ["release", "suite"])


def _create_files() -> None:
    op.create_table(
        "file_texts",
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha", name=op.f("pk_file_texts")),
    )
    op.create_table(
        "kept_files",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["sha"], ["file_texts.sha"], name=op.f("fk_kept_files_sha")),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_kept_files")),
    )


def downgrade() -> None:
    op.add_column("releases", sa.Column("verdict", sa.Text(), nullable=True))
    op.add_column("releases", sa.Column("verdict_at", _Time, nullable=True))
    op.add_column("releases", sa.Column("run_id", _Id, nullable=True))
    newest = "SELECT {} FROM release_verdicts WHERE release = releases.fingerprint ORDER BY at DESC LIMIT 1"
    op.execute(
        f"UPDATE releases SET verdict = ({newest.format('verdict')}), verdict_at = ({newest.format('at')}), "  # noqa: S608
        f"run_id = ({newest.format('run_id')})"
    )
    for table in ("release_notices", "kept_files", "file_texts", "waivers", "release_verdicts"):
        op.drop_table(table)
