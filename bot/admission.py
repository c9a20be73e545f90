"""Decides who may ask, from what Slack says of a person: `Admitted` or `NotAdmitted`. Pure, total, default deny.

A signature proves that a message came from a user id, and nothing else: the id may belong to another organisation,
a guest or an app, and a profile shows whatever address its owner has typed. So a person is admitted only by an answer
of `users.info` in which every field that could say "not a confirmed member" says the opposite.

What an absent field means, by Slack's reference (docs.slack.dev/reference/objects/user-object, and its page on
Slack Connect):

- Every active member has `team_id`, `deleted`, `is_bot`, `is_restricted` and `is_ultra_restricted`. A person is not
  admitted when one of them is missing, null or of another type.
- In an Enterprise organisation, `team_id` may name the organisation or another workspace of the person, or be absent.
  There `enterprise_user.teams` says who is in our workspace.
- `is_stranger` is true only for members of another workspace with whom we share no channel. False, or no such field,
  says nothing: `team_id` alone shows who shares a channel with us.
- `is_email_confirmed`, `is_invited_user`, `is_forgotten`, `enterprise_user` and `profile.team` may be absent. Where
  they are there, they count.
- `is_app_user` marks somebody who has authorized the calling app. It says nothing about their workspace.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from bot.principals import GuestPolicy

ALWAYS_SAID = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")
"Flags that Slack sets, true or false, for every active member."
NEUTRAL = frozenset(
    {"is_admin", "is_owner", "is_primary_owner", "is_app_user", "is_email_confirmed", "is_custom_image"}
)
"Flags that may be true of a full member."
_APPS = re.compile(r"bot(_|$)|workflow|is_app$")
_GONE = re.compile(r"deleted|forgotten|deactivat|suspend|disabled")
_GUESTS = re.compile(r"restrict|guest")
_NOT_JOINED = re.compile(r"invited|pending|unconfirmed|unverified")
_ELSEWHERE = re.compile(r"stranger|extern|foreign|partner|connect|outsider|unknown|anonym|shared|remote")
_ADDRESS = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9-]+(\.[a-z0-9-]+)+")
SLACKBOT = "USLACKBOT"
"The only app that Slack does not mark as an app."


class Bar(StrEnum):
    """Why somebody is not admitted."""

    ELSEWHERE = "elsewhere"
    SHARED = "shared"
    APP = "app"
    GONE = "gone"
    GUEST = "guest"
    NOT_JOINED = "not_joined"
    ADDRESS = "address"
    UNCLEAR = "unclear"
    UNSEEN = "unseen"


TOLD_OF = {
    Bar.GUEST: "The requester is a guest of this workspace.",
    Bar.ADDRESS: "Slack shows no confirmed, plain e-mail address of the requester.",
    Bar.UNCLEAR: "What Slack says of the requester is incomplete or contradicts itself.",
    Bar.UNSEEN: "Slack does not say who the requester is.",
}
"What a person who takes over must know, by the reason for which the requester was not admitted."
NOT_ADMITTED = "The requester was not admitted."


@dataclass(frozen=True, slots=True)
class Installation:
    """The workspace that our token belongs to, as Slack answers for the token itself."""

    team: str
    enterprise: str | None
    "Id of the Enterprise organisation that the workspace is part of; None without one."


@dataclass(frozen=True, slots=True)
class Rules:
    """The people that an agent's card admits besides the full members of the workspace."""

    guests: GuestPolicy = GuestPolicy.REFUSE
    organisation: bool = False
    "Whether members of other workspaces of the same Enterprise organisation are admitted."


