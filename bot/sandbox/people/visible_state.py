"""What one person sees of the workspace, as JSON for the page.

Messages and people are joined from their cached JSON texts, so that even a large workspace is shown at once.
"""

import json

from bot.sandbox.methods.users import user_card
from bot.sandbox.slack.seed import Group, Json, SeedPerson
from bot.sandbox.slack.state import channel_card
from bot.sandbox.slack.world import World


def state_text(world: World, person: SeedPerson) -> str:
    """Return the JSON of everything this person can see."""
    state, user = world.state, person.id
    visible = [channel for channel in state.channels.values() if user in channel.members]
    rest: Json = {
        "ok": True,
        "team": {"id": world.seed.team.id, "name": world.seed.team.name},
        "banner": world.config.banner,
        "me": _user(world, person),
        "groups": [_group(world, one) for one in world.seed.groups],
        "channels": [{**channel_card(one), "unread": state.unread(user, one)} for one in visible],
        "ephemeral": [note for note in state.ephemeral.values() if note["user"] == user],
        "view": world.surfaces.top(user),
        "home": world.surfaces.homes.get(user),
        "has_home": world.manifest.has_home,
        "has_phones": world.config.phones is not None,
        "sessions": [one for one in state.sessions.values() if state.can_see(user, one["channel"])],
        "shortcuts": [
            {"callback_id": one.callback_id, "name": one.name}
            for one in world.manifest.shortcuts
            if one.type == "message"
        ],
        "commands": [one.model_dump() for one in world.manifest.commands],
        "seq": world.changes.seq,
    }
    rooms = []
    for channel in visible:
        messages = ",".join(state.text_of(channel, ts) for ts in channel.messages)
        rooms.append(f"{json.dumps(channel.id)}:[{messages}]")
    return f'{{"messages":{{{",".join(rooms)}}},"users":{_users(world)},{json.dumps(rest)[1:]}'


def _users(world: World) -> str:
    """Return the JSON of the bot and all people; it is built again only when Slack shows somebody otherwise."""
    state = world.state
    changed = json.dumps([sorted(state.deleted_users), state.says])
    if state.people_text[0] != changed:
        state.people_text = (changed, json.dumps([_bot(world), *(_user(world, one) for one in world.seed.people)]))
    return state.people_text[1]


def _user(world: World, person: SeedPerson) -> Json:
    card = user_card(world, person)
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "title": person.title,
        "role": person.role,
        "tz": person.tz,
        "deleted": bool(card.get("deleted")),
        "is_bot": False,
        "is_guest": person.guest is not None,
    }


def _group(world: World, group: Group) -> Json:
    members = [person.id for person in world.seed.people if person.role in group.members]
    return {"id": group.id, "handle": group.handle, "name": group.name, "users": members}


def _bot(world: World) -> Json:
    bot = world.seed.bot
    return {"id": bot.id, "name": bot.name, "real_name": "Deskhand", "title": "App", "role": "bot", "is_bot": True}
