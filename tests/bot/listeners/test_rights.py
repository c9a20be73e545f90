"""Every act on a handoff by every kind of person, through the listeners: `bot.rights` is asked each time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.agent import card
from bot.agent.card import Agent
from bot.listeners import actions, messages, modals
from bot.listeners.context import ListenerContext
from bot.principals import Reason
from bot.rights import Membership
from bot.slack.handoffs import handoff_messages, handoff_transcript, queue_card
from bot.slack.sentences import say
from bot.store import db, members
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.schema import AuditRow, Handoff, HandoffContext, HandoffMove, InboxEvent, Message, now
from bot.store.tickets import threads
from jobs import handoff as clock
from jobs import upkeep
from tests.support.factories import open_for_people, put, rows
from tests.support.json_object import Json
from tests.support.paths import CONFIG

TEAM, HELP, QUEUE, BOT = "T0DESKHAND", "C0HELP", "C0QUEUE", "U0DESKHAND"
MAYA, PRIYA, BEN, OLIVIA, RUTH = "U0MAYA", "U0PRIYA", "U0BEN", "U0OLIVIA", "U0RUTH"
THREAD, CARD = "1700000001.000001", "1700000002.000001"


@dataclass
class Scene:
    """A handoff that Priya has, with a `>` of hers that is asked about, and the listeners around it."""

    database: Database
    agents: dict[str, Agent]
    slack: dict[str, Membership] = field(default_factory=dict)
    "What a look-up finds; a member by default."
    asked: list[str] = field(default_factory=list)
    "Who was looked up."
    number: int = 0

    @property
    def ctx(self) -> ListenerContext:
        """The listeners' door."""
        queue: Any = SimpleNamespace(put=lambda *_: None, stop=lambda *_: 0)
        return ListenerContext(self.database, queue, self.agents, look_up=self._look_up)

    def _look_up(self, user: str, team: str) -> Membership:
        self.asked.append(user)
        return Membership.STRANGER if team != TEAM and team else self.slack.get(user, Membership.MEMBER)

    def card_says(self, **people: Any) -> Agent:
        """Change the people of the card; return the agent."""
        found = self.agents["access"]
        changed = found.card.handoff.model_copy(update=people)
        self.agents["access"] = replace(found, card=found.card.model_copy(update={"handoff": changed}))
        return self.agents["access"]

    def say(self, user: str, channel: str, text: str, *, thread: str | None = None, **event: Any) -> str:
        """Let somebody say something; return its ts."""
        self.number += 1
        ts = f"17000001{self.number:02d}.000001"
        body = {"channel": channel, "ts": ts, "thread_ts": thread, "user": user, "text": text, **event}
        messages.hear(
            self.ctx, {"event_id": f"Ev{self.number}", "team_id": TEAM, "event": body}, BOT, mentioned=thread is None
        )
        return ts

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Let somebody edit what they said."""
        self.number += 1
        said = {"ts": ts, "user": user, "text": text, "thread_ts": CARD}
        event = {"channel": channel, "subtype": "message_changed", "message": said}
        body = {"event_id": f"Ev{self.number}", "team_id": TEAM, "event": event}
        messages.hear(self.ctx, body, BOT, mentioned=False)

    def press(self, user: str, does: Callable[..., int], value: object, *, team: str = TEAM) -> None:
        """Let somebody press a button."""
        self.number += 1
        body = {"user": {"id": user, "team_id": team}, "trigger_id": f"t{self.number}", "channel": {"id": QUEUE}}
        actions._press(self.ctx, {**body, "actions": [{"value": str(value)}]}, does)

    def form(self, user: str, takes: Callable[..., Any], **fields: Any) -> dict[str, str] | None:
        """Let somebody submit a form that they had open; return what is wrong with it."""
        self.number += 1
        values = {
            name: {name: value if isinstance(value, dict) else {"value": value}} for name, value in fields.items()
        }
        view = {"id": f"V{self.number}", "private_metadata": "1", "state": {"values": values}}
        body = {"user": {"id": user, "team_id": TEAM}, "view": view}
        return modals._take(self.ctx, body, next(iter(fields)), takes)

    def told(self) -> list[str]:
        """Return what was said to one person alone."""
        return [row.body["text"] for row in rows(self.database, Message) if row.kind == "only_you"]

    def state(self) -> Any:
        """Return all that an act could change: the handoff, its moves, drafts, and what is said to others."""
        [handoff] = rows(self.database, Handoff)
        said = [(row.key, row.body) for row in rows(self.database, Message) if row.kind != "only_you"]
        written = [(row.kind, row.state, row.text) for row in rows(self.database, InboxEvent)]
        lease = (handoff.state, handoff.claimed_by, handoff.lease_until, handoff.sent)
        return lease, len(rows(self.database, HandoffMove)), said, written


@pytest.fixture
def scene(sqlite_url: str) -> Iterator[Scene]:
    """Let Maya ask, and Priya claim it and write a `>` that is asked about."""
    database = db.connect(sqlite_url)
    made = Scene(database, {**card.load_all(CONFIG)})
    access = made.agents["access"]
    other = access.card.handoff.model_copy(update={"responders": (RUTH,), "approvers": (), "queue_channel": "C0VPNQ"})
    fields = {"name": "vpn", "owners": (RUTH,), "channels": ("C0VPN",), "handoff": other, "direct_messages": False}
    made.agents["vpn"] = replace(access, card=access.card.model_copy(update=fields))
    made.say(MAYA, HELP, "I lost my phone", ts=THREAD)
    with database.write() as session:
        ticket = threads.ticket_at(session, HELP, THREAD)
        assert ticket is not None
        opened = open_for_people(session, ticket.id, reason=Reason.REQUESTED, summary="s", actor="a")
        handoff_messages.opened(session, opened, ticket, expected_minutes=15)
    put(database, Message, 1, channel=QUEUE, ts=CARD, state="posted")
    made.press(PRIYA, actions._claim, 1)
    made.say(PRIYA, QUEUE, "> Bring your badge", thread=CARD)
    assert rows(database, InboxEvent)[-1].state == "asked"
    made.asked.clear()
    yield made
    database.close()


def draft(scene: Scene) -> InboxEvent:
    """Return Priya's `>`."""
    return next(row for row in rows(scene.database, InboxEvent) if row.kind == "draft")