@dataclass(frozen=True, slots=True)
class Member:
    """What Slack says of one user id, as far as admission depends on it."""

    id: str
    team: str | None
    profile_team: str | None
    enterprise: str | None
    "Id of the Enterprise organisation whose member they are."
    workspaces: tuple[str, ...]
    "The workspaces of that organisation that they are in."
    flags: tuple[str, ...]
    "Names of the flags that are true, those of the profile included: `deleted`, `is_stranger`."
    unconfirmed: bool
    "Slack says that their address is not confirmed."
    email: str | None
    odd: tuple[str, ...]
    "Names of the fields that are missing or of a wrong type."
    zone: str | None = None
    "The name of their time zone, as in `Europe/Berlin`."
    locale: str | None = None
    "The language that they have set, as in `de-DE`."

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Member | None":
        """Return a member from stored JSON, or None when another version of the code stored it with other fields."""
        if set(kept) != {one.name for one in fields(cls)}:
            return None
        values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in kept.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A member, and the address by which their account may be looked up in the directory."""

    user: str
    email: str
    "ASCII, in lower case."
    guest: bool = False


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """A requester who is not admitted: nothing they write reaches the directory or the model."""

    why: Bar
    because: str
    "The fields that decided it, for the audit log."
    to_person: bool = False
    "Whether a person is called in, since the requester may be a member after all."

    @property
    def summary(self) -> str:
        """Return the summary for the person who takes over."""
        return f"{TOLD_OF.get(self.why, NOT_ADMITTED)} Make sure who they are before you touch an account."


def read(card: Mapping[str, Any]) -> Member:
    """Read the user object of an answer of `users.info`; no content makes it fail."""
    odd: list[str] = []
    profile = _part(card, "profile", odd)
    enterprise = _part(card, "enterprise_user", odd)
    nested = [*_flags(profile, "profile.", odd), *_flags(enterprise, "enterprise_user.", odd)]
    odd += [name for name in ALWAYS_SAID if not isinstance(card.get(name), bool)]
    teams = enterprise.get("teams", [])
    if not isinstance(teams, list) or not all(isinstance(team, str) for team in teams):
        odd.append("enterprise_user.teams")
        teams = []
    if enterprise and not isinstance(enterprise.get("enterprise_id"), str):
        odd.append("enterprise_user.enterprise_id")
    bots = ["profile.bot_id"] if profile.get("bot_id") else []
    return Member(
        id=_text(card, "id", odd) or "",
        team=_text(card, "team_id", odd),
        profile_team=_text(profile, "team", odd, of="profile."),
        enterprise=_text(enterprise, "enterprise_id", odd, of="enterprise_user."),
        workspaces=tuple(teams),
        flags=(*_flags(card, "", odd), *nested, *bots),
        unconfirmed=card.get("is_email_confirmed", True) is not True,
        email=_text(profile, "email", odd, of="profile."),
        odd=tuple(dict.fromkeys(odd)),
        zone=_text(card, "tz", []),
        locale=_text(card, "locale", []),
    )


def membership(member: Member, *, user: str, ours: Installation, rules: Rules) -> NotAdmitted | None:
    """Return why somebody is not a member whom a card admits, or None when they are.

    Args:
        member: what Slack says now.
        user: the id that Slack was asked about.
        ours: our own workspace.
        rules: the card's rules.
    """
    if member.id != user:
        return NotAdmitted(Bar.UNCLEAR, "id", to_person=True)
    if elsewhere := sorted(_elsewhere(member, ours, rules)):
        return NotAdmitted(Bar.ELSEWHERE, ", ".join(elsewhere))
    for why, pattern in ((Bar.APP, _APPS), (Bar.GONE, _GONE), (Bar.NOT_JOINED, _NOT_JOINED)):
        if flags := _flags_like(member, pattern):
            return NotAdmitted(why, flags)
    if user == SLACKBOT:
        return NotAdmitted(Bar.APP, "id")
    if member.odd:
        return NotAdmitted(Bar.UNCLEAR, ", ".join(member.odd), to_person=True)
    guest = _flags_like(member, _GUESTS)
    return _of_guest(guest, rules.guests) if guest else None


def admit(member: Member, *, user: str, ours: Installation, rules: Rules) -> Admitted | NotAdmitted:
    """Decide whether somebody's account may be looked up: only that of a member with a confirmed, plain address.

    Args:
        member: what Slack says now.
        user: the id that Slack was asked about.
        ours: our own workspace.
        rules: the card's rules.
    """
    barred = membership(member, user=user, ours=ours, rules=rules)
    if barred is not None:
        return barred
    if member.unconfirmed:
        return NotAdmitted(Bar.ADDRESS, "is_email_confirmed", to_person=True)
    email = plain(member.email)
    if email is None:
        return NotAdmitted(Bar.ADDRESS, "profile.email", to_person=True)
    return Admitted(user, email, guest=bool(_flags_like(member, _GUESTS)))


def plain(email: str | None) -> str | None:
    """Return an address in the form that is compared: with its ASCII letters in lower case.

    None for an address that is not plain ASCII, or has quotes, comments or spaces. Letters that only look alike, or
    become alike when they are normalised or folded (fullwidth, the Kelvin sign, a dotless i), are another address.
    """
    if email is None or not email.isascii():
        return None
    lowered = email.lower()
    return lowered if _ADDRESS.fullmatch(lowered) else None


def is_app(member: Member) -> bool:
    """Return whether Slack says that a user is an app and not a person."""
    return member.id == SLACKBOT or bool(_flags_like(member, _APPS))


def seems_full(member: Member) -> bool:
    """Return whether every flag fits a full member; their workspace is not checked."""
    patterns = (_GONE, _NOT_JOINED, _GUESTS, _ELSEWHERE)
    return not is_app(member) and not any(_flags_like(member, pattern) for pattern in patterns)


def homes(member: Member, ours: Installation) -> set[str | None]:
    """Return the team ids that Slack may give for a member of ours; None is among them if it may give none."""
    if ours.enterprise is None or member.enterprise != ours.enterprise or ours.team not in member.workspaces:
        return {ours.team}
    return {ours.team, ours.enterprise, *member.workspaces, None}


def _of_guest(flags: str, policy: GuestPolicy) -> NotAdmitted | None:
    match policy:
        case GuestPolicy.REFUSE:
            return NotAdmitted(Bar.GUEST, flags)
        case GuestPolicy.HANDOFF:
            return NotAdmitted(Bar.GUEST, flags, to_person=True)
        case GuestPolicy.SERVE:
            return None


def _elsewhere(member: Member, ours: Installation, rules: Rules) -> Iterator[str]:
    """Yield the fields that show, by what they say or by their absence, that somebody does not belong to us."""
    home, related = homes(member, ours), ours.enterprise is not None and member.enterprise == ours.enterprise
    if related and rules.organisation:
        home |= {ours.enterprise, *member.workspaces, *([None] if member.workspaces else [])}
    if member.team not in home:
        yield "team_id"
    if member.profile_team not in home | {ours.enterprise, None}:
        yield "profile.team"
    if member.enterprise is not None and not related:
        yield "enterprise_user.enterprise_id"
    elif related and not rules.organisation and ours.team not in member.workspaces:
        yield "enterprise_user.teams"
    yield from (flag for flag in member.flags if _ELSEWHERE.search(flag))


def _flags_like(member: Member, pattern: re.Pattern[str]) -> str:
    return ", ".join(sorted(flag for flag in member.flags if pattern.search(flag)))


def _flags(part: Mapping[str, Any], of: str, odd: list[str]) -> list[str]:
    """Return the flags of a part of a user object that are true and not neutral; add malformed ones to `odd`."""
    names = [name for name in part if isinstance(name, str) and (name.startswith("is_") or name == "deleted")]
    odd += [of + name for name in names if not isinstance(part[name], bool)]
    return [of + name for name in names if part[name] is True and name not in NEUTRAL]


def _part(card: Mapping[str, Any], name: str, odd: list[str]) -> Mapping[str, Any]:
    """Return a nested object, empty when it is missing; anything else in its place is added to `odd`."""
    part = card.get(name)
    if part is None or isinstance(part, Mapping):
        return part or {}
    odd.append(name)
    return {}


def _text(part: Mapping[str, Any], name: str, odd: list[str], *, of: str = "") -> str | None:
    """Return a text field, None when it is missing; a value of another type is added to `odd`."""
    value = part.get(name)
    if value is None or isinstance(value, str):
        return value or None
    odd.append(of + name)
    return None
