"""What `deskhand doctor` finds: `bot.health.doctor`, in a house that is sound but for one thing."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr
from rq import SimpleWorker
from sqlalchemy import text

from bot import durations
from bot.agent import card
from bot.agent.release import fingerprint
from bot.budget.prices import snapshot
from bot.budget.prices.tariffs import Rate, Tariffs
from bot.errors import ConfigError
from bot.ground import Kind
from bot.health import alive, doctor, room, standings, status
from bot.health.findings import Finding
from bot.queue import open_queue
from bot.settings import Settings
from bot.store import db, members
from bot.store.installation import agents, heartbeats
from bot.store.schema import Heartbeat, Ticket, now
from tests.support.database_roles import as_application
from tests.support.delegations import KEY_OF_TESTS, OTHER_KEY, issuer
from tests.support.factories import hand_off, new_turn, put
from tests.support.hanging_server import mute
from tests.support.local_workspace import LocalWorkspace
from tests.support.paths import MANIFEST
from tests.support.redis_users import EVERYTHING, redis_user
from tests.support.release_rows import judged

CHECKS = (
    *(
        "settings",
        "dashboard",
        "delegation",
        "agent access",
        "budgets",
        "money",
        "database",
        "approvers",
        "redis",
        "redis access",
        "ground",
        "files",
    ),
    *("slack", "slack scopes"),
    *(
        "channel C0HELP",
        "channel C0QUEUE",
        "queue access",
        "socket mode",
        "events",
        "model",
        "release access",
        "worker",
        "clock",
    ),
)
NEED_REDIS = ("redis", "redis access", "worker")
NEED_DATABASE = ("database", "approvers", "ground", "events", "release", "clock")
OF_TESTS = {"redis access": "warn"}
"The Redis of the tests asks for no password."


@dataclass(frozen=True)
class Sound:
    """A house in which everything is well."""

    settings: Settings
    database: db.Database
    workspace: LocalWorkspace
    config: Path

    def examine(self, **changes: Any) -> dict[str, Finding]:
        """Examine it with some settings changed; return what was found, by check."""
        settings = self.settings.model_copy(update=changes)
        return {one.check: one for one in doctor.examine(settings)}

    def wrong(self, **changes: Any) -> dict[str, str]:
        """Examine it, and return what is not well, by check."""
        return {
            name: one.state for name, one in self.examine(**changes).items() if one.state != OF_TESTS.get(name, "ok")
        }

    def edit(self, file: str, old: str, new: str) -> None:
        """Change one place in the configuration."""
        path = self.config / file
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new))


@pytest.fixture
def worker(redis_url: str) -> Iterator[SimpleWorker]:
    """Let a worker have shown itself."""
    with redis.Redis.from_url(redis_url) as connection:
        one = SimpleWorker([open_queue(connection)], connection=connection, name="host:1:abc")
        one.register_birth()  # type: ignore[no-untyped-call]  # rq leaves it untyped
        yield one


@pytest.fixture
def make_sound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workspace: LocalWorkspace, standin: str, worker: SimpleWorker
) -> Callable[[db.Database], Sound]:
    """Return what builds a house that is well around a database."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key")
    config = Path(shutil.copytree(MANIFEST.parent, tmp_path / "config"))
    agent = card.load_all(config)["access"]
    release = str(fingerprint(agent, model="stand-in-1", endpoint=standin))
    place = worker.connection.connection_pool.connection_kwargs

    def make(database: db.Database) -> Sound:
        settings = Settings(
            database_url=database.engine.url.render_as_string(hide_password=False),
            redis_url=f"redis://{place['host']}:{place['port']}/0",
            slack_bot_token=SecretStr("xoxb-local"),
            slack_signing_secret=SecretStr("s"),
            slack_api_url=f"{workspace.base}/api/",
            anthropic_base_url=standin,
            deskhand_model="stand-in-1",
            deskhand_config=config,
        )
        with database.write() as session:
            heartbeats.give(session, "clock", who="host:2")
            judged(session, release, agent.suite)
        return Sound(settings, database, workspace, config)

    return make


@pytest.fixture
def sound(make_sound: Callable[[db.Database], Sound], sqlite_url: str) -> Iterator[Sound]:
    """Build a house that is well on SQLite."""
    with closing(db.connect(sqlite_url)) as database:
        yield make_sound(database)


