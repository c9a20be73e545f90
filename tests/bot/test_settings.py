"""Addresses and secrets from the environment: `bot.settings`."""

import os
import re

import pytest
from pydantic import ValidationError

from bot.errors import ConfigError
from bot.settings import MetricsAddress, Settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every variable that we read out of the environment."""
    for name in [*Settings.model_fields, "ANTHROPIC_API_KEY"]:
        monkeypatch.delenv(name.upper(), raising=False)


def test_everything_has_a_default() -> None:
    """An empty environment gives the embedded database, a local Redis and Slack's own address."""
    settings = Settings.from_environment()
    assert settings.database_url == "sqlite:///.deskhand/deskhand.db"
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.slack_bot_token is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", "PORT: expected a whole number"),
        ("PORT", "70000", "PORT: expected a number less than or equal to 65535"),
        ("DESKHAND_TURN_LEASE", "0", "DESKHAND_TURN_LEASE: expected a number greater than 0"),
        ("DESKHAND_METRICS", "9464", "DESKHAND_METRICS: expected HOST:PORT or HOST:FIRST-LAST"),
        ("DESKHAND_METRICS", "localhost:http", "DESKHAND_METRICS: expected HOST:PORT"),
        ("DESKHAND_METRICS", "localhost:9479-9464", "DESKHAND_METRICS: expected HOST:PORT"),
        ("DESKHAND_METRICS", "localhost:65530-65536", "DESKHAND_METRICS: expected HOST:PORT"),
        ("DATABASE_URL", "sqlite:///\udcff.db", "DATABASE_URL: it is not text in UTF-8"),
        (
            "DATABASE_URL",
            "sqlite://",
            "DATABASE_URL: names a database in memory, which each process would have to itself",
        ),
        ("DESKHAND_LOG", "xml", "DESKHAND_LOG: expected 'json' or 'console'"),
    ],
)
def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """Whoever deploys is told which variable and what was expected."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"environment: {said}"):
        Settings.from_environment()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`SLACK_BOT_TOKEN=` in a file of variables is no token."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    settings = Settings.from_environment()
    assert settings.slack_bot_token is None
    assert not settings.has("ANTHROPIC_API_KEY")


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a token nor a card's credential is in what is printed or dumped."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://deskhand:pass-word@db/deskhand")
    monkeypatch.setenv("REDIS_URL", "redis://:pass-word@redis/0")
    settings = Settings.from_environment()
    assert "pass-word" not in f"{settings!r} {settings}"
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "secret" not in re.sub("slack_signing_secret|deskhand_web_secret|slack_client_secret", "", shown)
    assert settings.credential("ANTHROPIC_API_KEY").get_secret_value() == "sk-secret"
    assert "secret" not in repr(settings.credential("ANTHROPIC_API_KEY"))


def test_a_credential_that_is_not_set_is_named() -> None:
    """A card that names it does not start."""
    with pytest.raises(ConfigError, match="environment: ANTHROPIC_API_KEY is not set"):
        Settings.from_environment().credential("ANTHROPIC_API_KEY")


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes later does not reach settings that are made, and nobody can change them."""
    settings = Settings.from_environment()
    monkeypatch.setitem(os.environ, "ANTHROPIC_API_KEY", "later")
    assert not settings.has("ANTHROPIC_API_KEY")
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_secret_that_signs_links_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two is, or the process does not start; without one the bot token signs."""
    for short in ("short", f"{'x' * 32},short", f"{'x' * 32},", ","):
        monkeypatch.setenv("DESKHAND_WEB_SECRET", short)
        with pytest.raises(ConfigError, match="DESKHAND_WEB_SECRET"):
            Settings.from_environment()
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("DESKHAND_WEB_SECRET", f"{'n' * 32}, {'o' * 32}")
    assert Settings.from_environment().link_secrets() == ("n" * 32, "o" * 32)
    monkeypatch.delenv("DESKHAND_WEB_SECRET")
    assert Settings.from_environment().link_secrets() == ("xoxb-1",)
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    assert Settings.from_environment().link_secrets() == ()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9464", MetricsAddress("127.0.0.1", range(9464, 9465))),
        ("localhost:9464-9466", MetricsAddress("localhost", range(9464, 9467))),
        ("[::1]:0", MetricsAddress("::1", range(1))),
    ],
)
def test_an_address_for_metrics_is_a_host_and_ports(
    monkeypatch: pytest.MonkeyPatch, text: str, address: MetricsAddress
) -> None:
    """One port, or a range for several processes of a host."""
    monkeypatch.setenv("DESKHAND_METRICS", text)
    assert Settings.from_environment().deskhand_metrics == address


@pytest.mark.parametrize("name", ["AUDIT_SIGNING_KEY", "AUDIT_SIGNING_KEY_FILE"])
def test_no_process_that_writes_the_log_has_the_key_of_its_signer(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It refuses to start, and the sentence names the variable and the page."""
    Settings.from_environment().refuse_signing_key()
    monkeypatch.setenv(name, "dhck_x")
    with pytest.raises(ConfigError, match=r"AUDIT_SIGNING_KEY.*docs/how-to/audit\.md"):
        Settings.from_environment().refuse_signing_key()
