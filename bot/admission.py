"""Who may ask: from what Slack says of a person to `Admitted` or `NotAdmitted`. Pure, total, default deny.

A signature proves that a message came from a user id, and nothing else: the id may be another organisation's,
a guest's or an app's, and a profile shows whatever address its owner has typed. So a person is admitted only by
an answer of `users.info` in which every field that could say "not a confirmed member" says the opposite.

What an absent field means, by Slack's reference (docs.slack.dev/reference/objects/user-object, and its page on
Slack Connect):

- `team_id`, `deleted`, `is_bot`, `is_restricted` and `is_ultra_restricted` are there for every living member. A person
  of whom one is missing, null or of another type is not admitted.
- In an Enterprise organisation `team_id` may name it, or another workspace of somebody who is in several, or be absent.
  There `enterprise_user.teams` says who is in ours.
- `is_stranger` is true only for those of another workspace with whom we share no channel. False, or no such field,
  says nothing: those with whom we do share a channel are known by `team_id` alone.
- `is_email_confirmed`, `is_invited_user`, `is_forgotten`, `enterprise_user` and `profile.team` may be absent. What
  they say counts.
- `is_app_user` marks somebody who has authorized the calling app. It says nothing about where they belong.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Literal

GuestPolicy = Literal["refuse", "handoff", "serve"]
"What becomes of a guest's request: one sentence, a person, or the same as a member's."

ALWAYS_SAID = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")
"Slack says each of these of every living member."
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
"The one app of which Slack says that it is none."


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
"For those who go to a person: what that person must know."
NOT_ADMITTED = "The requester was not admitted."


@dataclass(frozen=True, slots=True)
class Installation:
    """The workspace that our token belongs to, as Slack says it of the token itself."""

    team: str
    enterprise: str | None
    "The Enterprise organisation that the workspace is part of."


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom an agent's card lets in beside the full members of the workspace."""

    guests: GuestPolicy = "refuse"
    organisation: bool = False
    "Members of other workspaces of the same Enterprise organisation."


