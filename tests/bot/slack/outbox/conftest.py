"""A thread that a requester has opened."""

import pytest

from tests.support.local_workspace import LocalWorkspace


@pytest.fixture
def thread(workspace: LocalWorkspace) -> str:
    """Return the thread in the help channel that a requester has opened."""
    return workspace.say("U0MAYA", "C0HELP", "I cannot sign in")