@pytest.fixture
def anywhere(make_sound: Callable[[db.Database], Sound], database: db.Database) -> Sound:
    """Build a house that is well on either database, on PostgreSQL with a role that does not own the tables."""
    sound = make_sound(database)
    if database.engine.dialect.name == "postgresql":
        with as_application(database) as application:
            url = application.engine.url.render_as_string(hide_password=False)
        sound = replace(sound, settings=sound.settings.model_copy(update={"database_url": url}))
    return sound


def test_a_sound_house_is_well(anywhere: Sound) -> None:
    """Every check is there, and every one is well; nothing was said in Slack, asked of the model or committed."""
    found = anywhere.examine()
    assert [(name, one.state) for name, one in found.items()] == [(name, OF_TESTS.get(name, "ok")) for name in CHECKS]
    assert all(one.message and not one.fix for one in found.values() if one.state == "ok")
    assert not any(channel.messages for channel in anywhere.workspace.world.state.channels.values())


def test_a_key_of_delegation_is_said_to_be_there_or_not(sound: Sound) -> None:
    """Which one signs, by its id; without one, what to run."""
    signing = issuer().keys.signing.id
    assert signing in sound.examine(deskhand_delegation_keys=SecretStr(KEY_OF_TESTS))["delegation"].message
    two = sound.examine(deskhand_delegation_keys=SecretStr(f"{KEY_OF_TESTS},{OTHER_KEY}"))["delegation"]
    assert (two.state, two.message) == ("ok", f"Two keys are valid; {signing} signs.")
    missing = sound.examine(deskhand_delegation_keys=None)["delegation"]
    assert (missing.state, "deskhand keys generate" in missing.fix) == ("fail", True)


def test_a_dashboard_is_said_to_be_there_or_not(sound: Sound) -> None:
    """With its address, and whether anybody can be let in."""
    public = "https://deskhand.example.com"
    assert "There is no dashboard" in sound.examine()["dashboard"].message
    assert f"lead to {public}" in sound.examine(deskhand_public_url=public)["dashboard"].message
    assert sound.examine(deskhand_public_url=public, slack_bot_token=None)["dashboard"].state == "fail"
    assert sound.examine(deskhand_public_url=public, slack_client_id="1.2")["dashboard"].state == "fail"
    here = {"deskhand_public_url": "http://127.0.0.1:3000"}
    states = {kind: sound.examine(**here, deskhand_ground=kind)["dashboard"].state for kind in Kind}
    assert states == {Kind.INSTALLATION: "warn", Kind.DEMO: "ok"}


@pytest.mark.parametrize(
    ("changes", "wrong", "said"),
    [
        ({"slack_bot_token": None}, {"settings": "fail", "slack": "fail"}, "SLACK_BOT_TOKEN is not set"),
        ({"slack_signing_secret": None}, {"settings": "fail"}, "Slack cannot reach Deskhand"),
        ({"deskhand_public_url": "http://127.0.0.1:3000"}, {"dashboard": "warn"}, "only browsers of this machine"),
        ({"redis_url": "redis://127.0.0.1:9/0"}, dict.fromkeys(NEED_REDIS, "fail"), "refused"),
        ({"redis_url": "nowhere"}, dict.fromkeys(NEED_REDIS, "fail"), "REDIS_URL cannot be read"),
        (
            {"database_url": "postgresql://u:pass@127.0.0.1:9/d"},
            dict.fromkeys(NEED_DATABASE, "fail"),
            "refused",
        ),
        ({"slack_api_url": "http://127.0.0.1:9/api/"}, {"slack": "fail"}, "no connection"),
        ({"anthropic_base_url": "http://127.0.0.1:9"}, {"model": "fail"}, "could not be reached"),
    ],
)
def test_what_is_away_is_found_and_nothing_else(
    sound: Sound, changes: dict[str, Any], wrong: dict[str, str], said: str
) -> None:
    """Each part that is away or not set is named with what to do; all others are looked at as before."""
    found = sound.examine(**changes)
    assert {name: one.state for name, one in found.items() if one.state != "ok"} == {**OF_TESTS, **wrong}
    assert said in found[next(iter(wrong))].message
    assert all(found[name].fix for name in wrong)
    assert "pass@" not in " ".join(one.message for one in found.values())