PRESS: Json = {"trigger_id": "t", "channel": {"id": QUEUE}, "actions": [{"value": "1"}]}
NO: Json = {"selected_option": {"value": "no"}}
OTHER: Json = {"selected_option": {"value": "other"}}
ACTS: dict[str, Callable[[Scene, str], object]] = {
    "claim": lambda scene, user: scene.press(user, actions._claim, 1),
    "unclaim": lambda scene, user: scene.press(user, actions._unclaim, 1),
    "send": lambda scene, user: scene.press(user, actions._send, draft(scene).id),
    "send directly": lambda scene, user: scene.press(user, actions._send_directly, draft(scene).id),
    "keep": lambda scene, user: scene.press(user, actions._keep, draft(scene).id),
    "say by >": lambda scene, user: scene.say(user, QUEUE, "> Come by at nine", thread=CARD),
    "talk": lambda scene, user: scene.say(user, QUEUE, "What do we do here?", thread=CARD),
    "write in their thread": lambda scene, user: scene.say(user, HELP, "Come by at nine", thread=THREAD),
    "reply": lambda scene, user: scene.form(user, modals._reply, text="Come by at nine"),
    "resolve": lambda scene, user: scene.form(
        user,
        modals._resolve,
        done="Done.",
        category=OTHER,
        agent_could=NO,
    ),
    "reassign": lambda scene, user: scene.form(user, modals._reassign, to={"selected_user": BEN}),
    "give back": lambda scene, user: scene.form(user, modals._give_back, note="Go on."),
    "open a form": lambda scene, user: modals._form(
        scene.ctx,
        {
            "user": {"id": user, "team_id": TEAM},
            "trigger_id": "t",
            "channel": {"id": QUEUE},
            "actions": [{"value": "1"}],
        },
        "reply",
    ),
    "edit a >": lambda scene, user: scene.edit(user, QUEUE, str(draft(scene).ts), "> Come by at ten"),
}
"What the holder of a handoff may do."