@dataclass(frozen=True, slots=True)
class Member:
    """What Slack says of one user id, as far as it matters for who they are."""

    id: str
    team: str | None
    profile_team: str | None
    enterprise: str | None
    "The organisation whose member they are."
    workspaces: tuple[str, ...]
    "Of that organisation, those that they are in."
    flags: tuple[str, ...]
    "What is true of them: `deleted`, `is_stranger`; of a flag in the profile too."
    unconfirmed: bool
    "Slack says that their address is not confirmed."
    email: str | None
    odd: tuple[str, ...]
    "Fields that are missing or of a type that they cannot have."
    zone: str | None = None
    "Time zone name."
    locale: str | None = None
    "The language that they have set, as in `de-DE`."

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Member | None":
        """Return what was kept as JSON, or None when another release has kept it, which knew other fields."""
        if set(kept) != {one.name for one in fields(cls)}:
            return None
        values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in kept.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A member, and the address under which the directory may be asked for their account."""

    user: str
    email: str
    "ASCII, in lower case."
    guest: bool = False


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """Nothing of theirs reaches the directory or the model."""

    why: Bar
    because: str
    "The fields that said so, for the audit log."
    to_person: bool = False
    "A person is fetched, since it may be a member after all."

    @property
    def summary(self) -> str:
        """Return what a person is told who takes over."""
        return f"{TOLD_OF.get(self.why, NOT_ADMITTED)} Make sure who they are before you touch an account."


def read(card: Mapping[str, Any]) -> Member:
    """Read the user object of an answer of `users.info`, whatever it holds."""
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
    """Return why somebody is no member whom a card lets in, or None when they are one.

    Args:
        member: what Slack says now.
        user: who was asked about.
        ours: our own workspace.
        rules: of the card.
    """
    if member.id != user:
        return NotAdmitted(Bar.UNCLEAR, "id", to_person=True)
    if elsewhere := sorted(_elsewhere(member, ours, rules)):
        return NotAdmitted(Bar.ELSEWHERE, ", ".join(elsewhere))
    for why, sign in ((Bar.APP, _APPS), (Bar.GONE, _GONE), (Bar.NOT_JOINED, _NOT_JOINED)):
        if said := _signs(member, sign):
            return NotAdmitted(why, said)
    if user == SLACKBOT:
        return NotAdmitted(Bar.APP, "id")
    if member.odd:
        return NotAdmitted(Bar.UNCLEAR, ", ".join(member.odd), to_person=True)
    if (said := _signs(member, _GUESTS)) and rules.guests != "serve":
        return NotAdmitted(Bar.GUEST, said, to_person=rules.guests == "handoff")
    return None


def admit(member: Member, *, user: str, ours: Installation, rules: Rules) -> Admitted | NotAdmitted:
    """Decide whether the directory may be asked for somebody's account: a member with a confirmed, plain address.

    Args:
        member: what Slack says now.
        user: who was asked about.
        ours: our own workspace.
        rules: of the card.
    """
    barred = membership(member, user=user, ours=ours, rules=rules)
    if barred is not None:
        return barred
    if member.unconfirmed:
        return NotAdmitted(Bar.ADDRESS, "is_email_confirmed", to_person=True)
    email = plain(member.email)
    if email is None:
        return NotAdmitted(Bar.ADDRESS, "profile.email", to_person=True)
    return Admitted(user, email, guest=bool(_signs(member, _GUESTS)))


def plain(email: str | None) -> str | None:
    """Return an address as it is compared: ASCII letters in lower case, everything else as it is written.

    None for one that is not plain ASCII without quotes, comments and spaces: letters that only look alike, or that
    become alike when they are normalised or folded (fullwidth, the Kelvin sign, a dotless i), are another address.
    """
    if email is None or not email.isascii():
        return None
    lowered = email.lower()
    return lowered if _ADDRESS.fullmatch(lowered) else None


def is_app(member: Member) -> bool:
    """Return whether Slack says that a user is an app's, and no person."""
    return member.id == SLACKBOT or bool(_signs(member, _APPS))


def seems_full(member: Member) -> bool:
    """Return whether no flag says that somebody is anything but a full member; of which workspace is not looked at."""
    signs = (_GONE, _NOT_JOINED, _GUESTS, _ELSEWHERE)
    return not is_app(member) and not any(_signs(member, sign) for sign in signs)


def homes(member: Member, ours: Installation) -> set[str | None]:
    """Return the teams that Slack may name for somebody who is in our workspace; None is naming none."""
    if ours.enterprise is None or member.enterprise != ours.enterprise or ours.team not in member.workspaces:
        return {ours.team}
    return {ours.team, ours.enterprise, *member.workspaces, None}


def _elsewhere(member: Member, ours: Installation, rules: Rules) -> Iterator[str]:
    """Yield the fields that say that somebody does not belong to us, or that fail to say that they do."""
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


def _signs(member: Member, sign: re.Pattern[str]) -> str:
    return ", ".join(sorted(flag for flag in member.flags if sign.search(flag)))


def _flags(part: Mapping[str, Any], of: str, odd: list[str]) -> list[str]:
    """Return the flags of a part of a user object that are true and say something; note those that are no flag."""
    named = [name for name in part if isinstance(name, str) and (name.startswith("is_") or name == "deleted")]
    odd += [of + name for name in named if not isinstance(part[name], bool)]
    return [of + name for name in named if part[name] is True and name not in NEUTRAL]


def _part(card: Mapping[str, Any], name: str, odd: list[str]) -> Mapping[str, Any]:
    """Return a nested object; one that is there and is none is odd."""
    part = card.get(name)
    if part is None or isinstance(part, Mapping):
        return part or {}
    odd.append(name)
    return {}


def _text(part: Mapping[str, Any], name: str, odd: list[str], *, of: str = "") -> str | None:
    """Return a field that is a text or absent; anything else is odd."""
    value = part.get(name)
    if value is None or isinstance(value, str):
        return value or None
    odd.append(of + name)
    return None
