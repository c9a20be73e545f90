"""What an agent is, and how a wrong card is refused: `bot.agent.card`."""

from pathlib import Path
from typing import Any

import pytest

from bot.agent import card
from bot.agent.approval_terms import ApprovalTerms
from bot.errors import ConfigError
from bot.principals import SecondStep
from tests.support.agent_folders import CardChange, assert_card_refused, copied_agent, working_hours
from tests.support.paths import CONFIG


def test_the_card_in_the_checkout_is_right() -> None:
    """Every tool that it names is there, and the second factor's needs an approval."""
    agent = card.load_all(CONFIG)["access"]
    assert [tool.name for tool in agent.tools] == list(agent.card.tools)
    assert [tool.name for tool in agent.tools if tool.needs_approval] == ["reset_second_factor"]
    assert agent.prompt.startswith("You are Deskhand's access agent")


REMINDER, HOURS = "handoff.lease_reminder_minutes", "handoff.working_hours"


def lease_of(minutes: float) -> CardChange:
    """Shorten the lease and say nothing about the reminder."""

    def change(content: dict[str, Any]) -> None:
        content["handoff"]["lease_minutes"] = minutes
        del content["handoff"]["lease_reminder_minutes"]

    return change


def escalation(*levels: tuple[float, str]) -> CardChange:
    """Set another escalation."""
    steps = [{"after_minutes": minutes, "action": action} for minutes, action in levels]
    return lambda content: content["handoff"].update(escalation=steps)


LINK_TO, UNLOCKS = "accounts.may_send_link.0", "accounts.at_most.unlock_my_account"


def bounds(**changes: Any) -> CardChange:
    """Set how often an account may be unlocked, wrong in one field."""
    return lambda content: content["accounts"]["at_most"]["unlock_my_account"].update(changes)


def compromise(**changes: Any) -> CardChange:
    """Set the figures of a sign of compromise, wrong in one."""
    return lambda content: content["accounts"]["compromise"].update(changes)


RESET = "reset_second_factor"


def approving(tool: str, approvers: list[str] | None = None, **terms: Any) -> CardChange:
    """Let a tool be approved, under terms of which one is wrong."""

    def change(content: dict[str, Any]) -> None:
        content["approvals"] = {tool: {"proof": ["manager"], **terms}}
        if approvers is not None:
            content["handoff"]["approvers"] = approvers

    return change