def test_the_holder_may_do_each_of_them(scene: Scene) -> None:
    """Or the rows below would prove nothing: what does nothing to the rows opens a form, or is a claim of one's own."""
    for name in ("edit a >", "talk", "say by >", "write in their thread", "reply", "send"):
        before = scene.state()
        ACTS[name](scene, PRIYA)
        assert scene.state() != before, name
    assert ACTS["open a form"](scene, PRIYA) is not None
    assert scene.told() == []


KINDS: dict[str, Callable[[Scene], str]] = {
    "off the card": lambda scene: _and(scene.card_says(responders=(BEN,), approvers=()), PRIYA),
    "departed": lambda scene: _and(_leave(scene, PRIYA), PRIYA),
    "guest, stranger, bot or deactivated": lambda scene: _and(scene.slack.update({PRIYA: Membership.STRANGER}), PRIYA),
    "unchecked": lambda scene: _and(scene.slack.update({PRIYA: Membership.UNCHECKED}), PRIYA),
    "of an agent that is gone": lambda scene: _and(scene.agents.pop("access"), PRIYA),
    "another agent's responder": lambda _scene: RUTH,
    "bystander": lambda _scene: "U0IVAN",
}
"Who holds it and may act no more, or never could: each makes itself and returns who it is."


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_does_anything(scene: Scene, kind: str) -> None:
    """No row that others see or that decides anything changes, and whoever tried reads a sentence that says why."""
    user = KINDS[kind](scene)
    said = {
        "departed": say("denied.left", "en"),
        "unchecked": say("denied.unchecked", "en"),
        "guest, stranger, bot or deactivated": say("denied.stranger", "en"),
        "of an agent that is gone": say("denied.no_agent", "en"),
    }.get(kind, say("denied.no_role", "en"))
    # Others talk in the queue and in threads as they like; a word that nobody passes on is nobody's business.
    silent = {
        "off the card": {"write in their thread"},
        "of an agent that is gone": {"write in their thread"},
        "another agent's responder": {"talk", "write in their thread", "edit a >"},
        "bystander": {"talk", "write in their thread", "edit a >"},
    }.get(kind, set())
    for act, does in ACTS.items():
        if act == "edit a >" and act in silent:
            continue  # Slack lets nobody but its author change a message
        before, told = scene.state(), len(scene.told())
        given = does(scene, user)
        words = scene.told()[told:] + list(given.values() if isinstance(given, dict) else [])
        assert scene.state() == before, act
        assert (words == []) is (act in silent), act
        assert all(said in one for one in words), act


def test_nobody_is_looked_up_without_a_role(scene: Scene) -> None:
    """Slack is not asked about everybody who presses or writes."""
    for act in ACTS.values():
        act(scene, "U0IVAN")
    assert set(scene.asked) <= {PRIYA, BEN}


def test_a_press_from_another_workspace_needs_no_look_up(scene: Scene) -> None:
    """Its payload says whose it is."""
    before = scene.state()
    scene.press(PRIYA, actions._unclaim, 1, team="T0PARTNER")
    assert scene.state() == before
    assert scene.told() == [say("denied.stranger", "en")]


def test_an_owner_reassigns_and_only_to_who_may_take_it(scene: Scene) -> None:
    """Named in the card is not enough: a guest gets nothing, nor does somebody who cannot be checked."""
    for membership, said in ((Membership.STRANGER, "full member"), (Membership.UNCHECKED, "try again")):
        scene.slack[BEN] = membership
        wrong = scene.form(OLIVIA, modals._reassign, to={"selected_user": BEN})
        assert wrong is not None
        assert said in wrong["to"]
    scene.slack[BEN] = Membership.MEMBER
    assert scene.form(OLIVIA, modals._reassign, to={"selected_user": BEN}) is None
    assert rows(scene.database, Handoff)[0].claimed_by == BEN


def test_the_requester_takes_back_what_is_theirs(scene: Scene) -> None:
    """Without a look-up; a stranger by the payload, or somebody who has left, does not."""
    scene.press(PRIYA, actions._unclaim, 1)
    scene.asked.clear()
    scene.press(PRIYA, actions._cancel, 1)
    _leave(scene, MAYA)
    scene.press(MAYA, actions._cancel, 1)
    assert rows(scene.database, Handoff)[0].state == "open"
    with scene.database.write() as session:
        members.note_return(session, MAYA)
    scene.press(MAYA, actions._cancel, 1)
    assert rows(scene.database, Handoff)[0].state == "cancelled"
    assert scene.told() == ["Only <@U0MAYA> can take this back.", say("denied.left", "en")]
    assert MAYA not in scene.asked


