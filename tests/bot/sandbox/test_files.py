"""What a file's permalink opens."""

import urllib.error
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


def shared(workspace: Any, **file: Any) -> dict[str, Any]:
    """Share a file as a person and return its card."""
    workspace.say("U0MAYA", "C0HELP", "", files=[file])
    card: dict[str, Any] = workspace.sees("U0MAYA")["messages"]["C0HELP"][-1]["files"][0]
    return card


def fetched(workspace: Any, address: str) -> Any:
    """Ask for an address of the workspace."""
    return workspace.open(address.removeprefix(workspace.base), Authorization="Bearer xoxb-local")


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ({"name": "log.txt", "content": "line one"}, "line one"),
        ({"name": "evil.html", "content": "<script>alert(1)</script>"}, "<script>alert(1)</script>"),
        ({"name": "screen.png", "size": 1234}, "screen.png, 1234 bytes."),
    ],
)
def test_a_permalink_opens_a_file(workspace: Any, file: dict[str, Any], shown: str) -> None:
    """A text is shown as text, whatever it holds; of a file without its content what is known is said."""
    with fetched(workspace, shared(workspace, **file)["permalink"]) as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
        assert response.read().decode().startswith(shown)


def test_what_is_neither_text_nor_picture_is_saved(workspace: Any) -> None:
    """The browser is told to keep it, not to open it."""
    with fetched(workspace, shared(workspace, name="a.pdf", content="%PDF")["permalink"]) as response:
        assert response.headers["Content-Disposition"] == "attachment"


def test_a_file_that_is_not_there_is_said(workspace: Any) -> None:
    """A permalink of nothing is a 404 in words, and so is its content."""
    for path in ("/files/U0MAYA/F0NONE/a.txt", "/files-pri/T0DESKHAND-F0NONE/a.txt"):
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            fetched(workspace, path)
        caught.value.close()


def test_the_app_deletes_a_file_of_its_own(workspace: Any) -> None:
    """Its permalink opens nothing then; a person's file stays, and what is not there is said."""
    client = workspace.slack
    mine = client.files_upload_v2(channel="C0HELP", content="words", filename="a.txt")["file"]
    theirs = shared(workspace, name="log.txt", content="line one")
    client.files_delete(file=mine["id"])
    for file, error in ((mine["id"], "file_not_found"), (theirs["id"], "cant_delete_file")):
        with pytest.raises(SlackApiError, match=error):
            client.files_delete(file=file)
    with fetched(workspace, theirs["permalink"]) as response:
        assert response.read() == b"line one"