def test_what_the_database_knows_of_an_agent_is_found(sound: Sound) -> None:
    """A suspension with its cause, a review that was recorded, and a card with the id of a retired agent."""
    sound.edit("agents/access/card.yaml", "2027-05-31", "2020-05-31")
    with sound.database.write() as session:
        agents.review(session, "access", until=now().date() + timedelta(days=9), by="operator")
    assert sound.wrong() == {}
    with sound.database.write() as session:
        agents.suspend(session, "access", cause="wrong links", by="operator")
    found = sound.examine()["agent access"]
    assert (found.state, found.fix) == ("warn", "Run `deskhand agents resume access` when it may go on.")
    assert found.message.startswith("It has been suspended since ")
    assert found.message.endswith(" UTC by an operator: wrong links")
    with sound.database.write() as session:
        agents.retire(session, "access", because="its card says so")
    refused = sound.examine()["agents"]
    assert (refused.state, refused.fix.startswith("Give the folder and `name` another id")) == ("fail", True)
    assert "name: the agent access was retired on 20" in refused.message


def test_people_of_a_card_who_have_left_are_named(sound: Sound) -> None:
    """A warning while others have the role; once nobody has, that must be put right."""
    sound.edit("agents/access/card.yaml", "[U0OLIVIA]", "[U0OLIVIA, U0RUTH]")
    for user in ("U0OLIVIA", "U0BEN"):
        with sound.database.write() as session:
            members.note_departure(session, user)
    found = [one for one in standings.look(sound.settings) if one.check == "agent access"]
    assert [(one.state, one.message) for one in found] == [
        ("warn", "U0OLIVIA has left the workspace, and is still in its `owners`."),
        ("warn", "U0BEN has left the workspace, and is still in its `handoff.responders` and `handoff.approvers`."),
    ]
    with sound.database.write() as session:
        members.note_departure(session, "U0RUTH")
        members.note_return(session, "U0BEN")
    [found_too] = [one for one in standings.look(sound.settings) if one.check == "agent access"]
    assert (found_too.state, found_too.message, found_too.fix) == (
        "fail",
        "Nobody in its `owners` is in the workspace any more: U0OLIVIA, U0RUTH.",
        "Name others in `owners` of its card.",
    )
    assert sound.examine()["agent access"] == found_too
    with sound.database.write() as session:
        agents.retire(session, "access", because="its card says so")
    assert [one.check for one in standings.look(sound.settings)] == ["agents"]