WRONG: tuple[tuple[str, CardChange, str, str], ...] = (
    ("an unknown field", lambda c: c.update(colour="red"), "colour", "is unknown"),
    ("an unknown limit", lambda c: c["limits"].update(stepz=3), "limits.stepz", "did you mean steps?"),
    ("no steps", lambda c: c["limits"].update(steps=0), "limits.steps", "greater than or equal to 1"),
    (
        "a turn that RQ would end",
        lambda c: c["limits"].update(seconds=101),
        "limits.seconds",
        "less than or equal to 100",
    ),
    ("free", lambda c: c["limits"].update(cost_usd="0"), "limits.cost_usd", "greater than 0"),
    ("no owner", lambda c: c.update(owners=[]), "owners", "at least 1"),
    ("no sponsor", lambda c: c.pop("sponsor"), "sponsor", "is missing"),
    ("a blank sponsor", lambda c: c.update(sponsor=" "), "sponsor", "expected words"),
    ("no purpose", lambda c: c.pop("purpose"), "purpose", "is missing"),
    ("a blank purpose", lambda c: c.update(purpose="\n"), "purpose", "expected words"),
    ("another status", lambda c: c.update(status="asleep"), "status", "'active', 'suspended' or 'retired'"),
    (
        "a wrong owner",
        lambda c: c.update(owners=["olivia"]),
        "owners.0",
        "id of a person such as U0123ABCD, found 'olivia'",
    ),
    ("a wrong channel", lambda c: c.update(channels=["#help"]), "channels.0", "id of a channel such as C0"),
    (
        "a direct message as channel",
        lambda c: c.update(channels=["D0MAYA"]),
        "channels.0",
        "id of a channel such as C0",
    ),
    ("a wrong queue", lambda c: c["handoff"].update(queue_channel="queue"), "handoff.queue_channel", "id of a ch"),
    ("no responder", lambda c: c["handoff"].update(responders=[]), "handoff.responders", "at least 1"),
    ("an approver who is none", lambda c: c["handoff"].update(approvers=["U0EVE"]), "handoff.approvers", "U0EVE"),
    (
        "an approval of what needs none",
        approving("unlock_my_account"),
        "approvals.unlock_my_account",
        "needs an approval",
    ),
    ("an approval of what is no tool", approving("fly"), "approvals.fly", "the name of a tool in tools"),
    (
        "an approval that nobody may give",
        approving(RESET, approvers=[]),
        "handoff.approvers",
        f"{RESET} may be approved",
    ),
    ("two people of one", approving(RESET, ["U0PRIYA"], second_step="two_people"), "handoff.approvers", "at least two"),
    ("no proof", approving(RESET, proof=[]), f"approvals.{RESET}.proof", "at least 1"),
    (
        "a proof twice",
        approving(RESET, proof=["manager", "manager"]),
        f"approvals.{RESET}.proof",
        "each kind of proof once",
    ),
    ("a proof that proves nothing", approving(RESET, proof=["chat"]), f"approvals.{RESET}.proof.0", "'manager'"),
    ("no time to approve", approving(RESET, expires_minutes=0), f"approvals.{RESET}.expires_minutes", "greater than 0"),
    (
        "nobody of that name on call",
        lambda c: c["handoff"].update(on_call="oncall"),
        "handoff.on_call",
        "person or a group",
    ),
    ("a channel on call", lambda c: c["handoff"].update(on_call="C0HELP"), "handoff.on_call", "id of a person or"),
    ("no time zone", lambda c: c["handoff"].update(time_zone="Mars/Olympus"), "handoff.time_zone", "Europe/Berlin"),
    ("a file as zone", lambda c: c["handoff"].update(time_zone="../passwd"), "handoff.time_zone", "Europe/Berlin"),
    ("no reminder", lambda c: c["handoff"].update(lease_reminder_minutes=0), REMINDER, "greater than 0"),
    ("a reminder too early", lambda c: c["handoff"].update(lease_minutes=9, lease_reminder_minutes=9), REMINDER, "(9)"),
    ("a lease too short", lease_of(4), REMINDER, "less than lease_minutes (4), found 5"),
    ("no lease", lambda c: c["handoff"].update(lease_minutes=0), "handoff.lease_minutes", "greater than 0"),
    ("a step at once", escalation((0, "remind")), "handoff.escalation.0.after_minutes", "greater than 0"),
    ("a step after weeks", escalation((10_081, "tell")), "handoff.escalation.0.after_minutes", "10080"),
    (
        "a step at no time",
        escalation((float("nan"), "tell")),
        "handoff.escalation.0.after_minutes",
        "expected a number",
    ),
    (
        "an unknown step",
        escalation((1, "remind"), (2, "shout")),
        "handoff.escalation.1.action",
        "'remind', 'mention' or 'tell'",
    ),
    ("an escalation that falls", escalation((5, "remind"), (4, "tell")), "handoff.escalation", "found 4 behind 5"),
    (
        "a name of before",
        lambda content: content["handoff"].update(ladder=[]),
        "handoff",
        "ladder is called escalation now",
    ),
    ("two steps at once", escalation((5, "remind"), (5, "tell")), "handoff.escalation", "found 5 behind 5"),
    ("no days", working_hours(days=[]), f"{HOURS}.days", "at least 1"),
    ("an unknown day", working_hours(days=["mon", "Funday"]), f"{HOURS}.days.1", "'mon', 'tue'"),
    ("a time without quotes", working_hours(until=1080), f"{HOURS}.until", "in quotes, found 1080"),
    ("a time without a zero", working_hours(**{"from": "8:00"}), f"{HOURS}.from", "found '8:00'"),
    ("a time that is none", working_hours(**{"from": "24:01"}), f"{HOURS}.from", '"00:00" to "24:00"'),
    ("closed at once", working_hours(until="08:00"), f"{HOURS}.until", 'a whole day is from "00:00" until "24:00"'),
    ("from the end of a day", working_hours(**{"from": "24:00", "until": "02:00"}), f"{HOURS}.from", 'before "24:00"'),
    ("no closing time", working_hours(until=None), f"{HOURS}.until", "in quotes, found None"),
    ("a lunch break", working_hours(lunch="12:00"), f"{HOURS}.lunch", "is unknown"),
    ("no such tool", lambda c: c["tools"].append("open_door"), "tools", "no such tool: open_door"),
    ("no tool", lambda c: c.update(tools=[]), "tools", "at least 1"),
    (
        "a key in the card",
        lambda c: c["credentials"].update(model="sk-ant-x"),
        "credentials.model",
        "name of a variable",
    ),
    ("a review on no day", lambda c: c.update(review_by="2027-02-30"), "review_by", "such as 2026-12-31, found"),
    ("no review", lambda c: c.pop("review_by"), "review_by", "is missing"),
    ("an unknown status", lambda c: c.update(status="paused"), "status", "'active', 'suspended' or 'retired'"),
    ("an unknown rule", lambda c: c["accounts"].update(may_open=["x"]), "accounts.may_open", "is unknown"),
    ("a reason of blanks", lambda c: c["accounts"].update(may_unlock=[" "]), "accounts.may_unlock.0", "own words"),
    ("a reason with an edge", lambda c: c["accounts"].update(may_lift=["x "]), "accounts.may_lift.0", "own words"),
    ("a reason of two lines", lambda c: c["accounts"].update(may_unlock=["a\nb"]), "accounts.may_unlock.0", "one line"),
    (
        "a link for the departed",
        lambda c: c["accounts"].update(may_send_link=["departed"]),
        LINK_TO,
        "'active', 'locked'",
    ),
    (
        "bounds of no tool",
        lambda c: c["accounts"]["at_most"].update(open_door={}),
        "accounts.at_most",
        "open_door is no",
    ),
    (
        "bounds of a look",
        lambda c: c["accounts"]["at_most"].update(resolve={}),
        "accounts.at_most",
        "resolve is no tool",
    ),
    ("an hour above its day", bounds(per_hour=4), f"{UNLOCKS}", "at most per_day (3), found 4"),
    ("fewer than never", bounds(per_hour=-1), f"{UNLOCKS}.per_hour", "greater than or equal to 0"),
    ("no failures", compromise(failures=0), "accounts.compromise.failures", "greater than or equal to 1"),
    (
        "within no time",
        compromise(within_minutes=float("inf")),
        "accounts.compromise.within_minutes",
        "expected a number",
    ),
    ("for no time", compromise(for_hours=0), "accounts.compromise.for_hours", "greater than 0"),
    ("an address in clear", lambda c: c.update(links=["http://it.example.com"]), "links.0", "expected https://host"),
    (
        "tools in a person's name",
        lambda c: c.update(tools_in={"D0MAYA": ["hand_off"]}),
        "tools_in.D0MAYA",
        "expected dm",
    ),
    ("tools in DM", lambda c: c.update(tools_in={"DM": ["hand_off"]}), "tools_in.DM", "dm or the Slack id"),
    ("perhaps directly", lambda c: c.update(direct_messages="perhaps"), "direct_messages", "true or false"),
    ("another's name", lambda c: c.update(name="other"), "name", "expected access"),
    ("a name in capitals", lambda c: c.update(name="Access"), "name", "lower-case letters, digits"),
)


