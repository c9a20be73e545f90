"""The shapes of Slack's requests: the fields that our listeners or Bolt read.

Fields that nothing reads may have any value; a kind of request that has no listener is accepted and dropped. The shapes
need no nulls: `bot.listeners.reading` drops them, with all values of a wrong type, and fills in what it can. A field is
required only where nothing can be done without it: which message it is about, or who has pressed which button.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Json = dict[str, Any]

LONGEST_ADDRESS = 2_000
"The most characters of an address."
LATEST = 10**11
"The latest time of a request, in seconds since 1970: in some thousand years."

Id = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")]
"The id of a person, channel, team, message or event: one word of ASCII characters."
Name = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{0,255}$")]
"An id that may be empty, or a keyword of Slack."
Address = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=LONGEST_ADDRESS)]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Named(_Shape):
    id: Id


class _Perhaps(_Shape):
    """An object in which Bolt looks for ids."""

    id: Name | None = None
    team_id: Name | None = None
    enterprise_id: Name | None = None


class _Owner(_Shape):
    enterprise_id: Name | None = None
    team_id: Name | None = None
    user_id: Name | None = None
    is_enterprise_install: bool | None = None


class _Where(_Shape):
    """What Bolt reads at the top of a request and again in its event."""

    type: Name | None = None
    team: Name | _Perhaps | None = None
    enterprise: Name | _Perhaps | None = None
    user: Name | _Perhaps | None = None
    channel: Name | _Perhaps | None = None
    team_id: Name | None = None
    user_id: Name | None = None
    channel_id: Name | None = None
    enterprise_id: Name | None = None
    user_team: Name | None = None
    source_team: Name | None = None
    thread_ts: Name | None = None
    bot_id: Name | None = None
    authorizations: list[_Owner] | None = None
    item: "_Where | str | None" = None
    assistant_thread: "_Where | None" = None
    function_execution_id: Name | None = None


class _MessageBody(_Shape):
    """A message in an event, and in an edit of it."""

    subtype: Name | None = None
    user: Name | None = None
    bot_id: Name | None = None
    text: str | None = None
    ts: Name | None = None
    thread_ts: Name | None = None


class _View(_Shape):
    id: Name | None = None
    team_id: Name | None = None
    app_installed_team_id: Name | None = None
    type: Name | None = None
    callback_id: str | None = None


class _Event(_Where):
    subtype: Name | None = None
    message: _MessageBody | str | None = None
    previous_message: _MessageBody | str | None = None
    view: Json | None = None


class RequestBody(_Where):
    """The fields that Bolt reads in every request, whatever listener it has."""

    event: _Event | None = None
    message: _MessageBody | str | None = None
    view: _View | None = None
    callback_id: str | None = None
    action_id: str | None = None
    function_data: Json | None = None
    response_urls: list[Json] | None = None


class _AnyEvent(_Shape):
    event: _Event


class _File(_Shape):
    pass


class _Message(_MessageBody):
    channel: Id
    channel_type: Name | None = None
    team: Name | None = None
    deleted_ts: Name | None = None
    files: list[_File] | None = None
    message: _MessageBody | None = None
    previous_message: _MessageBody | None = None


class _MessageEvent(_Shape):
    class _New(_Message):
        ts: Id

    event_id: Id
    event: _New


class _ChangeEvent(_Shape):
    event_id: Id
    event: _Message


class _Opened(_Shape):
    user: Id
    tab: Name | None = None


class _HomeEvent(_Shape):
    team_id: Name | None = None
    event: _Opened


class _MemberEvent(_Shape):
    class _Changed(_Shape):
        user: _Named | None = None

    event: _Changed


class _StopEvent(_Shape):
    class _Stopped(_Shape):
        user: Name | None = None
        channel: Name | None = None
        channel_id: Name | None = None
        thread_ts: Name | None = None

    event_id: Id
    team_id: Name | None = None
    event: _Stopped


class _Container(_Shape):
    channel_id: Name | None = None
    message_ts: Name | None = None
    thread_ts: Name | None = None


class _Action(_Shape):
    action_id: str
    block_id: str | None = None
    type: str | None = None


class _Person(_Named):
    team_id: Name | None = None


class _Click(_Shape):
    user: _Person
    team: _Perhaps | None = None
    trigger_id: Id
    actions: Annotated[list[_Action], Field(min_length=1)]
    container: _Container | None = None
    channel: _Perhaps | None = None


class _Option(_Shape):
    pass


class _Value(_Shape):
    value: str | None = None
    selected_option: _Option | None = None
    selected_user: Name | None = None


class _State(_Shape):
    values: dict[str, dict[str, _Value]]


class _Submitted(_Shape):
    id: Id
    callback_id: str
    private_metadata: str | None = None
    state: _State


class _Submission(_Shape):
    user: _Person
    team: _Perhaps | None = None
    view: _Submitted


class _Command(_Shape):
    command: Id
    trigger_id: Id
    team_id: Name
    channel_id: Name
    user_id: Id
    text: str = ""
    response_url: Address | None = None


class _About(_Shape):
    ts: Id
    thread_ts: Name | None = None


class _Shortcut(_Shape):
    callback_id: str
    trigger_id: Id
    team: _Perhaps | None = None
    channel: _Named
    user: _Person
    message: _About
    response_url: Address | None = None


class _Question(_Shape):
    challenge: str


class _Dropped(_Shape):
    minute_rate_limited: Annotated[int, Field(ge=0, le=LATEST)] | None = None


_CHANGES = frozenset({"message_changed", "message_deleted"})
_EVENTS: dict[object, type[BaseModel]] = {
    "app_mention": _MessageEvent,
    "message": _MessageEvent,
    "app_home_opened": _HomeEvent,
    "user_change": _MemberEvent,
    "agent_session_stopped": _StopEvent,
}
_KINDS: dict[object, type[BaseModel]] = {
    "url_verification": _Question,
    "app_rate_limited": _Dropped,
    "block_actions": _Click,
    "view_submission": _Submission,
    "message_action": _Shortcut,
}


def of(body: Json) -> type[BaseModel]:
    """Return the shape of a kind of request; without a listener for it, only that of every request.

    Args:
        body: a valid `RequestBody`.
    """
    kind = body.get("type")
    if kind == "event_callback":
        event = body.get("event") or {}
        if event.get("subtype") in _CHANGES:
            return _ChangeEvent
        return _EVENTS.get(event.get("type"), _AnyEvent)
    if kind is None and "command" in body:
        return _Command
    return _KINDS.get(kind, RequestBody)
