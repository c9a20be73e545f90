"""What an event says of where it was sent to and of its sender (`bot.listeners.senders`)."""

import pytest

from bot.admission import Bar
from bot.listeners import senders
from tests.support.json_object import Json

SHARED = {"is_ext_shared_channel": True}
HOME = {"team_id": "T0DESKHAND", "authorizations": [{"team_id": "T0DESKHAND", "enterprise_id": None}]}
AT_GRID = {"team_id": "T0DESKHAND", "authorizations": [{"team_id": "T0DESKHAND", "enterprise_id": "E0NORTH"}]}


@pytest.mark.parametrize(
    ("body", "barred"),
    [
        ({**HOME, "event": {"team": "T0DESKHAND"}}, None),
        ({**HOME, "event": {}}, None),
        ({**HOME, "event": {"team": "T0DESKHAND"}, "is_ext_shared_channel": False}, None),
        ({**HOME, "event": {"team": "T0DESKHAND"}, **SHARED}, Bar.SHARED),
        ({**HOME, "event": {"team": "T0DESKHAND"}, "is_ext_shared_channel": "true"}, Bar.SHARED),
        ({**HOME, "event": {"team": "T0PARTNER"}}, Bar.ELSEWHERE),
        ({**HOME, "team_id": "T0PARTNER", "event": {"team": "T0PARTNER"}}, Bar.ELSEWHERE),
        ({**HOME, "event": {"team": "T0DESKHAND", "user_team": "T0PARTNER"}}, Bar.ELSEWHERE),
        ({**HOME, "event": {"team": "T0DESKHAND", "source_team": "E0PARTNER"}}, Bar.ELSEWHERE),
        ({**HOME, "event": {"user_profile": {"team": "T0PARTNER"}}}, Bar.ELSEWHERE),
        ({**HOME, "event": {"user_team": ["T0DESKHAND"]}}, Bar.ELSEWHERE),
        ({**HOME, "event": {"user_team": {}}}, Bar.ELSEWHERE),
        ({**AT_GRID, "event": {"user_team": "E0NORTH", "team": "T0DESKHAND"}}, None),
        ({**AT_GRID, "event": {"user_team": "T0SISTER", "source_team": "T0SISTER", "team": "T0SISTER"}}, None),
        ({**AT_GRID, "event": {"team": "T0SISTER", "user_profile": {"team": "T0SISTER"}}}, None),
        ({**AT_GRID, "event": {"team": "T0SISTER"}, **SHARED}, Bar.SHARED),
        ({**AT_GRID, "event": {"user_team": "E0OTHER", "team": "T0DESKHAND"}}, Bar.ELSEWHERE),
        ({**AT_GRID, "event": {"user_team": ["T0SISTER"]}}, Bar.ELSEWHERE),
        ({"team_id": "T0DESKHAND", "event": {"team": "T0DESKHAND"}}, None),
        ({"event": {"team": "T0DESKHAND"}}, None),
        ({"team_id": "T0DESKHAND", "authorizations": "T0PARTNER", "event": {"team": "T0PARTNER"}}, Bar.ELSEWHERE),
        ({"team_id": "T0DESKHAND", "event": None}, None),
    ],
)
def test_an_event_says_where_its_sender_belongs(body: Json, barred: Bar | None) -> None:
    """Against the installation that it was sent to, whose outer team in a shared channel may be the sender's.

    In an Enterprise organisation a workspace of another name says nothing yet: its members may be in ours too.
    """
    found = senders.elsewhere(body)
    assert (found and found.why) == barred


@pytest.mark.parametrize(
    ("body", "team"),
    [
        ({**HOME, "team_id": "T0PARTNER", "context_team_id": "T0CONTEXT"}, "T0DESKHAND"),
        ({"authorizations": [], "team_id": "T0PARTNER", "context_team_id": "T0DESKHAND"}, "T0DESKHAND"),
        (
            {"authorizations": [{"team_id": None}], "team_id": "T0PARTNER", "context_team_id": "T0DESKHAND"},
            "T0DESKHAND",
        ),
        ({"team_id": "T0DESKHAND", "context_team_id": None}, "T0DESKHAND"),
        ({"context_team_id": ["T0DESKHAND"]}, ""),
        ({}, ""),
    ],
)
def test_the_installation_is_never_the_senders_team(body: Json, team: str) -> None:
    """`authorizations` says it, else the context of the event; the outer team only where neither does."""
    assert senders.installed_in(body) == team