@pytest.mark.parametrize(("change", "field", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_card_names_its_file_and_field(tmp_path: Path, change: CardChange, field: str, said: str) -> None:
    """Whoever wrote it is told where to look and what was expected."""
    assert_card_refused(tmp_path, change, field, said)


def test_a_missing_prompt_is_named(tmp_path: Path) -> None:
    """An agent without a prompt does not start."""
    folder = copied_agent(tmp_path)
    (folder / "prompt.md").unlink()
    with pytest.raises(ConfigError, match=r"prompt\.md: cannot be read: No such file or directory$"):
        card.load(folder)


NO_CARDS = {
    "broken": (b"name: [", "cannot be read"),
    "empty": (b"", "name: is missing"),
    "a list": (b"- a list", "the file: expected name, inherits"),
    "not UTF-8": (b"name: \xff", "cannot be read"),
    "too deep": (b"[" * 5_000, "cannot be read"),
    "a field twice": (b"name: a\nname: b", "cannot be read: line 2: name appears twice"),
}


@pytest.mark.parametrize(("text", "said"), NO_CARDS.values(), ids=NO_CARDS)
def test_a_file_that_is_no_card_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    """Whatever it holds, it is refused with its name; of two lists of reasons none is taken in silence."""
    folder = copied_agent(tmp_path)
    (folder / "card.yaml").write_bytes(text)
    with pytest.raises(ConfigError, match=rf"card\.yaml: {said}"):
        card.load(folder)


def test_a_prompt_that_is_no_text_is_named(tmp_path: Path) -> None:
    """The message names the prompt and not the card."""
    folder = copied_agent(tmp_path)
    (folder / "prompt.md").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"prompt\.md: cannot be read"):
        card.load(folder)


def test_two_agents_do_not_hear_one_channel(tmp_path: Path) -> None:
    """A message has one agent; the second card is named with the channel."""
    copied_agent(tmp_path, "access")
    copied_agent(tmp_path, "second")
    with pytest.raises(ConfigError, match=r"second/card\.yaml: channels: C0HELP is access's"):
        card.load_all(tmp_path)


def test_a_queue_is_no_help_channel(tmp_path: Path) -> None:
    """What responders write among themselves opens no tickets."""
    copied_agent(tmp_path, change=lambda c: c.update(channels=["C0HELP", "C0QUEUE"]))
    with pytest.raises(ConfigError, match=r"access/card\.yaml: channels: C0QUEUE is a queue channel"):
        card.load_all(tmp_path)


def test_a_second_agent_is_a_copied_folder(tmp_path: Path) -> None:
    """With a channel of its own it is loaded beside the first, without any code."""
    copied_agent(tmp_path, "access")
    copied_agent(tmp_path, "second", lambda c: c.update(channels=["C0OTHER"], direct_messages=False))
    assert sorted(card.load_all(tmp_path)) == ["access", "second"]


def test_no_agent_at_all_is_said(tmp_path: Path) -> None:
    """An empty configuration names the folder where agents belong."""
    with pytest.raises(ConfigError, match=r"no agent; expected <name>/card\.yaml"):
        card.load_all(tmp_path)


def test_a_channel_has_a_grant_of_its_own(tmp_path: Path) -> None:
    """Where the card narrows a channel, both grants must allow a tool; elsewhere the agent's alone."""
    narrow = {"C0HELP": ["look_up_my_account", "hand_off"]}
    agent = card.load(copied_agent(tmp_path, change=lambda c: c.update(tools_in=narrow)))
    assert [grant.holder for grant in agent.grants("C0OTHER", private=False)] == ["agent:access"]
    own, channel = agent.grants("C0HELP", private=False)
    assert channel.holder == "channel:C0HELP"
    assert channel.tools == {"look_up_my_account", "hand_off"} < own.tools


@pytest.mark.parametrize(
    ("heirs", "said"),
    [
        ({"access": ["vpn"]}, "inherits: vpn is an agent of its own"),
        ({"access": ["access"]}, "inherits: access is an agent of its own"),
        ({"access": ["old"], "vpn": ["old"]}, "inherits: old is inherited by access already"),
        ({"access": ["Old agent"]}, "inherits.0"),
    ],
)
def test_an_heir_is_one_and_of_who_is_gone(tmp_path: Path, heirs: dict[str, list[str]], said: str) -> None:
    """Tickets have one agent: nothing is inherited from one that is here, or by two."""
    copied_agent(tmp_path, "access", lambda card: card.update(inherits=heirs.get("access", [])))
    other = {"channels": ["C0VPN"], "direct_messages": False}
    copied_agent(tmp_path, "vpn", lambda card: card.update(inherits=heirs.get("vpn", []), **other))
    with pytest.raises(ConfigError, match=said):
        card.load_all(tmp_path)


def test_tickets_of_an_agent_that_is_gone_are_its_heirs_or_nobodys(tmp_path: Path) -> None:
    """Never the first agent's: its people would read what was said to another."""
    copied_agent(tmp_path, "access", lambda card: card.update(inherits=["old"]))
    agents = card.load_all(tmp_path)
    assert card.answering(agents, "access") is card.answering(agents, "old") is agents["access"]
    assert card.answering(agents, "gone") is None


def test_direct_messages_have_a_grant_of_their_own(tmp_path: Path) -> None:
    """A narrower channel is not left by writing directly, where the card narrows that too."""
    narrow = {"C0HELP": ["hand_off"], "dm": ["look_up_my_account", "hand_off"]}
    agent = card.load(copied_agent(tmp_path, change=lambda c: c.update(tools_in=narrow)))
    own, directly = agent.grants("D0MAYA", private=True)
    assert (directly.holder, set(directly.tools)) == ("direct messages", {"look_up_my_account", "hand_off"})
    assert [grant.tools for grant in agent.grants("C0HELP", private=False)] == [own.tools, {"hand_off"}]
    assert len(agent.grants("C0OTHER", private=False)) == 1


def test_tools_in_direct_messages_are_known(tmp_path: Path) -> None:
    """A name that no tool has is refused there as in a channel."""
    with pytest.raises(ConfigError, match="no such tool: open_door"):
        card.load(copied_agent(tmp_path, change=lambda c: c.update(tools_in={"dm": ["open_door"]})))


@pytest.mark.parametrize(
    ("stated", "hears"),
    [
        ((None,), ["a0"]),
        ((False,), []),
        ((None, True), ["a0", "a1"]),
        ((False, True), ["a1"]),
        ((True, False, None), ["a0", "a2"]),
        ((False, False), []),
    ],
)
def test_who_hears_direct_messages_is_said_by_each_card(
    tmp_path: Path, stated: tuple[bool | None, ...], hears: list[str]
) -> None:
    """An agent does unless its card says that it does not; there may be several."""
    for number, says in enumerate(stated):
        copied_agent(tmp_path, f"a{number}", hearing(f"C0A{number}", says))
    assert list(card.hearing_directly(card.load_all(tmp_path))) == hears


@pytest.mark.parametrize(
    ("statuses", "hears"),
    [
        (("active", "suspended"), ["a0"]),
        (("retired", "active"), ["a1"]),
        (("suspended", "suspended"), ["a0", "a1"]),
    ],
)
def test_who_is_not_at_work_is_not_offered(tmp_path: Path, statuses: tuple[str, ...], hears: list[str]) -> None:
    """While another agent is; where none is, a person answers for whichever is chosen."""
    for number, status in enumerate(statuses):
        other = {"channels": [f"C0A{number}"], "status": status}
        copied_agent(tmp_path, f"a{number}", lambda content, other=other: content.update(other))  # type: ignore[misc]
    assert list(card.hearing_directly(card.load_all(tmp_path))) == hears


def hearing(channel: str, says: bool | None) -> CardChange:  # noqa: FBT001 - as a card says it
    """Let a card hear another channel, and say whether it hears direct messages; None: it says nothing of them."""

    def change(content: dict[str, Any]) -> None:
        content.update(channels=[channel], direct_messages=says)
        if says is None:
            del content["direct_messages"]

    return change


def test_the_model_is_told_which_addresses_it_may_give(tmp_path: Path) -> None:
    """Below the prompt; with none, the prompt is all."""
    plain = card.load(copied_agent(tmp_path))
    assert plain.system == plain.prompt
    links = ["https://it.example.com/help", "mailto:desk@example.com"]
    listed = card.load(copied_agent(tmp_path, "listed", lambda c: c.update(links=links)))
    assert listed.system.endswith(
        "# Addresses that you may give\n- https://it.example.com/help\n- mailto:desk@example.com\n"
    )


def test_a_card_without_rules_lets_nothing_be_lifted(tmp_path: Path) -> None:
    """What is not said is not allowed; bounds and figures have their defaults."""
    rules = card.load(copied_agent(tmp_path, change=lambda c: c.pop("accounts"))).card.accounts
    assert (rules.may_unlock, rules.may_lift, rules.may_send_link) == ((), (), ())
    usual = rules.bounds("unlock_my_account")
    assert (usual.per_hour, usual.per_day, rules.compromise.failures) == (1, 3, 4)


@pytest.mark.parametrize(
    ("said", "enrolled", "approvers", "asked"),
    [
        ("default", True, 3, SecondStep.CODE),
        ("default", False, 2, SecondStep.TWO_PEOPLE),
        ("default", False, 1, SecondStep.CODE),
        ("none", True, 1, SecondStep.NONE),
        ("code", False, 2, SecondStep.CODE),
        ("two_people", True, 2, SecondStep.TWO_PEOPLE),
    ],
)
def test_second_step_is_what_the_card_says_or_what_is_possible(
    said: str, approvers: int, asked: SecondStep, *, enrolled: bool
) -> None:
    """The default is a code where anybody has one, else two people; one person alone is asked for a code."""
    terms = ApprovalTerms.model_validate({"proof": ["manager"], "second_step": said})
    assert terms.second_step_of(enrolled=enrolled, approvers=approvers) is asked
