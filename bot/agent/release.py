"""A release: everything that decides how an agent behaves, under one content hash.

If the prompt, model, a tool, a limit or a line of the loop changes, it is another release, which serves only after an
evaluation of its own.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.agent import categories as kinds
from bot.agent.card import Agent
from bot.delegation import hashing
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
CODE = (
    *("agent/**/*.py", "agent/**/*.yaml", "tools/*.py", "policy/*.py"),
    *("principals.py", "admission.py", "markup.py", "casework/beforehand.py"),
)
"""The code that decides behaviour, below `bot/`.
So `bot/agent/` holds only what plays a turn: who is told of it, and who may act, is decided elsewhere.
"""
PROVIDER = "anthropic"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"Addresses of this machine: their ports differ from start to start, so they are no part of a release."
DECIDES = ("policy/", "tools/", "principals.py")
"The code among it that decides whether a tool may run."


@dataclass(frozen=True, slots=True)
class ReleaseId:
    """An agent frozen by its content."""

    agent: str
    digest: str
    body: dict[str, Any]
    policy: str
    "SHA-256 of what the policy decides by: the card's grants and rules, the tools, and the code of both."
    files: Mapping[str, str] = field(default_factory=dict, compare=False)
    "The texts of its folder's files, by name; they are kept beside the body and are no part of the hash."

    def __str__(self) -> str:
        return f"{self.agent}@{self.digest[:8]}"


def release_of(settings: Settings, agent: Agent) -> ReleaseId:
    """Return the release that this process would serve."""
    return fingerprint(agent, model=model_of(settings, agent), endpoint=settings.anthropic_base_url)


def model_of(settings: Settings, agent: Agent) -> str:
    """Return the model that this process calls for an agent."""
    return settings.deskhand_model or agent.card.model


def fingerprint(agent: Agent, *, model: str, endpoint: str | None) -> ReleaseId:
    """Freeze an agent as it would serve now.

    Args:
        agent: the agent with its card, prompt and tools.
        model: the model id that will be called.
        endpoint: the model's address; None for the vendor's own.
    """
    card = agent.card
    body: dict[str, Any] = {
        "provider": PROVIDER,
        "model": model,
        "endpoint": _address(endpoint),
        "prompt": _sha(agent.prompt),
        "tools": _sha(json.dumps([tool.schema() for tool in agent.tools])),  # the model reads their order, too
        "limits": card.limits.model_dump(mode="json"),
        "scope": {"tools": list(card.tools), "tools_in": {k: list(v) for k, v in card.tools_in.items()}},
        "needs_account": list(card.needs_account),
        "solved": card.solved,
        "categories": list(kinds.chosen_by("agent", card.categories)),
        "accounts": card.accounts.model_dump(mode="json"),
        "approvals": {name: terms.model_dump(mode="json") for name, terms in card.approvals.items()},
        "links": list(card.links),
        "admission": card.admission.model_dump(mode="json"),
        **_code(),
    }
    decides = {name: body[name] for name in ("scope", "needs_account", "accounts", "approvals")}
    decides["code"] = {file: sha for file, sha in body["code"].items() if file.startswith(DECIDES)}
    return ReleaseId(card.name, _sha(json.dumps(body, sort_keys=True)), body, hashing.of_values(decides), agent.files)


@cache
def _code() -> Mapping[str, Any]:
    """Return the code that this process runs; it is read once, as a file that changes later does not run here."""
    files = sorted(file for pattern in CODE for file in ROOT.glob(pattern))
    return {
        "code": {str(file.relative_to(ROOT)): _sha(file.read_text()) for file in files},
        "sdk": version("anthropic"),
        "deskhand": version("deskhand"),
    }


def _address(endpoint: str | None) -> str:
    """Return where the model is asked, without what is secret or by chance: credentials, and a local port."""
    if endpoint is None:
        return "vendor"
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    port = "" if parts.port is None or host in LOOPBACK else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
