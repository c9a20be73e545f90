"""Who may ask, by what Slack says of them: `bot.admission`."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import admission
from bot.admission import Admitted, Bar, Installation, Member, NotAdmitted, Rules
from bot.principals import GuestPolicy
from bot.slack.sentences import say
from tests.support.json_object import Json

USER, EMAIL = "U0MAYA", "maya.okafor@northwind.example"
OURS = Installation("T0DESKHAND", None)
GRID = Installation("T0DESKHAND", "E0NORTH")
FULL = Rules()
ORGANISATION = Rules(organisation=True)


def card(**changes: Any) -> Json:
    """Return what Slack says of a full member; a change of None drops a field."""
    said = {
        "id": USER,
        "team_id": "T0DESKHAND",
        "name": "maya.okafor",
        "deleted": False,
        "real_name": "Maya Okafor",
        "tz": "Europe/London",
        "profile": {"real_name": "Maya Okafor", "email": EMAIL, "team": "T0DESKHAND"},
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "updated": 1_700_000_000,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def profile(**changes: Any) -> Json:
    """Return what Slack says of somebody with another profile."""
    shown = {"email": EMAIL, "team": "T0DESKHAND", **changes}
    return card(profile={name: value for name, value in shown.items() if value is not None})


def decided(said: Json, *, ours: Installation = OURS, rules: Rules = FULL, user: str = USER) -> Admitted | NotAdmitted:
    """Decide by what Slack says."""
    return admission.admit(admission.read(said), user=user, ours=ours, rules=rules)


def why(said: Json, **how: Any) -> Bar | None:
    """Return why somebody is not admitted, or None when they are."""
    found = decided(said, **how)
    return found.why if isinstance(found, NotAdmitted) else None


@pytest.mark.parametrize(
    "said",
    [
        card(),
        card(is_stranger=False),
        card(is_email_confirmed=None),
        card(is_admin=True, is_owner=True, is_primary_owner=True),
        card(is_app_user=True),
        card(is_invited_user=False, is_forgotten=False, has_2fa=True, is_something_new=True),
        card(profile={"email": EMAIL}),
        profile(email=EMAIL.upper()),
        profile(is_custom_image=True, bot_id=""),
    ],
    ids=["plain", "no stranger", "unsaid", "owner", "app user", "new words", "no team", "capitals", "picture"],
)
def test_a_full_member_is_admitted_under_one_address(said: Json) -> None:
    """What Slack may add to, or leave out of, what it says of a member changes nothing; the address is lower case."""
    assert decided(said) == Admitted(USER, EMAIL)


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (card(team_id="T0PARTNER", is_stranger=True), Bar.ELSEWHERE),
        (card(team_id="T0PARTNER"), Bar.ELSEWHERE),
        (card(team_id="T0PARTNER", is_stranger=False), Bar.ELSEWHERE),
        (card(is_stranger=True), Bar.ELSEWHERE),
        (card(team_id=None), Bar.ELSEWHERE),
        (card(team_id=""), Bar.ELSEWHERE),
        (card(team_id=["T0DESKHAND"]), Bar.ELSEWHERE),
        (card(team_id="t0deskhand"), Bar.ELSEWHERE),
        (card(team_id="T0DESKHAND "), Bar.ELSEWHERE),
        (profile(team="T0PARTNER"), Bar.ELSEWHERE),
        (card(enterprise_user={"enterprise_id": "E0OTHER", "teams": ["T0DESKHAND"]}), Bar.ELSEWHERE),
        (card(is_external=True), Bar.ELSEWHERE),
        (card(is_partner_connect=True), Bar.ELSEWHERE),
        (profile(is_stranger=True), Bar.ELSEWHERE),
        (card(is_bot=True), Bar.APP),
        (card(is_workflow_bot=True), Bar.APP),
        (profile(bot_id="B0OTHER"), Bar.APP),
        (card(deleted=True), Bar.GONE),
        (card(is_forgotten=True), Bar.GONE),
        (card(is_restricted=True), Bar.GUEST),
        (card(is_ultra_restricted=True), Bar.GUEST),
        (profile(is_ultra_restricted=True), Bar.GUEST),
        (card(is_invited_user=True), Bar.NOT_JOINED),
        (card(is_email_confirmed=False), Bar.ADDRESS),
        (card(is_email_confirmed="true"), Bar.UNCLEAR),
        (profile(email=None), Bar.ADDRESS),
        (profile(email=""), Bar.ADDRESS),
        (profile(email="maya"), Bar.ADDRESS),
        (profile(email=[EMAIL]), Bar.UNCLEAR),
        (card(profile=None), Bar.ADDRESS),
        (card(profile=[EMAIL]), Bar.UNCLEAR),
        (card(deleted=None), Bar.UNCLEAR),
        (card(is_bot=None), Bar.UNCLEAR),
        (card(is_restricted=None), Bar.UNCLEAR),
        (card(is_ultra_restricted=None), Bar.UNCLEAR),
        (card(deleted="false"), Bar.UNCLEAR),
        (card(is_bot=0), Bar.UNCLEAR),
        (card(is_restricted=[]), Bar.UNCLEAR),
        (card(is_stranger="no"), Bar.UNCLEAR),
        (card(id="U0IVAN"), Bar.UNCLEAR),
        ({}, Bar.UNCLEAR),
    ],
)
def test_every_field_that_can_say_no_bars(said: Json, because: Bar) -> None:
    """Whatever a profile shows: another team, a guest, an app, who is gone, what is missing, odd or contradictory."""
    assert why(said) == because


def test_slackbot_is_an_app_though_slack_denies_it() -> None:
    """Of all apps it is the one whose `is_bot` is false."""
    assert why(card(id="USLACKBOT"), user="USLACKBOT") == Bar.APP


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (GuestPolicy.REFUSE, (Bar.GUEST, False)),
        (GuestPolicy.HANDOFF, (Bar.GUEST, True)),
        (GuestPolicy.SERVE, None),
    ],
)
def test_guests_are_what_the_card_says(policy: GuestPolicy, expected: tuple[Bar, bool] | None) -> None:
    """Refused, given to a person, or helped like anybody; whatever else bars a member bars them too."""
    found = decided(card(is_restricted=True), rules=Rules(policy))
    assert found == Admitted(USER, EMAIL, guest=True) if expected is None else isinstance(found, NotAdmitted)
    if isinstance(found, NotAdmitted):
        assert (found.why, found.to_person) == expected
    assert why(card(is_restricted=True, team_id="T0PARTNER"), rules=Rules(policy)) == Bar.ELSEWHERE
    assert why(card(is_restricted=True, deleted=True), rules=Rules(policy)) == Bar.GONE


SISTER = {"enterprise_id": "E0NORTH", "teams": ["T0SISTER"]}
SEVERAL = {"enterprise_id": "E0NORTH", "teams": ["T0SISTER", "T0DESKHAND"]}
"Somebody in several workspaces: Slack names any of them, the organisation or none as their team."


@pytest.mark.parametrize(
    ("said", "ours", "rules", "admitted"),
    [
        (card(team_id="T0SISTER", enterprise_user=SISTER), GRID, ORGANISATION, True),
        (card(team_id="E0NORTH", enterprise_user=SISTER), GRID, ORGANISATION, True),
        (card(team_id="T0SISTER", enterprise_user=SISTER), GRID, FULL, False),
        (card(team_id="T0SISTER", enterprise_user=SISTER), OURS, ORGANISATION, False),
        (card(team_id="T0SISTER"), GRID, ORGANISATION, False),
        (card(team_id="T0SISTER", enterprise_user={"enterprise_id": "E0NORTH"}), GRID, ORGANISATION, False),
        (card(team_id="T0SISTER", enterprise_user={**SISTER, "enterprise_id": "E0OTHER"}), GRID, ORGANISATION, False),
        (card(team_id="T0SISTER", enterprise_user=SISTER, is_stranger=True), GRID, ORGANISATION, False),
        (card(team_id="T0OTHER", enterprise_user=SISTER), GRID, ORGANISATION, False),
        (card(enterprise_user={"enterprise_id": "E0NORTH", "teams": ["T0DESKHAND"]}), GRID, FULL, True),
        (card(team_id=None, enterprise_user=SEVERAL), GRID, FULL, True),
        (card(team_id="E0NORTH", enterprise_user=SEVERAL), GRID, FULL, True),
        (card(team_id="T0SISTER", enterprise_user=SEVERAL), GRID, FULL, True),
        (card(team_id="T0OTHER", enterprise_user=SEVERAL), GRID, FULL, False),
        (card(team_id=["T0DESKHAND"], enterprise_user=SEVERAL), GRID, FULL, False),
        (card(team_id=None, enterprise_user=SEVERAL, is_stranger=True), GRID, FULL, False),
        (card(team_id=None, enterprise_user={**SEVERAL, "enterprise_id": "E0OTHER"}), GRID, FULL, False),
        (card(team_id=None, enterprise_user=SEVERAL), OURS, FULL, False),
        (card(team_id=None, enterprise_user=SISTER), GRID, FULL, False),
        (card(team_id=None, enterprise_user=SISTER), GRID, ORGANISATION, True),
        (card(team_id=None, enterprise_user={"enterprise_id": "E0NORTH"}), GRID, ORGANISATION, False),
        (card(enterprise_user={"enterprise_id": "E0NORTH", "teams": ["T0SISTER"]}), GRID, FULL, False),
        (card(enterprise_user={"enterprise_id": "E0NORTH", "teams": "T0DESKHAND"}), GRID, FULL, False),
        (card(enterprise_user={"enterprise_id": None, "teams": ["T0DESKHAND"]}), GRID, FULL, False),
    ],
)
def test_an_organisation_is_let_in_only_where_the_card_says_so(
    said: Json, ours: Installation, rules: Rules, *, admitted: bool
) -> None:
    """Proven by `enterprise_user` alone, whose organisation is ours and whose workspaces have theirs."""
    said = {**said, "profile": {"email": EMAIL}}
    assert (why(said, ours=ours, rules=rules) is None) == admitted


@pytest.mark.parametrize(
    "email",
    [
        "m\u0430ya.okafor@northwind.example",
        "\uff4daya.okafor@northwind.example",
        "maya.o\u212aafor@northwind.example",
        "maya.okafor@northw\u0131nd.example",
        "maya.oka\ufb00or@northwind.example",
        "maya.okafor@northwind.example.",
        "maya.okafor@northwind.example ",
        "\u2028maya.okafor@northwind.example",
        "maya.okafor@northwind.example\n",
        "maya.okafor@northwind.example\x00",
        '"maya.okafor"@northwind.example',
        "maya.okafor(hr)@northwind.example",
        "Maya Okafor <maya.okafor@northwind.example>",
        "mailto:maya.okafor@northwind.example",
        "maya.okafor@@northwind.example",
        ".maya.okafor@northwind.example",
        "maya..okafor@northwind.example",
        "maya.okafor@northwind",
        "maya.okafor@[127.0.0.1]",
        "maya.okafor@m\u00fcnchen.example",
        "maya.okafor@northwind.example;ivan@northwind.example",
    ],
)
def test_an_address_that_is_not_plain_ascii_is_nobodys(email: str) -> None:
    """It is not mended into one that is: a person finds out whose it is."""
    found = decided(profile(email=email))
    assert isinstance(found, NotAdmitted)
    assert (found.why, found.to_person) == (Bar.ADDRESS, True)
    assert admission.plain(email) is None


def test_a_plain_address_is_taken_as_it_is_written() -> None:
    """Nothing but the case of ASCII letters goes: tags, dots and punycode are part of the address."""
    for email in ("a+b@x.example", "a.b@x.example", "o'brien@x-y.example", "a@xn--mnchen-3ya.example", "a_b%c@x.y.z"):
        assert admission.plain(email.upper()) == email


def test_who_may_act_for_others_needs_no_address() -> None:
    """Membership alone is asked of responders, owners and approvers."""
    assert admission.membership(admission.read(profile(email=None)), user=USER, ours=OURS, rules=FULL) is None
    assert admission.membership(admission.read(card(is_bot=True)), user=USER, ours=OURS, rules=FULL) is not None


def test_every_kind_has_a_plain_sentence() -> None:
    """One or two whole sentences without a field's name; who goes to a person comes with a warning."""
    for kind in Bar:
        barred = NotAdmitted(kind, "team_id")
        sentence = say(f"refused.{kind}", "en")
        assert sentence.endswith(".")
        assert "_" not in sentence + barred.summary
        assert barred.summary.endswith("Make sure who they are before you touch an account.")