def test_what_hangs_is_found_in_time(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that takes the connection and never answers costs no more than the limit, and delays no other."""
    monkeypatch.setattr(doctor, "SECONDS", 1.0)
    with mute() as port:
        found = sound.examine(database_url=f"postgresql://u:p@127.0.0.1:{port}/d")
    wrong = {name: one.message for name, one in found.items() if one.state == "fail"}
    assert wrong.keys() >= set(NEED_DATABASE)
    assert set(wrong.values()) == {"No answer within 1 s."}  # on a busy machine others may need longer, too


@pytest.mark.parametrize(
    ("edit", "check", "state", "said"),
    [
        (("agents/access/card.yaml", "status: active", "status: asleep"), "agents", "fail", "card.yaml: status"),
        (("agents/access/card.yaml", "status: active", "status: suspended"), "agent access", "warn", "suspended"),
        (
            ("agents/access/card.yaml", "2027-05-31", "2020-05-31"),
            "agent access",
            "warn",
            "review was due by 2020-05-31",
        ),
        (("agents/access/card.yaml", "ANTHROPIC_API_KEY", "NO_SUCH_KEY"), "agent access", "fail", "NO_SUCH_KEY"),
        (("agents/access/card.yaml", "C0HELP", "C0RANDOM"), "channel C0RANDOM", "fail", "not in #random"),
        (("agents/access/card.yaml", "C0HELP", "C0NOWHERE"), "channel C0NOWHERE", "fail", "no C0NOWHERE"),
        (("budgets.yaml", "time_zone:", "zone:"), "budgets", "fail", "zone: is unknown (did you mean time_zone?)"),
        (("budgets.yaml", "eval:", "C0OLD:"), "budgets", "warn", "channel.named.C0OLD: no agent listens"),
        (
            ("slack-manifest.yaml", "      - commands\n", ""),
            "slack scopes",
            "warn",
            "scopes that it does not need: commands",
        ),
        (("slack-manifest.yaml", "- commands", "- commands\n      - pins:read"), "slack scopes", "fail", "pins:read"),
    ],
)
def test_a_wrong_file_is_found(sound: Sound, edit: tuple[str, str, str], check: str, state: str, said: str) -> None:
    """What the files ask for is compared with what is there, and the finding names it."""
    sound.edit(*edit)
    found = sound.examine()
    assert (found[check].state, bool(found[check].fix)) == (state, True)
    assert said in found[check].message
    assert found["database"].state == found["redis"].state == found["slack"].state == "ok"


def test_without_an_agent_there_is_nothing_to_look_at(sound: Sound) -> None:
    """A wrong card is one failure; what hangs on it is not guessed."""
    sound.edit("agents/access/card.yaml", "status: active", "status: asleep")
    assert sound.wrong() == {"agents": "fail", "model": "warn", "release": "warn"}


def test_a_changed_prompt_needs_its_own_evaluation(sound: Sound) -> None:
    """The release that would serve now is what counts, and the command to run is named."""
    sound.edit("agents/access/prompt.md", "account", "account (see above)")
    found = sound.examine()["release access"]
    assert (found.state, found.fix) == ("fail", "Run `deskhand eval run --agent access`.")
    assert "was never evaluated" in found.message


def test_a_model_without_a_price_is_found(sound: Sound) -> None:
    """Nothing could be paid for; and a model that this key cannot have is told from a gateway that says nothing."""
    found = sound.examine(deskhand_model="no-such-model")
    assert found["money"].state == "fail"
    assert "no-such-model" in found["money"].message
    assert (found["model"].state, found["model"].fix) == ("warn", "Run `deskhand eval run` to find out.")


def test_an_upgrade_that_would_change_a_price_in_use_is_found(sound: Sound) -> None:
    """Only for a model that an agent calls; until it is taken, the old price stands."""
    file = sound.config / snapshot.FILE
    taken = snapshot.read(file)
    older: Tariffs = {name: (replace(found[0], input=Rate(Fraction(1))),) for name, found in taken.standard.items()}
    snapshot.write(file, replace(taken, package="genai-prices 0.1", standard=older))
    assert sound.wrong() == {}
    found = sound.examine(deskhand_model="claude-opus-5-5")["prices"]
    assert (found.state, found.fix) == ("warn", "Look at `deskhand prices diff`, and accept them with --yes.")
    assert "claude-opus-5-5: input 0.001 -> 4" in found.message
    assert "sonnet" not in found.message


def test_a_token_that_is_no_good_is_found(sound: Sound) -> None:
    """Slack's own word for it is in the finding."""
    found = sound.examine(slack_bot_token=SecretStr("xoxb-other"))
    assert {name: one.message for name, one in found.items() if one.state == "fail"} == {"slack": "slack: invalid_auth"}


def test_a_persons_token_is_found(sound: Sound) -> None:
    """It would speak as that person, if Slack let it."""
    found = sound.examine(slack_bot_token=SecretStr("xoxp-local"))
    assert {name for name, one in found.items() if one.state == "fail"} == {"slack"}
    assert "it is a person's token" in found["slack"].message


@pytest.mark.parametrize(
    ("token", "state", "said"),
    [
        ("xapp-local", "ok", "Slack takes SLACK_APP_TOKEN; its connection is reached directly."),
        ("xapp-wrong", "fail", "Slack refuses SLACK_APP_TOKEN: invalid_auth."),
        ("xoxb-local", "fail", "Slack refuses SLACK_APP_TOKEN: not_allowed_token_type."),
    ],
)
def test_slack_is_asked_whether_it_takes_the_app_token(sound: Sound, token: str, state: str, said: str) -> None:
    """As the socket process will ask; a Slack that is busy is no fault of the token."""
    found = sound.examine(slack_app_token=SecretStr(token))["socket mode"]
    assert (found.state, found.message) == (state, said)
    sound.workspace.faults({"method": "apps.connections.open", "kind": "rate_limit", "seconds": 30})
    assert sound.examine(slack_app_token=SecretStr(token))["socket mode"].state == "warn"


def test_a_channel_slack_is_silent_about_keeps_what_was_found_before(sound: Sound) -> None:
    """A rate limit half-way ends the look at Slack; who we are, and what we may, stands."""
    sound.workspace.faults({"method": "conversations.history", "kind": "rate_limit", "seconds": 1, "times": 1})
    found = [(one.check, one.state) for one in doctor.examine(sound.settings) if one.check.startswith("slack")]
    assert found == [("slack", "ok"), ("slack scopes", "ok"), ("slack", "fail")]


def test_a_database_that_is_not_there_is_not_made(sound: Sound, tmp_path: Path) -> None:
    """A mistyped address is told, and no empty file stands there afterwards."""
    nowhere = sound.settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/typo/deskhand.db"})
    found = {one.check: one for one in doctor.examine(nowhere)}
    assert (found["database"].state, found["database"].message) == ("fail", "There is no file at DATABASE_URL.")
    with pytest.raises(ConfigError, match="no file"):
        status.read_unfinished(nowhere)
    assert not (tmp_path / "typo").exists()


def test_a_database_without_a_schema_is_told_in_a_sentence(sound: Sound, tmp_path: Path) -> None:
    """Doctor, and the parts that status could not read, say that it is not migrated."""
    url = f"sqlite:///{tmp_path}/bare.db"
    with closing(db.connect(url)) as bare, bare.write() as session:
        session.execute(text("CREATE TABLE bare (one INTEGER)"))
    settings = sound.settings.model_copy(update={"database_url": url})
    found = {one.check: one for one in doctor.examine(settings)}["database"]
    assert (found.message, found.fix) == ("It has no schema yet.", "Run `deskhand migrate`.")
    for read in (status.read_unfinished, status.read_success):
        with pytest.raises(ConfigError, match="it has no schema yet: run `deskhand migrate`"):
            read(settings)


def test_a_disk_that_is_nearly_full_is_found(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full one can be read, so every other check is well, and yet no request is stored."""
    for free, state in ((room.LEAST_FREE_MIB * 2**20, None), (3 * 2**20, "fail"), (0, "fail")):
        usage = shutil.disk_usage("/")._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, usage=usage: usage)
        assert sound.wrong().get("disk") == state
    assert sound.examine()["disk"].message.startswith("The disk that has the database has 0 MiB free.")


def test_an_old_schema_is_found(anywhere: Sound) -> None:
    """The command that mends it is named, and what needs its tables says why it cannot look."""
    was = mark_schema(anywhere.database, "0001")
    found = anywhere.examine()
    mark_schema(anywhere.database, "9999")
    newer = anywhere.examine()["database"]
    mark_schema(anywhere.database, was)  # the next test is given the same database
    failed = {name for name, one in found.items() if one.state == "fail"}
    assert failed == {"database", "approvers", "events", "release", "clock"}
    assert found["database"].message.startswith("Its schema is at 0001, this code needs ")
    assert found["database"].fix == "Run `deskhand migrate`."
    assert newer.message.startswith("Its schema is at 9999, this code needs ")
    assert newer.fix == "Run the version of Deskhand that has migrated it, or put an earlier backup back."


@pytest.mark.parametrize(
    ("option", "usual", "said"),
    [
        (("maxmemory-policy", "allkeys-lru"), "noeviction", "may evict keys: its maxmemory-policy is allkeys-lru"),
        (("maxmemory", "1"), "0", "OutOfMemoryError"),
    ],
)
def test_a_redis_that_will_not_do_is_found(
    sound: Sound, redis_url: str, option: tuple[str, str], usual: str, said: str
) -> None:
    """One that throws keys away, and one that is full."""
    with redis.Redis.from_url(redis_url) as client:
        client.config_set(*option)
        try:
            found = [one for one in doctor.examine(sound.settings) if one.check == "redis"]
        finally:
            client.config_set(option[0], usual)
    assert any(one.state == "fail" and said in one.message for one in found), found


def test_a_right_in_redis_that_is_missing_is_found(sound: Sound, redis_url: str) -> None:
    """As one finding, which names it; the others say that Redis must be fixed first."""
    with redis_user(redis_url, f"{EVERYTHING} -@dangerous -script") as url:
        [found] = [
            one for one in doctor.examine(sound.settings.model_copy(update={"redis_url": url})) if one.check == "redis"
        ]
    assert (found.state, found.message) == (
        "fail",
        "The user of REDIS_URL may not use INFO, SCRIPT LOAD, SCRIPT FLUSH.",
    )
    assert "docs/how-to/install.md" in found.fix


def test_a_silent_worker_and_a_silent_clock_are_found(anywhere: Sound, worker: SimpleWorker) -> None:
    """Nobody is there who was heard of long ago, whatever they left behind; nor who never was."""
    long_ago = now() - timedelta(seconds=durations.WORKER_SILENT + 1)
    worker.connection.hset(worker.key, "last_heartbeat", long_ago.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    put(anywhere.database, Heartbeat, "clock", at=long_ago)  # type: ignore[arg-type]  # a row by its kind
    found = anywhere.examine()
    assert {name: one.fix for name, one in found.items() if one.state == "fail"} == {
        "worker": "Start `deskhand worker`.",
        "clock": "Start `deskhand clock`.",
    }
    worker.register_death()  # type: ignore[no-untyped-call]  # rq leaves it untyped
    with anywhere.database.write() as session:
        session.delete(session.get_one(Heartbeat, "clock"))
    found = anywhere.examine()
    assert (found["worker"].state, found["clock"].state) == ("fail", "fail")
    assert "No clock has given a heartbeat ever" in found["clock"].message


def mark_schema(database: db.Database, revision: str) -> str:
    """Let the database say that it is at a revision; return the one that it was at."""
    with database.write() as session:
        was: str = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    return was


def test_who_else_reads_a_queue_is_named(sound: Sound) -> None:
    """Shared, or with somebody in it who is neither responder nor owner: a warning that names channel and people."""
    assert sound.examine()["queue access"].state == "ok"
    for role in ("responders", "approvers"):
        sound.edit("agents/access/card.yaml", f"{role}: [U0PRIYA, U0BEN]", f"{role}: [U0PRIYA]")
    assert sound.workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "shared": True})["ok"]
    found = sound.examine()["queue access"]
    assert found.state == "warn"
    assert "C0QUEUE of access: it is shared with another organisation; U0BEN is in it without" in found.message


def test_handoffs_of_an_agent_that_is_gone_are_named_and_counted(sound: Sound) -> None:
    """Until a card says that it inherits them."""
    new_turn(sound.database)
    hand_off(sound.database, 1)
    put(sound.database, Ticket, 1, agent="gone")
    found = sound.examine()["agent gone"]
    assert found.state == "warn"
    assert found.message.startswith("1 handoff of gone is stranded: that agent has no folder,")
    sound.edit("agents/access/card.yaml", "name: access\n", "name: access\ninherits: [gone]\n")
    assert "agent gone" not in sound.examine()


def test_events_that_slack_has_dropped_are_told_for_a_day(anywhere: Sound) -> None:
    """Somebody may wait for an answer to what never came; after a day nobody does."""
    with anywhere.database.write() as session:
        heartbeats.give(session, "dropped", who="T0DESKHAND")
    found = anywhere.examine()["events"]
    assert (found.state, "requests of that hour may be lost" in found.message) == ("warn", True)
    assert "operate.md" in found.fix
    put(anywhere.database, Heartbeat, "dropped", at=now() - alive.DROPPED_LATELY - timedelta(seconds=1))  # type: ignore[arg-type]  # a row by its kind
    assert anywhere.examine()["events"].state == "ok"


def test_a_role_that_could_change_the_audit_log_is_found(
    make_sound: Callable[[db.Database], Sound], postgres: db.Database
) -> None:
    """With one that is not the owner of the tables, as `deskhand migrate` can leave it, all is well."""
    sound = make_sound(postgres)
    assert sound.wrong() == {"audit log": "warn"}
    assert "DATABASE_OWNER_URL" in sound.examine()["audit log"].fix
    with as_application(postgres) as application:
        url = application.engine.url.render_as_string(hide_password=False)
        assert sound.wrong(database_url=url) == {}