def test_a_requester_of_an_agent_that_is_gone_is_answered(scene: Scene) -> None:
    """Their words go to nobody, and they read so; an heir hears them again."""
    gone = scene.agents.pop("access")
    scene.say(MAYA, HELP, "Hello?", thread=THREAD)
    assert scene.told() == [say("agent.gone", "en")]
    assert "Hello?" not in str(scene.state())
    heir = scene.agents["vpn"]
    scene.agents["vpn"] = replace(heir, card=heir.card.model_copy(update={"inherits": ("access",)}))
    scene.say(MAYA, HELP, "Hello again?", thread=THREAD)
    assert "Hello again?" in str(scene.state())
    assert gone.card.name == "access"


def test_what_was_refused_is_audited(scene: Scene) -> None:
    """With who, what and why."""
    scene.card_says(responders=(BEN,), approvers=())
    scene.press(PRIYA, actions._unclaim, 1)
    scene.say(PRIYA, QUEUE, "> Come by", thread=CARD)
    refused = [row for row in rows(scene.database, AuditRow) if row.event == "handoff.refused"]
    assert [(row.actor, row.record["move"], row.record["why"]) for row in refused] == [
        (PRIYA, "unclaim", "not a responder"),
        (PRIYA, "write", "not a responder"),
    ]


# A password on its way to a requester whose thread others read

SECRET = "Xk7!pw-Falcon9"
SAID = f"Your temporary password is {SECRET}"


def kept(scene: Scene) -> str:
    """Return all that is stored of what anybody wrote or is to read."""
    return str([(row.text, row.detail) for row in rows(scene.database, InboxEvent)]) + str(
        [row.body for row in rows(scene.database, Message)]
    )


def question_of(scene: Scene) -> InboxEvent:
    """Return what is asked about."""
    return next(row for row in reversed(rows(scene.database, InboxEvent)) if row.state == "asked")


def spoken(scene: Scene) -> list[tuple[str, str]]:
    """Return where responders' words go, and the words."""
    return [(row.channel, row.body["text"]) for row in rows(scene.database, Message) if row.kind == "human_reply"]


@pytest.mark.parametrize("by", ["say by >", "reply"])
def test_a_secret_is_asked_about_before_others_read_it(scene: Scene, by: str) -> None:
    """Even where `>` goes out at once; the question does not show it, and the row holds it only until it is decided."""
    scene.press(PRIYA, actions._send, draft(scene).id)
    if by == "reply":
        assert scene.form(PRIYA, modals._reply, text=SAID) is None
    else:
        scene.say(PRIYA, QUEUE, f"> {SAID}", thread=CARD)
    assert SECRET not in str(spoken(scene))
    asks = next(row for row in reversed(rows(scene.database, Message)) if row.kind == "question")
    assert "can be read by everyone in <#C0HELP>. Send it to <@U0MAYA> directly?" in asks.body["text"]
    assert SECRET not in str(asks.body)
    scene.press(PRIYA, actions._keep, question_of(scene).id)
    assert SECRET not in kept(scene)


@pytest.mark.parametrize(("does", "channel"), [(actions._send_directly, MAYA), (actions._send, HELP)])
def test_a_secret_goes_as_it_was_written_where_its_author_says(
    scene: Scene, does: Callable[..., int], channel: str
) -> None:
    """Directly or in the thread; the copy for colleagues and the draft are redacted."""
    scene.say(PRIYA, QUEUE, f"> {SAID}", thread=CARD)
    scene.press(PRIYA, does, question_of(scene).id)
    assert (channel, SAID) in [(where, text) for where, text in spoken(scene)]
    assert [where for where, text in spoken(scene) if SECRET in text] == [channel]
    assert SECRET not in str([(row.text, row.detail) for row in rows(scene.database, InboxEvent)])
    assert SECRET not in str([row.body for row in rows(scene.database, Message) if row.kind == "copy"])


