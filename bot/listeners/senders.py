"""What an event says of the workspaces that it and its sender belong to; only a look-up shows who the sender is."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.admission import Bar, NotAdmitted


def elsewhere(body: Mapping[str, Any]) -> NotAdmitted | None:
    """Return why an event itself shows that its sender does not belong to us, or None.

    In an Enterprise organisation, an event may name any workspace of a person who is also in ours. So another workspace
    is left to the look-up; another organisation is refused here.

    Args:
        body: the event with its envelope. The installation that it was sent to is in `authorizations`: the outer
            `team_id` of a channel that is shared may be the sender's.
    """
    if body.get("is_ext_shared_channel") not in (None, False):
        return NotAdmitted(Bar.SHARED, "is_ext_shared_channel")
    organisation = _installation(body).get("enterprise_id") or body.get("context_enterprise_id")
    home = [team for team in (installed_in(body), organisation) if team]
    if not home:
        return None  # without our own workspace there is nothing to compare with
    foreign = [name for name, team in _teams(body) if team not in home and not (organisation and _is_workspace(team))]
    return NotAdmitted(Bar.ELSEWHERE, ", ".join(foreign)) if foreign else None


def installed_in(body: Mapping[str, Any]) -> str:
    """Return the workspace whose installation of the app got an event; empty when it does not say."""
    found = _installation(body).get("team_id") or body.get("context_team_id") or body.get("team_id")
    return found if isinstance(found, str) else ""


def _installation(body: Mapping[str, Any]) -> Mapping[str, Any]:
    given = body.get("authorizations")
    first = given[0] if isinstance(given, list) and given else {}
    return first if isinstance(first, Mapping) else {}


def _teams(body: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the teams that an event gives for its sender, each with the name of its field."""
    event = body.get("event")
    event = event if isinstance(event, Mapping) else {}
    profile = event.get("user_profile")
    for name, team in (
        *((name, event.get(name)) for name in ("user_team", "source_team", "team")),
        ("user_profile.team", profile.get("team") if isinstance(profile, Mapping) else None),
    ):
        if team is not None:
            yield name, team


def _is_workspace(team: object) -> bool:
    return isinstance(team, str) and team.startswith("T")
