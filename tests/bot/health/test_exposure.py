"""Who else may read or change what Deskhand stands on, as the doctor sees it: `bot.health.exposure`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr
from sqlalchemy import text

from bot import redis_client, redis_rights
from bot.ground import MARK, Ground, Kind
from bot.health import exposure
from bot.health.findings import Finding
from bot.queue import Access, JobQueue
from bot.settings import Settings
from bot.store import db
from bot.store.installation import marks
from tests.support.local_workspace import LocalWorkspace
from tests.support.redis_users import redis_user


def said(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(one.state, one.message) for one in found]


@pytest.mark.parametrize(
    ("url", "access", "expected"),
    [
        ("redis://:pw@127.0.0.1/0", Access(open_to_all=False, protected=True), []),
        ("redis://127.0.0.1/0", Access(open_to_all=True, protected=True), ["Every account of this machine"]),
        ("redis://localhost/0", Access(open_to_all=True, protected=False), ["Every account", "not in protected-mode"]),
        ("redis://[::1]/0", Access(open_to_all=None, protected=None), []),
        (
            "redis://10.0.0.7/0",
            Access(open_to_all=True, protected=False),
            ["crosses", "without a password", "Anyone", "not in"],
        ),
        ("redis://:pw@redis.example.com/0", Access(open_to_all=None, protected=None), ["crosses the network"]),
        ("rediss://redis.example.com/0", Access(open_to_all=None, protected=None), ["without a password"]),
        ("rediss://:pw@redis.example.com/0", Access(open_to_all=True, protected=True), ["Anyone who reaches Redis"]),
        ("rediss://u:pw@redis.example.com/0", Access(open_to_all=False, protected=None), []),
        ("unix:///nowhere/redis.sock?db=0", Access(open_to_all=True, protected=False), []),
    ],
)
def test_who_may_write_to_redis(url: str, access: Access, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere it takes TLS and a password; here a password, or a socket of our own."""
    monkeypatch.setattr(JobQueue, "access", lambda _: access)
    monkeypatch.setattr(redis_client, "lets_anybody_in", lambda _: None)
    found = said(exposure.check_redis_access(Settings(redis_url=url)))
    assert [state for state, _ in found] == ["warn"] * len(expected) or (expected == [] and found[0][0] == "ok")
    assert all(part in sentence for part, (_, sentence) in zip(expected, found, strict=False))


def test_a_socket_that_others_get_to_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in a folder of ours is not, whatever may be done with it."""
    monkeypatch.setattr(JobQueue, "access", lambda _: Access(open_to_all=True, protected=True))
    socket = tmp_path / "redis.sock"
    socket.touch(mode=0o777)
    socket.chmod(0o777)
    settings = Settings(redis_url=f"unix://{socket}?db=0")
    for mode, state in ((0o700, "ok"), (0o755, "warn")):
        tmp_path.chmod(mode)
        assert [one.state for one in exposure.check_redis_access(settings)] == [state]


def test_a_user_who_may_not_ask_finds_out_by_trying(redis_url: str) -> None:
    """A user with the rights of install.md cannot read who else there is: an open Redis is found all the same."""
    with redis_user(redis_url, redis_rights.rule()) as url:
        assert JobQueue.connect(url).access() == Access(open_to_all=None, protected=None)
        [(state, message)] = said(exposure.check_redis_access(Settings(redis_url=url)))
    assert (state, message.startswith("Every account of this machine may write to Redis")) == ("warn", True)


def test_redis_says_itself_who_may_use_it(redis_url: str) -> None:
    """The server of the tests asks for no password and answers its own machine alone."""
    assert JobQueue.connect(redis_url).access() == Access(open_to_all=True, protected=True)


def test_files_that_others_may_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database with what is beside it, its folder, and the secrets."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "kept"
    file = folder / "deskhand.db"
    settings = Settings(database_url=f"sqlite:///{file}")
    assert [one.state for one in exposure.check_files(settings)] == ["ok"]
    db.connect(settings.database_url).close()
    assert [one.state for one in exposure.check_files(settings)] == ["ok"]
    for path, mode in ((folder, 0o750), (file, 0o604), (folder / "deskhand.db-wal", 0o640), (tmp_path / ".env", 0o644)):
        if not path.exists():
            path.touch()
        path.chmod(mode)
    found = list(exposure.check_files(settings))
    assert [one.fix.split()[1] for one in found] == ["600", "700", "600", "600"]
    assert [Path(one.fix.split()[2]).name for one in found] == [".env", "kept", "deskhand.db", "deskhand.db-wal"]


def test_whose_ground_it_is(database: db.Database, redis_url: str, workspace: LocalWorkspace) -> None:
    """Another's database, Redis or token is a failure each; an unmarked or silent one is told and stays as it is."""
    settings = Settings(
        database_url=database.engine.url.render_as_string(hide_password=False),
        redis_url=redis_url,
        slack_bot_token=SecretStr("xoxb-local"),
        slack_api_url=f"{workspace.base}/api/",
    )
    [(state, sentence)] = said(exposure.check_ground(settings))
    assert (state, "has no mark yet" in sentence) == ("ok", True)
    with database.read() as session:
        assert marks.read(session) is None
    ground = marks.enter(database, Kind.INSTALLATION)
    for revision in ("0007", None):  # until it is migrated, as after
        with database.write() as session:
            wanted = revision or max(file.name.split("_")[0] for file in db.REVISIONS.glob("[0-9]*.py"))
            session.execute(text("UPDATE alembic_version SET version_num = :it").bindparams(it=wanted))
        unmarked = f"The database belongs to {ground}; the first process to start marks Redis as its own."
        assert said(exposure.check_ground(settings)) == [("ok", unmarked)]
    down = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    assert said(exposure.check_ground(down)) == [("ok", f"The database belongs to {ground}; Redis could not be asked.")]
    with redis.Redis.from_url(redis_url) as raw:
        raw.set(MARK, str(ground))
        assert said(exposure.check_ground(settings)) == [("ok", f"Database and Redis belong to {ground}.")]
        raw.set(MARK, str(Ground(Kind.DEMO, "0ther")))
    marks.serve(database, "T0ELSEWHERE")
    found = said(exposure.check_ground(settings.model_copy(update={"deskhand_ground": Kind.DEMO})))
    assert [state for state, _ in found] == ["fail"] * 3
    for part, (_, sentence) in zip(
        (f"belongs to {ground}", "belongs to demo 0ther", "T0ELSEWHERE"), found, strict=True
    ):
        assert part in sentence
