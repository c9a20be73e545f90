"""What `deskhand doctor` says when the way to the model is not open: `bot.health.doctor`."""

from pathlib import Path

import pytest

from bot.health import doctor, socket_mode
from bot.health.findings import Finding
from bot.settings import Settings
from tests.support import private_ca
from tests.support.forward_proxy import everybody, forwarding
from tests.support.paths import CONFIG


def look(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[Finding]:
    """Return what is found of the model with some variables set."""
    for name, value in {"ANTHROPIC_API_KEY": "k", "NO_PROXY": "", "no_proxy": "", **variables}.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment().model_copy(update={"deskhand_config": CONFIG})
    return doctor._run("model", doctor.check_model, settings)


def test_a_proxy_without_credentials_is_no_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the proxy and its variable, and the fix is not about the key."""
    with forwarding(wants="me:secret") as proxy:
        [found] = look(monkeypatch, HTTPS_PROXY=f"me:wrong-word@127.0.0.1:{proxy.port}")
    where = f"the proxy http://127.0.0.1:{proxy.port} (HTTPS_PROXY)"
    assert found.message == (
        f"the model could not be reached: {where} does not take the user name and password in HTTPS_PROXY"
    )
    assert (found.state, "network.md" in found.fix, "key" in found.fix) == ("fail", True, False)


def test_the_way_to_the_model_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Through which proxy, without its password; the certificate is of a private authority."""
    ca = private_ca.make(tmp_path, "slack.example")
    with everybody(ca.context()) as vendor, forwarding(wants="me:secret-word") as proxy:
        [found] = look(
            monkeypatch,
            HTTPS_PROXY=f"me:secret-word@127.0.0.1:{proxy.port}",
            ANTHROPIC_BASE_URL=f"https://slack.example:{vendor.port}",
            SSL_CERT_FILE=str(ca.file),
        )
    assert found.state == "ok"
    assert found.message.endswith(f"it is reached through the proxy http://127.0.0.1:{proxy.port} (HTTPS_PROXY).")
    assert vendor.requests == ["GET /v1/models/" + found.message.split()[0]]


@pytest.mark.parametrize("through", [True, False])
def test_the_way_of_socket_mode_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, through: bool) -> None:
    """Its address comes from Slack and may be exempt where Slack itself is not; nothing is sent on the connection."""
    ca = private_ca.make(tmp_path, "localhost")
    with everybody(ca.context()) as slack, forwarding() as proxy:
        slack.host = "wss.example" if through else "localhost"
        values = {"slack_app_token": "xapp-1", "slack_api_url": f"https://127.0.0.1:{slack.port}/api/"}
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.file))
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        [found] = socket_mode.check_socket_mode(Settings.model_validate(values))
    assert slack.requests == ["POST /api/apps.connections.open"]
    assert proxy.asked == ([f"wss.example:{slack.port}"] if through else [])
    if through:  # the certificate is for another name
        assert (found.state, "certificate of wss.example is not valid" in found.message) == ("fail", True)
    else:
        assert (found.state, found.message.endswith("its connection is reached directly.")) == ("ok", True)