def test_what_is_kept_is_read_back_as_it_was() -> None:
    """Through JSON, and not at all when another release has kept other fields."""
    member = admission.read(card(enterprise_user=SISTER, is_restricted=True))
    kept = json.loads(json.dumps(asdict(member)))
    assert Member.from_json(kept) == member
    assert Member.from_json({**kept, "more": 1}) is None
    assert Member.from_json({}) is None


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, 1, "", "true", "false", "T0PARTNER", [], {}, ["T0DESKHAND"], 1.5]
)
NAMES = (
    *("id", "team_id", "deleted", "is_bot", "is_restricted", "is_ultra_restricted", "profile", "enterprise_user"),
    *("is_stranger", "is_email_confirmed", "is_invited_user", "is_forgotten", "is_workflow_bot", "is_app_user"),
)


def _could_be_a_member(said: Json) -> bool:
    """Say, field by field and in another way than the product, whether this is a full member with a plain address."""
    yes = said.get("id") == USER and said.get("team_id") == "T0DESKHAND"
    for name in ("deleted", "is_bot", "is_restricted", "is_ultra_restricted"):
        yes = yes and said.get(name, "missing") is False
    for name in ("is_stranger", "is_invited_user", "is_forgotten", "is_workflow_bot"):
        yes = yes and said.get(name, False) is False
    shown = said.get("profile")
    if not yes or said.get("is_email_confirmed", True) is not True or not isinstance(shown, dict):
        return False
    in_no_other = shown.get("team") in (None, "", "T0DESKHAND") and said.get("enterprise_user") in (None, {})
    return in_no_other and isinstance(said.get("is_app_user", False), bool) and shown.get("email") == EMAIL


@settings(max_examples=400, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(NAMES), st.booleans() | ODD, max_size=3),
    removed=st.sets(st.sampled_from(NAMES), max_size=2),
    shown=st.dictionaries(st.sampled_from(["email", "team"]), ODD | st.just(EMAIL.replace("k", "\u212a")), max_size=2),
)
@example(changes={"team_id": "T0PARTNER", "is_stranger": True}, removed=set(), shown={})
def test_no_random_member_is_admitted_unless_everything_holds(changes: Json, removed: set[str], shown: Json) -> None:
    """Any field flipped, removed or odd: admitted exactly when an independent look at every field finds a member."""
    said = {name: value for name, value in {**card(), **changes}.items() if name not in removed}
    if isinstance(said.get("profile"), dict):
        said["profile"] = {**said["profile"], **shown}
    expected = Admitted(USER, EMAIL) if _could_be_a_member(said) else None
    found = decided(said)
    assert isinstance(found, NotAdmitted) if expected is None else found == expected
