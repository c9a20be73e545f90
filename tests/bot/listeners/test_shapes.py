"""Requests that Slack has signed and that are not what we expect: each is taken or refused, none breaks anything."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.casework.heard import storable
from bot.listeners.reading import Malformed, validated
from tests.support.request_delivery import deliver_request
from tests.support.slack_requests import REQUEST_KINDS, paths_in, with_field
from tests.support.web_harness import FrontDoor

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["", "\x00", "\ud800", "x" * 300, "home", "U0MAYA", "message_changed", "view_submission", 2**70]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "ts"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


PLACES = {kind: list(paths_in(body)) for kind, body in REQUEST_KINDS.items()}


@pytest.mark.parametrize("kind", REQUEST_KINDS)
def test_what_slack_sends_is_taken(front: FrontDoor, kind: str) -> None:
    """Whatever its answer is: with its own address for answers, and what nobody listens to as well."""
    assert validated(REQUEST_KINDS[kind]) == storable(REQUEST_KINDS[kind])
    with capture_logs() as said:
        assert deliver_request(front, REQUEST_KINDS[kind]) == 200
    assert {one["event"] for one in said} <= {"job.not_queued"}


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(data=st.data())
def test_odd_fields_are_never_an_error_of_ours(front: FrontDoor, data: st.DataObject) -> None:
    """Whatever stands in up to three places of a request: it is taken or refused as a whole, and is not even logged."""
    kind = data.draw(st.sampled_from(list(REQUEST_KINDS)))
    body = REQUEST_KINDS[kind]
    for path in data.draw(st.lists(st.sampled_from(PLACES[kind]), min_size=1, max_size=3)):
        with suppress(LookupError, TypeError, AttributeError):  # an earlier change has taken the place away
            body = with_field(body, path, data.draw(ODD), gone=data.draw(st.booleans()))
    with capture_logs() as said:
        assert deliver_request(front, body) in (200, 400), body
    assert not [one for one in said if one["log_level"] in ("error", "critical")], body


@pytest.mark.parametrize("body", [None, [], "x", 1, {"type": []}, {"type": {}}, {"event": []}])
def test_what_is_no_request_at_all(body: object) -> None:
    """It is refused without a word of it."""
    with pytest.raises(Malformed) as malformed:
        validated(body)
    assert malformed.value.args == ()
