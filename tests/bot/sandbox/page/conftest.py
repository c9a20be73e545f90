"""A browser on the page, and a bot that opens modals."""

import json
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from tests.support.live_server import PATIENCE
from tests.support.local_workspace import LocalWorkspace, ToldRequest
from tests.support.page_blocks import REASSIGN_MODAL, RESOLVE_MODAL
from tests.support.page_browser import complaints, open_page

__all__ = ["complaints", "open_page", "workspace"]


@pytest.fixture
def workspace(
    serve_workspace: Callable[..., LocalWorkspace], request: pytest.FixtureRequest
) -> Iterator[LocalWorkspace]:
    """Teach the bot to open a modal on `resolve`, to judge what is submitted, and not to answer on `claim`.

    A parameter says how many seconds the workspace waits for an answer.
    """
    workspace, over = serve_workspace(answer_seconds=getattr(request, "param", PATIENCE)), Event()

    def answer(heard: ToldRequest) -> tuple[int, str]:
        payload = heard.body
        if payload["type"] == "view_submission":
            text = payload["view"]["state"]["values"]["what"]["text"]["value"]
            complaint = {"response_action": "errors", "errors": {"what": "Say a little more."}}
            return 200, json.dumps(complaint) if len(text) < 10 else ""
        action = payload["actions"][0]["action_id"] if payload["type"] == "block_actions" else ""
        if action in {"resolve", "reassign"}:
            workspace.slack.views_open(
                trigger_id=payload["trigger_id"], view=RESOLVE_MODAL if action == "resolve" else REASSIGN_MODAL
            )
        if action == "claim":
            over.wait(PATIENCE)
        return 200, ""

    workspace.bot.answer = answer
    yield workspace
    over.set()
