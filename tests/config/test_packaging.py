"""The image, the compose file and the systemd units run the processes of the Procfile, each with few rights."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import CONFIG, ROOT

UNITS = CONFIG / "systemd"
SERVERS = {"postgres", "valkey"}
"Services of the compose file that are not ours."
RENAMED = {"release": "migrate"}
"A process of the Procfile that is called by its command elsewhere, as it ends by itself."


def processes() -> dict[str, str]:
    """Return the commands of the Procfile, by the name that their service and their unit have."""
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    named = dict(line.split(": python -m bot.cli ") for line in lines)
    return {RENAMED.get(name, name): command for name, command in named.items()}


def services() -> dict[str, Any]:
    """Return the services of the compose file."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    return found


def units() -> dict[str, Mapping[str, str]]:
    """Return what the units say of their services, by name."""
    found: dict[str, Mapping[str, str]] = {}
    for file in UNITS.glob("*.service"):
        parser = ConfigParser(interpolation=None, strict=True)
        parser.optionxform = str  # type: ignore[method-assign,assignment]  # names have capitals
        parser.read(file, "utf-8")
        found[file.stem.removeprefix("deskhand-").removesuffix("@")] = dict(parser["Service"])
    return found


def tool(name: str) -> str:
    """Return where a tool of the development environment or of the machine is; without it the test is skipped."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not there")
    return found


def checked(*command: str | Path) -> None:
    """Run a tool that must find nothing."""
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr.strip()) == (0, ""), run.stdout + run.stderr


def test_each_process_has_its_service_and_its_unit() -> None:
    """With the same command, and no other service or unit is there."""
    commands = {name: " ".join(one["command"]) for name, one in services().items() if name not in SERVERS}
    assert commands == processes()
    started = {
        name: one["ExecStart"].removeprefix("/opt/deskhand/.venv/bin/deskhand ") for name, one in units().items()
    }
    assert started == processes()


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    """Nor does it warn."""
    checked(tool("hadolint"), "Dockerfile")


def test_the_compose_file_has_the_form_of_its_specification() -> None:
    """By the schema that check-jsonschema brings along; no daemon is needed."""
    checked(tool("check-jsonschema"), "--quiet", "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_systemd_finds_nothing_in_the_units(tmp_path: Path) -> None:
    """It looks for the command that they start, so one stands in for it."""
    command = tmp_path / ".venv/bin/deskhand"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o700)
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text("utf-8").replace("/opt/deskhand", str(tmp_path)))
    files = [tmp_path / unit.name.replace("@.", "@1.") for unit in UNITS.iterdir()]
    (tmp_path / "deskhand-worker@1.service").symlink_to("deskhand-worker@.service")
    checked(tool("systemd-analyze"), "verify", "--man=no", *files)


def test_the_image_is_of_fixed_versions_and_without_rights() -> None:
    """Its base has a version, its packages are those of the lock with their hashes, and its user is not root."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.search(r"^ARG PYTHON=python:3\.\d+\.\d+-slim-\w+$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON}"}
    assert "--require-hashes -r requirements.lock" in text
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["10001"]
    assert "HEALTHCHECK" in text


def test_the_builder_gets_what_is_copied_and_no_secret() -> None:
    """What a checkout may hold besides, keys above all, never reaches an image."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    copied = {name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for name in line.split()}
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule[0] == "!"} == copied
    assert all((ROOT / name).exists() for name in copied)
    for secret in (".env", ".env.signer", ".deskhand", ".git", ".venv", "tests"):
        assert not any(fnmatch(secret, rule[1:]) for rule in rules if rule[0] == "!")


def test_every_service_of_ours_has_few_rights() -> None:
    """A read-only file system, no capability, none to be won, and a check of its health unless it ends by itself."""
    ours = {name: one for name, one in services().items() if name not in SERVERS}
    for name, one in ours.items():
        assert (one["read_only"], one["cap_drop"], one["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
        assert ("healthcheck" in one) == (name in {"migrate", "signer"}), name
    assert all(one["healthcheck"] for name, one in services().items() if name in SERVERS)
    assert services()["worker"]["deploy"]["replicas"] == 2
    assert {name: one["profiles"] for name, one in ours.items() if "profiles" in one} == {
        "web": ["http"],
        "socket": ["socket"],
        "signer": ["signer"],
    }


def test_only_the_signer_has_its_key_and_it_has_nothing_else() -> None:
    """Another user, another file of variables, in the compose file and among the units."""
    signer = services()["signer"]
    assert (signer["user"], signer["env_file"]) == ("10002", [".env.signer"])
    assert all(one["env_file"] == [".env"] for name, one in services().items() if name not in SERVERS | {"signer"})
    assert all(
        one["environment"]["POSTGRES_OWNER_PASSWORD"] == ""
        for one in services().values()
        if ".env" in one.get("env_file", ())
    )
    owners = {name: one["User"] for name, one in units().items()}
    assert owners.pop("signer") == "deskhand-signer"
    assert set(owners.values()) == {"deskhand"}
    assert units()["signer"]["Environment"] == "DESKHAND_ENV_FILE=/etc/deskhand/signer.env"


def test_every_unit_has_few_rights() -> None:
    """It writes only its state, wins no right, and is not started again after what an operator must mend."""
    for name, one in units().items():
        assert (one["NoNewPrivileges"], one["ProtectSystem"], one["UMask"]) == ("yes", "strict", "0077")
        assert one["CapabilityBoundingSet"] == ""
        assert one.get("RestartPreventExitStatus") == (None if name == "migrate" else "2")
