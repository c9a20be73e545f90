"""What is too long for a few messages, as a file: shared once, whatever is lost, and gone when it is taken back."""

import pytest

from bot.slack.api.client import WebClient
from bot.slack.outbox import enclosures, outbox
from bot.store.db import Database
from bot.store.outbox import messages
from tests.support.delivery_steps import due
from tests.support.factories import message, store
from tests.support.local_workspace import LocalWorkspace

WHOLE = "every word\n" * 4_000
BODY = {"text": "All of it, as a file.", "file": {"name": "whole.txt", "content": WHOLE}}
SHARE = "files.completeUploadExternal"


def shown(workspace: LocalWorkspace) -> list[str]:
    """Return the ids of files that stand in the help channel, each time that one does."""
    spoken = workspace.world.state.channels["C0HELP"].messages.values()
    return [file["id"] for one in spoken if one.get("bot_id") for file in one.get("files") or ()]


def test_a_file_is_shared_in_its_thread_and_known(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Its content is whole; where it stands and which file it is are written down."""
    store(database, "file", body=BODY, thread_ts=thread)
    assert outbox.deliver(database, client) == 1
    [file_id] = shown(workspace)
    assert workspace.world.state.files[file_id].content.decode() == WHOLE
    row = message(database, "file")
    placed = workspace.world.state.channels["C0HELP"].messages[str(row.ts)]
    assert (row.state, row.file_id, placed["thread_ts"]) == ("posted", file_id, thread)


@pytest.mark.parametrize(
    ("method", "kind"),
    [(SHARE, "drop_answer"), (SHARE, "http_500"), (SHARE, "rate_limit"), ("files.getUploadURLExternal", "drop_answer")],
)
def test_a_file_is_shared_once_whatever_is_lost(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str, method: str, kind: str
) -> None:
    """Answer lost, Slack broken, too fast: it is looked for, and stands there once in the end."""
    store(database, "file", body=BODY, thread_ts=thread)
    workspace.faults({"method": method, "kind": kind, "times": 1})
    for _ in range(3):
        outbox.deliver(database, client)
        if message(database, "file").state != "posted":
            due(database, "file")
    [file_id] = shown(workspace)
    assert (message(database, "file").state, message(database, "file").file_id) == ("posted", file_id)
    sent = {name for name, file in workspace.world.state.files.items() if file.content}
    assert sent == {file_id}, "one that was not found is deleted, or it could come up late"


def test_a_file_that_is_taken_back_is_gone(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """The message and the bytes: whoever deleted their words does not leave them in a file."""
    store(database, "file", body=BODY, thread_ts=thread)
    outbox.deliver(database, client)
    with database.write() as session:
        assert messages.take_back(session, "file")
    outbox.deliver(database, client)
    assert shown(workspace) == []
    assert workspace.world.state.files == {}


def test_without_the_scope_it_is_said_where_the_words_are(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """An installation that has not been given the right to share files yet holds up nothing behind it."""
    store(database, "file", body=BODY, thread_ts=thread)
    store(database, "next", thread_ts=thread)
    workspace.faults({"method": "files.getUploadURLExternal", "kind": "fail", "error": "missing_scope", "times": -1})
    outbox.deliver(database, client)
    spoken = [one["text"] for one in workspace.world.state.channels["C0HELP"].messages.values() if one.get("bot_id")]
    assert "files:write" in spoken[0]
    assert len(spoken) == 2


def test_a_file_for_a_person_goes_to_their_conversation(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Slack shows no file by a person's id; a message opens the conversation, once, whatever fails after it."""
    store(database, "file", body=BODY, channel="U0PRIYA")
    workspace.faults({"method": SHARE, "kind": "rate_limit", "times": 1})
    for _ in range(2):
        outbox.deliver(database, client)
        due(database, "file")
    direct = workspace.world.state.dm("U0PRIYA")
    head, file = direct.messages.values()
    assert (head["text"], file["thread_ts"]) == (BODY["text"], head["ts"])
    row = message(database, "file")
    assert (row.state, row.channel, row.ts) == ("posted", direct.id, file["ts"])
    assert [one["id"] for one in file["files"]] == [row.file_id]


@pytest.mark.parametrize("method", [SHARE, "files.getUploadURLExternal"])
def test_a_file_that_slack_refuses_is_not_missed_in_silence(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str, method: str
) -> None:
    """The message above it promises all of it below."""
    workspace.faults({"method": method, "kind": "fail", "error": "file_upload_size_restricted", "times": -1})
    store(database, "file", body=BODY, thread_ts=thread)
    outbox.deliver(database, client)
    said = [one["text"] for one in workspace.world.state.channels["C0HELP"].messages.values() if one.get("bot_id")]
    assert (said, message(database, "file").state) == ([enclosures.NOT_TAKEN["text"]], "posted")


def test_a_file_whose_channel_is_gone_goes_elsewhere(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """As a file: neither it nor a word in its place is taken there."""
    store(database, "file", body=BODY, channel="C0GONE")
    outbox.deliver(database, client, elsewhere=lambda delivery, _code: ("U0PRIYA", delivery.body))
    _head, file = workspace.world.state.dm("U0PRIYA").messages.values()
    assert file["files"][0]["name"] == "whole.txt"


def test_a_file_that_cannot_hold_all_of_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands above it must be true."""
    monkeypatch.setattr(enclosures, "LONGEST", 100)
    bodies = [{"text": "a", "blocks": []}] * 4
    for whole, words in (("x" * 100, "All of it"), ("x" * 101, "The first 100 characters")):
        *_, file = enclosures.few(bodies, whole)
        assert (file["text"].startswith(words), len(file["file"]["content"])) == (True, 100)