def test_a_secret_that_was_written_in_the_thread_is_warned_of(scene: Scene) -> None:
    """It cannot be called back: its author alone is asked to delete it, and may send it directly."""
    scene.say(PRIYA, HELP, SAID, thread=THREAD)
    [warning] = [row for row in rows(scene.database, Message) if row.kind == "only_you"]
    assert warning.user == PRIYA
    assert "Please delete it. Shall I send it to <@U0MAYA> directly?" in warning.body["text"]
    assert SECRET not in str([row.body for row in rows(scene.database, Message)])
    scene.press(PRIYA, actions._send_directly, question_of(scene).id)
    assert (MAYA, SAID) in spoken(scene)


def test_an_edit_brings_no_secret_into_the_thread(scene: Scene) -> None:
    """A message that was sent stays as it is, and its author reads why; one that is asked about is asked anew."""
    first = draft(scene)
    scene.edit(PRIYA, QUEUE, str(first.ts), f"> {SAID}")
    assert SECRET not in str([row.body for row in rows(scene.database, Message)])
    scene.edit(PRIYA, QUEUE, str(first.ts), "> Bring your badge")
    scene.press(PRIYA, actions._send, first.id)
    scene.edit(PRIYA, QUEUE, str(first.ts), f"> {SAID}")
    assert SECRET not in kept(scene)
    assert spoken(scene) == [(HELP, "Bring your badge")]
    assert "was not passed on" in scene.told()[-1]
    ts = scene.say(PRIYA, QUEUE, f"> {SAID}", thread=CARD)
    scene.press(PRIYA, actions._keep, question_of(scene).id)
    scene.edit(PRIYA, QUEUE, ts, f"> {SAID} now")
    assert SECRET not in kept(scene)


def test_a_resolution_holds_no_secret(scene: Scene) -> None:
    """It is kept and read for long: the form says so and changes nothing."""
    before = scene.state()
    option = {"selected_option": {"value": "other"}}
    wrong = scene.form(
        PRIYA, modals._resolve, done=SAID, category=option, agent_could={"selected_option": {"value": "no"}}
    )
    assert wrong is not None
    assert "Leave passwords" in wrong["done"]
    assert scene.state() == before


def test_a_secret_that_nobody_decides_on_is_let_go(scene: Scene) -> None:
    """After an hour; its author reads so below the card, and can send nothing of it any more."""
    scene.say(PRIYA, QUEUE, f"> {SAID}", thread=CARD)
    asked = question_of(scene)
    house: Any = SimpleNamespace(database=scene.database)
    upkeep.forget_undecided(house)
    assert SECRET in kept(scene)
    put(scene.database, InboxEvent, asked.id, received_at=now() - upkeep.UNDECIDED)
    upkeep.forget_undecided(house)
    assert SECRET not in kept(scene)
    scene.press(PRIYA, actions._send, asked.id)
    assert scene.told() == ["That is decided already."]
    assert any("I no longer hold the words" in row.body["text"] for row in rows(scene.database, Message))


# What the clock and the workers make of it


def clock_looks(scene: Scene) -> None:
    """Let the clock look once."""
    house: Any = SimpleNamespace(database=scene.database, agents=scene.agents)
    clock.look(house)


def test_who_is_off_the_card_loses_their_claims(scene: Scene) -> None:
    """As who has left does: within a look of the clock, told to both sides, and escalation begins for the others."""
    clock_looks(scene)
    assert rows(scene.database, Handoff)[0].claimed_by == PRIYA
    scene.card_says(responders=(BEN,), approvers=())
    clock_looks(scene)
    [handoff] = rows(scene.database, Handoff)
    assert (handoff.state, handoff.claimed_by, handoff.expiries, handoff.openings) == ("open", None, 1, 2)
    assert rows(scene.database, HandoffMove)[-1].detail == {"why": "off_card", "holder": PRIYA}
    assert "<@U0PRIYA> is no longer one of the responders, so nobody has this now." in read_by(scene, QUEUE)
    assert "so it is with the whole team again" in read_by(scene, HELP)
    put(scene.database, Handoff, handoff.id, open_since=now() - timedelta(minutes=6))
    clock_looks(scene)
    assert rows(scene.database, HandoffMove)[-1].detail["action"] == "remind"


