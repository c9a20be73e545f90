"""Reviews of hard caps, from the buttons to what is decided: `bot.listeners.budgets`."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.budget.admission import account_of
from bot.listeners import budgets, buttons
from bot.listeners.submissions import Wrong
from bot.principals import Reason
from bot.slack.money import budget_cards
from bot.slack.sentences import say
from bot.store.money import reviews
from bot.store.schema import AuditRow, BudgetReview, Handoff, HandoffMove, ReviewState, TurnOutcome, now
from jobs.budgets import see_to
from tests.support.budget_rows import opened_review, person
from tests.support.factories import FIRST, at_once, finish, hand_off, new_turn, put, running
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.queues import ground_of
from tests.support.slack_requests import FORGED_IDS
from tests.support.web_harness import FrontDoor
from tests.support.web_harness import web_opened as opened_door
from tests.support.workspace_names import TEAM

OWNERS = ("U0OLIVIA", "U0RUTH")
WHY = "Month end: everybody signs in."
WHY_HASHED = sha256(WHY.encode()).hexdigest()
"The audit log keeps nobody's words."


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[FrontDoor]:
    """Serve a house whose agent has two owners, and in which Ben answers for what Grace may spend."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    card, caps = config / "agents/access/card.yaml", config / "budgets.yaml"
    card.write_text(card.read_text().replace("owners: [U0OLIVIA]", f"owners: [{', '.join(OWNERS)}]"))
    content = yaml.safe_load(caps.read_text())
    content["user"] = {
        "named": {
            "U0GRACE": {"window": "day", "hard": "1", "owner": "U0BEN"},
            "U0IVAN": {"window": "day", "hard": "999999"},
        }
    }
    caps.write_text(yaml.safe_dump(content))
    with opened_door(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as ctx:
        yield ctx


def asked(front: FrontDoor, **changes: Any) -> int:
    """Open a review and ask its owners; return its number."""
    review = opened_review(front.database, **changes)
    see_to(0)
    return review


def graces(front: FrontDoor) -> int:
    """Open the review of what Grace may spend."""
    return asked(front, **person("U0GRACE"), limit_nusd=10**9)


def card(front: FrontDoor, user: str = "U0OLIVIA") -> Json:
    """Return the card that an owner has."""
    [found] = [one for one in front.sees(user)["messages"][f"D{user[1:]}"] if one["blocks"][0]["type"] == "header"]
    return dict(found)


def press(front: FrontDoor, user: str, action: str) -> None:
    """Press a button of the card."""
    shown = card(front, user)
    block = next(one["block_id"] for one in shown["blocks"] if one["type"] == "actions")
    where = {"channel": f"D{user[1:]}", "ts": shown["ts"], "block_id": block}
    front.act("click", user, **where, action_id=f"budget.{action}")
    front.work()


def click(front: FrontDoor, user: str, value: str | None, *, action: str = "raise", trigger: str = "1.2.3") -> None:
    """Press a button that nobody has shown this person."""
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": trigger, "api_app_id": "A0"}
    pressed = {"type": "button", "block_id": "b", "action_id": f"budget.{action}", "value": value}
    place = {"channel": {"id": "C0HELP"}, "container": {"type": "message", "channel_id": "C0HELP", "message_ts": "1.2"}}
    status, _ = front.payload({**who, **place, "type": "block_actions", "actions": [pressed]})
    assert status == 200


def filled(amount: str | None = "1.25", why: str = WHY) -> Json:
    """Return what is typed into a form; no amount for the one that denies."""
    typed = {"why": why} if amount is None else {"amount": amount, "why": why}
    return {block: {block: {"type": "plain_text_input", "value": text}} for block, text in typed.items()}


def submit(
    front: FrontDoor, user: str, review: int, values: Json, *, callback: str = "raised", view: str = "V1"
) -> str:
    """Send a form that nobody has opened; return the answer."""
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": "1.2.3", "api_app_id": "A0"}
    form = {"type": "modal", "id": view, "callback_id": f"budget.{callback}", "private_metadata": str(review)}
    return front.payload({**who, "type": "view_submission", "view": {**form, "state": {"values": values}}})[1]


def stands(front: FrontDoor) -> list[tuple[str, str | None, int]]:
    """Return state, decider and raise of every review."""
    return [(row.state, row.decided_by, row.raised_nusd) for row in front.rows(BudgetReview)]


def audited(front: FrontDoor) -> list[tuple[str, str, str | None]]:
    """Return every record about budgets: event, actor, and why as it is kept there."""
    rows = [row for row in front.rows(AuditRow) if row.event[:6] == "budget"]
    return [(row.event, row.actor, row.record.get("why_sha256") or row.record.get("why")) for row in rows]


def test_an_owner_raises_a_budget(front: FrontDoor) -> None:
    """Every owner's card shows it and asks nothing more, it is audited, and the gate forgets the account."""
    review = asked(front)
    [row] = front.rows(BudgetReview)
    ground = ground_of(front.redis)
    assert ground is not None
    account = ground.prefix + account_of(row.account)
    front.redis.hset(account, mapping={"state": "open", "spent": 1, "raised": 0})
    press(front, "U0OLIVIA", "raise")
    assert front.fill("U0OLIVIA", filled())["ok"]
    assert stands(front) == [("raised", "U0OLIVIA", 1_250_000_000)]
    for owner in OWNERS:
        shown = str(card(front, owner)["blocks"])
        assert "<@U0OLIVIA> raised it by *$1.25* to $6.25" in shown
        assert WHY in shown
        assert "budget.raise" not in shown
    assert audited(front) == [("budget.raised", "U0OLIVIA", WHY_HASHED)]
    assert not front.redis.exists(account)
    with front.database.read() as session:
        assert reviews.unapplied(session) == []
        found = reviews.find(session, review)
        assert found is not None
        assert found.why == WHY


def penniless(front: FrontDoor, number: int = 1) -> Handoff:
    """Let somebody's request in the help channel be with people for want of money."""
    first = replace(FIRST, event_id=f"Eb{number}", ts=f"1700000{number:03d}.000001", user=f"U{number}")
    attempt = running(front.database, new_turn(front.database, first))
    finish(front.database, attempt, TurnOutcome.HANDOFF)
    return hand_off(front.database, attempt.ticket.id, reason=Reason.BUDGET)


def test_an_owner_raises_a_budget_and_lets_the_agent_go_on(front: FrontDoor) -> None:
    """The card says how many wait and has a button for it; the form says it again; owner and review are audited."""
    for number in (1, 2):
        penniless(front, number)
    asked(front)
    assert "*2 requests wait.*" in str(card(front)["blocks"])
    press(front, "U0OLIVIA", "raise_and_on")
    view = front.sees("U0OLIVIA")["view"]
    assert view["callback_id"] == "budget.raised_and_on"
    assert "*2 requests wait.* Once the budget is raised, the agent goes on with them." in str(view["blocks"])
    assert front.fill("U0OLIVIA", filled())["ok"]
    assert [row.goes_on_by for row in front.rows(BudgetReview)] == ["U0OLIVIA"]
    assert [row.state for row in front.rows(Handoff)] == ["returned"] * 2
    for owner in OWNERS:
        assert "The agent goes on with 2 requests." in str(card(front, owner)["blocks"])
    assert audited(front) == [("budget.raised", "U0OLIVIA", WHY_HASHED)]
    returned = [row for row in front.rows(AuditRow) if row.event == "handoff.returned"]
    assert [(row.actor, row.record["review"]) for row in returned] == [("U0OLIVIA", 1)] * 2


def test_a_plain_raise_lets_nothing_go_on_until_an_owner_says_so(front: FrontDoor) -> None:
    """They are asked once more, on the card; nobody else may, a second press is told, and both are audited."""
    penniless(front)
    review = asked(front)
    press(front, "U0OLIVIA", "raise")
    assert front.fill("U0OLIVIA", filled())["ok"]
    assert [row.state for row in front.rows(Handoff)] == ["open"]
    assert "1 request waits for a person as before." in str(card(front)["blocks"])
    click(front, "U0MAYA", str(review), action="go_on")
    assert front.only() == [("U0MAYA", "Only <@U0OLIVIA> or <@U0RUTH> can decide this.")]
    press(front, "U0RUTH", "go_on")
    assert [row.state for row in front.rows(Handoff)] == ["returned"]
    click(front, "U0OLIVIA", str(review), action="go_on", trigger="2.2.3")
    assert front.only()[-1] == ("U0OLIVIA", budgets.GOES_ON)
    assert [(event, actor) for event, actor, _ in audited(front)] == [
        ("budget.raised", "U0OLIVIA"),
        ("budget.refused", "U0MAYA"),
        ("budget.goes_on", "U0RUTH"),
        ("budget.refused", "U0OLIVIA"),
    ]
    assert [one.actor for one in front.rows(HandoffMove) if one.move == "returned"] == ["U0RUTH"]


@pytest.mark.parametrize("state", ["open", "denied", "over"])
def test_without_a_raise_in_its_window_nothing_goes_on(front: FrontDoor, state: str) -> None:
    """A button that is old or was never shown changes nothing, and its presser is told how the review stands."""
    penniless(front)
    review = asked(front)
    told = {"state": "raised", "decided_by": "U0OLIVIA", "resets_at": now()}
    put(front.database, BudgetReview, review, **(told if state == "over" else {"state": state}))
    click(front, "U0OLIVIA", str(review), action="go_on")
    click(front, "U0OLIVIA", "999", action="go_on", trigger="2.2.3")
    said = [text for _, text in front.only()]
    assert said[1] == say("press.out_of_date", "en")
    assert said[0] != budgets.GOES_ON
    assert [row.state for row in front.rows(Handoff)] == ["open"]
    assert [row.goes_on_by for row in front.rows(BudgetReview)] == [None]


def test_of_two_owners_who_let_the_agent_go_on_at_once_one_does(front: FrontDoor) -> None:
    """Both raise and both want it: one form counts, and each request goes back once."""
    for number in (1, 2):
        penniless(front, number)
    review = asked(front)
    answers = at_once(2, lambda n: submit(front, OWNERS[n], review, filled(), callback="raised_and_on", view=f"V{n}"))
    front.work()
    assert sorted("errors" in answer for answer in answers) == [False, True]
    [row] = front.rows(BudgetReview)
    assert (row.decided_by, row.gone_on) == (row.goes_on_by, 2)
    assert [one.actor for one in front.rows(HandoffMove) if one.move == "returned"] == [row.decided_by] * 2


def test_a_secret_in_a_reason_is_not_kept(front: FrontDoor) -> None:
    """Neither in the review nor on its cards."""
    review = asked(front)
    press(front, "U0OLIVIA", "raise")
    assert front.fill("U0OLIVIA", filled(why="The vendor's password is Winter!24x"))["ok"]
    with front.database.read() as session:
        found = reviews.find(session, review)
    assert found is not None
    assert "Winter!24x" not in f"{found.why} {[card(front, owner)['blocks'] for owner in OWNERS]}"


def test_an_owner_denies_a_raise(front: FrontDoor) -> None:
    """It stays as it is, with a reason that stands on the card."""
    asked(front)
    press(front, "U0RUTH", "deny")
    assert front.fill("U0RUTH", filled(None))["ok"]
    assert stands(front) == [("denied", "U0RUTH", 0)]
    assert "<@U0RUTH> left it as it is" in str(card(front)["blocks"])
    assert audited(front) == [("budget.denied", "U0RUTH", WHY_HASHED)]


def test_nobody_but_the_owners_decides(front: FrontDoor) -> None:
    """A forged click and a forged form are told who may, audited, and change nothing; responders may not either."""
    review = asked(front)
    for number, user in enumerate(("U0MAYA", "U0PRIYA")):
        click(front, user, str(review), trigger=str(number))
        click(front, user, str(review), action="deny", trigger=f"{number}d")
        assert front.sees(user)["view"] is None
        answer = submit(front, user, review, filled(), view=f"V{number}")
        assert '"errors"' in answer
        assert budgets.NOT_YOURS in answer
    said = "Only <@U0OLIVIA> or <@U0RUTH> can decide this."
    assert front.only() == [(user, said) for user in ("U0MAYA", "U0MAYA", "U0MAYA", "U0PRIYA", "U0PRIYA", "U0PRIYA")]
    assert stands(front) == [("open", None, 0)]
    assert audited(front) == [("budget.refused", user, "not an owner") for user in ("U0MAYA", "U0PRIYA") for _ in "123"]


def test_a_named_owner_decides_alone(front: FrontDoor) -> None:
    """The agent's owners are no owners of a budget that has its own; they are not asked about it."""
    review = graces(front)
    click(front, "U0OLIVIA", str(review))
    assert front.only() == [("U0OLIVIA", "Only <@U0BEN> can decide this.")]
    assert "D0OLIVIA" not in front.sees("U0OLIVIA")["messages"]
    press(front, "U0BEN", "raise")
    assert front.fill("U0BEN", filled("2"))["ok"]
    assert stands(front) == [("raised", "U0BEN", 2_000_000_000)]


def test_an_owner_who_has_left_decides_nothing(front: FrontDoor) -> None:
    """Whatever a screen that is still open shows."""
    review = asked(front)
    front.leaves("U0RUTH")
    click(front, "U0RUTH", str(review))
    assert front.only() == [("U0RUTH", say("denied.left", "en"))]
    assert say("denied.left", "en") in submit(front, "U0RUTH", review, filled())
    assert stands(front) == [("open", None, 0)]
    assert audited(front) == [("budget.refused", "U0RUTH", "no longer a member")] * 2


@pytest.mark.parametrize("decision", ["raised", "denied"])
def test_the_slower_owner_is_told_who_was_faster(front: FrontDoor, decision: str) -> None:
    """Their form stays with what they wrote, a press says it too, and the first decision stands."""
    review = asked(front)
    for owner in OWNERS:
        press(front, owner, "raise")
    assert "errors" not in submit(front, "U0OLIVIA", review, filled(), callback=decision)
    assert front.fill("U0RUTH", filled("3"))["errors"] == {"amount": budgets.NOT_YOURS}
    said = {
        "raised": "<@U0OLIVIA> has raised this by $1.25 already.",
        "denied": "<@U0OLIVIA> has decided already to leave",
    }
    assert front.directly("U0RUTH")[-1].startswith(said[decision])
    click(front, "U0RUTH", str(review))
    assert front.only()[-1][1].startswith(said[decision])
    assert [row[:2] for row in stands(front)] == [(decision, "U0OLIVIA")]
    assert audited(front)[1:] == [("budget.refused", "U0RUTH", f"it is {decision}")] * 2


def test_of_two_owners_at_once_one_decides(front: FrontDoor) -> None:
    """Both forms arrive in the same moment: one counts, the other is told, and the cards say the same."""
    review = asked(front)
    answers = at_once(2, lambda n: submit(front, OWNERS[n], review, filled(f"{n + 1}.00"), view=f"V{n}"))
    front.work()
    [(state, winner, raised)] = stands(front)
    assert sorted("errors" in answer for answer in answers) == [False, True]
    assert (state, raised) == ("raised", (OWNERS.index(str(winner)) + 1) * 10**9)
    assert [event for event, *_ in audited(front)] == ["budget.raised", "budget.refused"]
    assert all(f"<@{winner}> raised it" in str(card(front, owner)["blocks"]) for owner in OWNERS)


def test_a_decision_between_the_look_and_the_write_stands(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str
) -> None:
    """On PostgreSQL another owner may decide right after this one was found to be in time: the first one counts."""
    with opened_door(monkeypatch, database_url=postgres_url, redis_url=redis_url) as front:
        review, decide = asked(front), budgets._decide

        def overtaken(session: Any, *given: Any, **more: Any) -> bool:
            with front.database.write() as other:
                assert reviews.decide(other, review, by="U0RUTH", decision=ReviewState.DENIED, why="No.")
            return decide(session, *given, **more)

        monkeypatch.setattr(budgets, "_decide", overtaken)
        assert budgets.NOT_YOURS in submit(front, "U0OLIVIA", review, filled())
        assert stands(front) == [("denied", "U0RUTH", 0)]
        assert front.directly("U0OLIVIA")[-1].startswith("<@U0RUTH> has decided already")
        assert [event for event, *_ in audited(front)] == ["budget.denied", "budget.refused"]


def test_after_the_window_nothing_is_decided(front: FrontDoor) -> None:
    """A raise would count for nothing: who presses is told that it started anew."""
    review = asked(front)
    press(front, "U0OLIVIA", "raise")
    put(front.database, BudgetReview, review, resets_at=now())
    assert front.fill("U0OLIVIA", filled())["errors"] == {"amount": budgets.NOT_YOURS}
    assert "This is over: the budget reset" in front.directly("U0OLIVIA")[-1]
    assert stands(front) == [("open", None, 0)]  # until the clock ends it
    assert audited(front) == [("budget.refused", "U0OLIVIA", "it is over")]


def test_a_limit_that_the_file_has_changed_is_not_decided(front: FrontDoor) -> None:
    """A raise would add to another limit than the card names: who decides is told, and it is audited."""
    review = asked(front, limit_nusd=4 * 10**9)  # the file says five dollars by now
    assert budget_cards.CHANGED in submit(front, "U0OLIVIA", review, filled())
    click(front, "U0OLIVIA", str(review))
    assert front.only() == [("U0OLIVIA", budget_cards.CHANGED)]
    assert stands(front) == [("open", None, 0)]  # until the clock takes it back
    assert audited(front) == [("budget.refused", "U0OLIVIA", "its limit was changed")] * 2


def test_a_forged_value_is_out_of_date(front: FrontDoor) -> None:
    """A value that names no review changes nothing, and its sender is told to look again."""
    asked(front)
    forged = [value for value in FORGED_IDS if value is not None]
    for number, value in enumerate(forged):
        click(front, "U0OLIVIA", value, trigger=str(number))
    assert front.only() == [("U0OLIVIA", say("press.out_of_date", "en"))] * len(forged)
    assert say("press.out_of_date", "en") in submit(front, "U0OLIVIA", 999, filled())
    assert stands(front) == [("open", None, 0)]


def test_a_wrong_form_stays_and_changes_nothing(front: FrontDoor) -> None:
    """What is wrong is said under its field; corrected, the same form is taken."""
    asked(front)
    press(front, "U0OLIVIA", "raise")
    assert list(front.fill("U0OLIVIA", filled("5,00"))["errors"]) == ["amount"]
    assert list(front.fill("U0OLIVIA", filled(why=" \n"))["errors"]) == ["why"]
    assert stands(front) == [("open", None, 0)]
    assert audited(front) == []
    assert front.fill("U0OLIVIA", filled("5.00"))["ok"]
    assert stands(front) == [("raised", "U0OLIVIA", 5_000_000_000)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "in digits, such as 1.25"),
        ("0", "above 0"),
        ("0.000000000", "above 0"),
        ("-1", "above 0"),
        ("abc", "in digits"),
        ("five dollars", "in digits"),
        ("1e9", "in digits"),
        ("0x10", "in digits"),
        ("nan", "in digits"),
        ("inf", "in digits"),
        ("1_000", "in digits"),
        ("1 000", "in digits"),
        ("5,00", "5.00 is five dollars"),
        ("1,000.00", "without commas"),
        ("\u0665", "in digits"),
        ("1.0000000001", "9 digits after the point"),
        ("10.000000001", "at most $10.00: no budget is above $1,000,000"),
        ("9" * 10_000, "in digits"),
    ],
)
def test_a_wrong_amount_is_said_to_be_one(text: str, says: str) -> None:
    """Nothing is guessed: the words say what is expected."""
    with pytest.raises(Wrong, match=says.replace("$", r"\$").replace(".", r"\.")) as wrong:
        budgets.nano_usd(text, most=10 * 10**9)
    assert wrong.value.block == "amount"


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("1.25", 1_250_000_000),
        ("$2", 2 * 10**9),
        ("$ .5", 5 * 10**8),
        ("3.", 3 * 10**9),
        ("0.000000001", 1),
        ("10", 10**10),
    ],
)
def test_an_amount_is_taken_to_the_last_digit(text: str, nano: int) -> None:
    """US dollars as people type them, exactly."""
    assert budgets.nano_usd(text, most=10 * 10**9) == nano


