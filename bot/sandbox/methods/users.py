"""auth.test and users.*: who the bot is, and who the people are."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.sandbox.methods.registry import MethodCall, SlackError, method, page
from bot.sandbox.slack.seed import GuestKind, Json, SeedPerson
from bot.sandbox.slack.world import World


@method("auth.test", tier=None)
def auth_test(call: MethodCall) -> Json:
    """Return whose token this is."""
    seed = call.world.seed
    person = seed.people[0]
    whose = {"user": seed.bot.name, "user_id": seed.bot.id, "bot_id": seed.bot.bot_id}
    return {
        "url": f"{call.base_url}/",
        "team": seed.team.name,
        "team_id": seed.team.id,
        **({"user": person.name, "user_id": person.id} if call.by_person else whose),
        "is_enterprise_install": False,
    }


@method("users.info", "users:read", tier=4)
def users_info(call: MethodCall) -> Json:
    """Describe one person."""
    user = call.user()
    person = call.world.seed.person(user)
    return {"user": _spoken(_bot_card(call.world) if person is None else user_card(call.world, person), call)}


@method("users.list", "users:read", tier=2)
def users_list(call: MethodCall) -> Json:
    """Describe everybody."""
    cards = [_bot_card(call.world), *(user_card(call.world, one) for one in call.world.seed.people)]
    members, metadata = page([_spoken(card, call) for card in cards], call)
    return {"members": members, "response_metadata": metadata}


@method("users.lookupByEmail", "users:read.email")
def users_lookup(call: MethodCall) -> Json:
    """Find a person of this workspace by their e-mail address."""
    email, team = call.required("email").lower(), call.world.seed.team.id
    for person in call.world.seed.people:
        if person.email.lower() == email and person.id not in call.world.state.deleted_users:
            card = user_card(call.world, person)
            if card.get("team_id") == team:
                return {"user": card}
    raise SlackError("users_not_found")


def user_card(world: World, person: SeedPerson) -> Json:
    """Return a person as Slack shows them: the e-mail address needs its scope; a deactivated person has few fields."""
    profile: Json = {
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "title": person.title,
        "team": world.seed.team.id,
    }
    if "users:read.email" in world.manifest.scopes:
        profile["email"] = person.email
    is_deleted = person.id in world.state.deleted_users
    card: Json = {
        "id": person.id,
        "team_id": world.seed.team.id,
        "name": person.name,
        "deleted": is_deleted,
        "profile": profile,
        "is_bot": False,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }
    full = card if is_deleted else {**card, **_active(person)}
    return _patched(_patched(full, person.slack), world.state.says.get(person.id, {}))


def _spoken(card: Json, call: MethodCall) -> Json:
    """Return a card with its person's language only where the call asks for it."""
    bare = {name: value for name, value in card.items() if name != "locale"}
    return {**bare, "locale": card.get("locale", "en-US")} if call.flag("include_locale") else bare


def _patched(card: Json, changes: Json) -> Json:
    """Return a card with changed fields, nested ones too; null removes a field."""
    patched = {**card}
    for name, value in changes.items():
        patched[name] = _patched(card.get(name) or {}, value) if isinstance(value, dict) else value
    return {name: value for name, value in patched.items() if value is not None}


def _active(person: SeedPerson) -> Json:
    """Return the fields that Slack shows only for people who can sign in."""
    zone = ZoneInfo(person.tz)
    offset = zone.utcoffset(datetime.now(zone))
    return {
        "real_name": person.real_name,
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "is_admin": person.role == "owner",
        "is_owner": person.role == "owner",
        "is_primary_owner": False,
        "is_restricted": person.guest is not None,
        "is_ultra_restricted": person.guest is GuestKind.SINGLE_CHANNEL,
        "is_email_confirmed": True,
    }


def _bot_card(world: World) -> Json:
    bot = world.seed.bot
    return {
        "id": bot.id,
        "team_id": world.seed.team.id,
        "name": bot.name,
        "real_name": bot.name,
        "deleted": False,
        "profile": {"real_name": bot.name, "display_name": bot.name, "bot_id": bot.bot_id},
        "is_bot": True,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }
