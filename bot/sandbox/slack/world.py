"""The workspace as one object: its data, what it issued, and its way to the bot."""

from dataclasses import dataclass

from bot.sandbox.slack import events
from bot.sandbox.slack.agent_channels import with_agents
from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.delivery import EventDelivery
from bot.sandbox.slack.faults import MENTIONS, SlackFaults
from bot.sandbox.slack.journal import Journal
from bot.sandbox.slack.limits import RateLimits
from bot.sandbox.slack.links import SocketLinks
from bot.sandbox.slack.seed import Json, Manifest, Seed, WorkspaceConfig, load_manifest, load_seed
from bot.sandbox.slack.state import SLACKBOT, Channel, State
from bot.sandbox.slack.surfaces import Surfaces
from bot.sandbox.slack.tokens import IssuedTokens


@dataclass(slots=True)
class World:
    """Everything behind the two APIs of the workspace."""

    config: WorkspaceConfig
    seed: Seed
    manifest: Manifest
    changes: Changes
    state: State
    surfaces: Surfaces
    issued: IssuedTokens
    faults: SlackFaults
    limits: RateLimits
    journal: Journal
    links: SocketLinks
    delivery: EventDelivery

    def tell(self, channel: Channel | None, event: Json) -> None:
        """Send an event to the bot, if it may get it."""
        if events.is_heard(self.manifest, self.seed, channel, event):
            place = channel.id if channel else None
            shared = channel is not None and channel.is_shared
            self.delivery.event(place, events.envelope(self.seed, event, shared=shared))

    def say(self, channel: Channel, fields: Json, *, thread_ts: str | None = None) -> Json:
        """Add a message and notify the bot."""
        message = self.state.post(channel, fields, thread_ts=thread_ts)
        sender = self.state.team_of(str(message.get("user")))
        happened = events.message_events(self.seed, channel, message, sender=sender)
        if self.faults.take(MENTIONS, channel.id):
            happened.reverse()
        for event in happened:
            self.tell(channel, event)
        return message

    def edit(self, channel: Channel, ts: str, fields: Json) -> Json:
        """Change a message and notify the bot."""
        old = channel.messages[ts]
        new = self.state.replace(channel, ts, **fields)
        sender, at = self.state.team_of(str(new.get("user"))), self.state.next_ts()
        for event in events.edit_events(self.seed, channel, new, old, sender=sender, event_ts=at):
            self.tell(channel, event)
        return new

    def delete(self, channel: Channel, ts: str) -> None:
        """Delete a message and notify the bot."""
        old = channel.messages[ts]
        tombstone, now = self.state.remove(channel, ts), self.state.next_ts()
        if tombstone is None:
            self.tell(channel, events.message_deleted(channel, old, now))
        else:
            self.tell(channel, events.message_changed(channel, tombstone, old, now))

    def slackbot_says(self, user: str, channel: Channel, text: str) -> Json:
        """Show one person a line from Slack itself that only they see."""
        fields: Json = {"text": text, "blocks": [], "username": "Slackbot", "from": SLACKBOT}
        return self.state.add_ephemeral(user, channel, fields)

    def user_name(self, user_id: str) -> str:
        """Return the name of a person or the bot."""
        if user_id == self.seed.bot.id:
            return self.seed.bot.name
        person = self.seed.person(user_id)
        return person.real_name if person else user_id

    def forget(self) -> None:
        """Delete messages, views, faults and the journal; people and channels stay."""
        self.state.forget()
        self.surfaces.forget()
        self.faults.active = []
        self.limits.clear()
        self.journal.clear()
        self.changes.add("resync", {})


def build_world(config: WorkspaceConfig) -> World:
    """Create a new workspace.

    Raises:
        ConfigError: the people file, the manifest or an agent's card is wrong.
    """
    seed, manifest = load_seed(config.people), load_manifest(config.manifest)
    seed = seed if config.agents is None else with_agents(seed, config.agents)
    changes, faults, journal = Changes(), SlackFaults(), Journal()
    links = SocketLinks(seed.bot.app_id)
    return World(
        config=config,
        seed=seed,
        manifest=manifest,
        changes=changes,
        state=State(seed, changes),
        surfaces=Surfaces(seed, changes),
        issued=IssuedTokens(config.answer_seconds),
        faults=faults,
        limits=RateLimits(),
        journal=journal,
        links=links,
        delivery=EventDelivery(config, links, faults, journal),
    )