def test_no_raise_lifts_a_budget_above_what_the_file_may_say(front: FrontDoor) -> None:
    """Redis counts exactly only so far: limit and raise together stay below it."""
    review = asked(front, **person("U0IVAN"), limit_nusd=999_999 * 10**9)
    assert "at most $1.00: no budget" in submit(front, "U0OLIVIA", review, filled("1.01"))
    assert "errors" not in submit(front, "U0OLIVIA", review, filled("1"))


def test_the_amount_that_is_said_to_be_allowed_is() -> None:
    """It is rounded down: where parts of a cent are missing to a dollar, a dollar is too much."""
    most = 10**9 - 100_000
    with pytest.raises(Wrong, match=r"at most \$0\.99: no budget"):
        budgets.nano_usd("1", most=most)
    assert budgets.nano_usd("0.99", most=most) == 990_000_000


@pytest.mark.parametrize("action", ["raise", "deny"])
def test_a_form_that_slack_does_not_open_is_said(front: FrontDoor, action: str) -> None:
    """Its owner is told to press again, and does."""
    asked(front)
    front.faults({"method": "views.open", "kind": "fail", "error": "expired_trigger_id"})
    press(front, "U0OLIVIA", action)
    assert front.whispers("U0OLIVIA") == [buttons.NOT_OPENED]
    press(front, "U0OLIVIA", action)
    assert front.sees("U0OLIVIA")["view"] is not None