def test_claims_of_an_agent_that_is_gone_end_and_nobody_is_called(scene: Scene) -> None:
    """Its requester is told what to do instead of waiting for people who may not come."""
    scene.agents.pop("access")
    clock_looks(scene)
    put(scene.database, Handoff, 1, open_since=now() - timedelta(days=1))
    clock_looks(scene)
    [handoff] = rows(scene.database, Handoff)
    assert (handoff.state, handoff.claimed_by, handoff.escalation_level) == ("open", None, 0)
    assert "until an operator names the agent that inherits it" in read_by(scene, QUEUE)
    assert say("agent.gone", "en") in read_by(scene, HELP)


# A conversation in private, whose queue channel others read


@pytest.fixture
def alone(sqlite_url: str) -> Iterator[Scene]:
    """Let Maya write in a direct message, and the handoff be opened where others read the queue channel."""
    database = db.connect(sqlite_url)
    made = Scene(database, {**card.load_all(CONFIG)})
    made.say(MAYA, "D0MAYA", "My manager must not know", ts=THREAD, channel_type="im")
    with database.write() as session:
        ticket = threads.ticket_at(session, "D0MAYA", THREAD)
        assert ticket is not None
        opened = open_for_people(
            session,
            ticket.id,
            reason=Reason.REQUESTED,
            summary="Hides from her manager.",
            context=HandoffContext(withheld=True, tried=(("look_up_my_account", "status: locked"),), account="locked"),
            actor="a",
        )
        handoff_messages.opened(session, opened, ticket, expected_minutes=15)
    put(database, Message, 1, channel=QUEUE, ts=CARD, state="posted")
    yield made
    database.close()


def read_by(scene: Scene, channel: str) -> str:
    """Return all that is to be read in a channel."""
    return str([row.body for row in rows(scene.database, Message) if row.channel == channel])


def test_nothing_said_in_private_goes_where_others_read(alone: Scene) -> None:
    """The card says that somebody waits; whoever claims it gets the conversation, and what comes after, alone."""
    assert queue_card.WITHHELD[:40] in read_by(alone, QUEUE)
    alone.say(MAYA, "D0MAYA", "Nor my team", thread=THREAD, channel_type="im")
    alone.press(PRIYA, actions._claim, 1)
    alone.say(MAYA, "D0MAYA", "Thank you", thread=THREAD, channel_type="im")
    alone.form(PRIYA, modals._reply, text="It stays between us")
    for words in ("manager", "Nor my team", "Thank you", "It stays between us"):
        assert words not in read_by(alone, QUEUE)
        assert words in read_by(alone, PRIYA)
    assert "locked" not in read_by(alone, QUEUE)
    alone.form(PRIYA, modals._reassign, to={"selected_user": BEN}, why="Because of her manager")
    alone.say(MAYA, "D0MAYA", "And you?", thread=THREAD, channel_type="im")
    assert "manager" in read_by(alone, BEN)
    assert ("And you?" in read_by(alone, BEN), "And you?" in read_by(alone, PRIYA)) == (True, False)
    alone.form(BEN, modals._resolve, done="Told her manager nothing.", category=OTHER, agent_could=NO)
    assert "manager" not in read_by(alone, QUEUE)


def test_a_queue_that_others_come_to_read_is_emptied(alone: Scene) -> None:
    """What stands there already is taken back, and its holder has it alone."""
    with alone.database.write() as session:
        found = handoffs.find(session, 1)
        assert found is not None
        found[0].context = replace(found[0].context, withheld=False)
        handoff_transcript.retell(session, found[0])
        handoff_messages.refresh(session, Moved(*found, 1))
    alone.press(PRIYA, actions._claim, 1)
    assert "manager" in read_by(alone, QUEUE)
    with alone.database.write() as session:
        found = handoffs.find(session, 1)
        assert found is not None
        handoff_messages.hide(session, *found)
    assert "manager" not in read_by(alone, QUEUE)
    assert "manager" in read_by(alone, PRIYA)


def _and(_done: object, user: str) -> str:
    return user


def _leave(scene: Scene, user: str) -> bool:
    with scene.database.write() as session:
        return members.note_departure(session, user)
