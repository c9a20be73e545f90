"""A handoff as responders see it: `bot.slack.handoffs.queue_card`."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.principals import AccountStatus, Reason
from bot.sandbox.slack import blocks as slack
from bot.slack.handoffs import handoff_facts, queue_card, reasons
from bot.slack.handoffs.handoff_facts import HandoffView
from bot.store.schema import HandoffState
from tests.support.block_checks import NASTY, check, shown, texts, tried
from tests.support.handoff_views import AT, OPEN_HANDOFF, THREAD_LINK

STATES = ("open", "claimed", "returned", "resolved", "cancelled")
PEOPLE = ("<@U0SAM>", "<@U0PRIYA>")
OURS = (*PEOPLE, f"<{THREAD_LINK}|Their thread>")
CLAIMED = replace(
    OPEN_HANDOFF, state=HandoffState.CLAIMED, claimed_by="U0PRIYA", lease_until=AT + timedelta(minutes=30)
)
RESOLVED = replace(
    CLAIMED,
    state=HandoffState.RESOLVED,
    lease_until=None,
    closed_at=AT + timedelta(minutes=9),
    resolution={"done": "Reset the factor.", "category": "second_factor", "agent_could": False},
)


def actions(body: dict[str, Any]) -> list[str]:
    """Return the action ids of a body's buttons."""
    return [element["action_id"] for _, element in slack.interactive(body["blocks"])]


def in_state(state: str) -> HandoffView:
    """Return the view of a handoff that is in a state."""
    ended = {
        "returned": replace(RESOLVED, state=HandoffState.RETURNED, resolution=None),
        "cancelled": replace(RESOLVED, state=HandoffState.CANCELLED, claimed_by=None, resolution=None),
    }
    return {"open": OPEN_HANDOFF, "claimed": CLAIMED, "resolved": RESOLVED, **ended}[state]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("reason", Reason)
def test_a_card_is_right_in_every_state(state: str, reason: Reason) -> None:
    """Slack takes the card of every state and reason, and only people it is about are mentioned."""
    check(queue_card.card(replace(in_state(state), reason=reason)), ours=OURS)


@tried
@given(texts, st.sampled_from(STATES))
def test_no_text_breaks_a_card(text: str, state: str) -> None:
    """Hostile summaries, results, zones, links and resolutions fit, and make no mention and no link."""
    view = replace(
        in_state(state),
        summary=text,
        words=text,
        tried=((text, text),) * 30,
        account=text,
        account_reason=text,
        barred=text,
        requester_zone=text,
        resolution={"done": text, "category": text, "words": text, "agent_could": True},
        before=("resolved", text, text),
        fell_back=True,
    )
    check(queue_card.card(view), ours=OURS)


@pytest.mark.parametrize("text", NASTY)
def test_no_name_breaks_a_card(text: str) -> None:
    """A card whose people are nonsense is still taken by Slack."""
    check(queue_card.card(replace(CLAIMED, claimed_by=text, requester=text)), ours=OURS)


@pytest.mark.parametrize(
    "link", [*NASTY, None, "javascript:alert(1)", f"{THREAD_LINK}|Home> <!channel", f"{THREAD_LINK} x"]
)
def test_only_an_address_becomes_a_link(link: str | None) -> None:
    """What is not one plain address is left out, and the card says where to read instead."""
    body = queue_card.card(replace(OPEN_HANDOFF, thread_link=link))
    check(body, ours=PEOPLE)
    assert " · a channel; the transcript is in this thread" in shown(body)


@pytest.mark.parametrize(
    ("state", "ids"),
    [
        ("open", ["handoff.claim"]),
        (
            "claimed",
            ["handoff.reply", "handoff.resolve", "handoff.give_back", "handoff.reassign", "handoff.unclaim"],
        ),
        ("returned", []),
        ("resolved", [queue_card.PROPOSE]),
        ("cancelled", []),
    ],
)
def test_no_button_is_dead(state: str, ids: list[str]) -> None:
    """Each state has the buttons that do something in it, each naming the handoff, and no other."""
    body = queue_card.card(in_state(state))
    assert actions(body) == ids
    assert all(element["value"] == "3" for _, element in slack.interactive(body["blocks"]))
    proposed = queue_card.card(replace(in_state(state), proposed_by="U0BEN"))
    assert actions(proposed) == [one for one in ids if one != queue_card.PROPOSE], "it is proposed once"


def test_an_open_card_says_all_that_is_known() -> None:
    """Who, since when, their words, why, what to do, account, what it is about, what was tried, their time, cost."""
    body = queue_card.card(OPEN_HANDOFF)
    assert body["text"] == "Ticket 12 needs a person. I got a new phone and can't sign in any more"
    first, why, small = _lines(body)
    waiting = f"<!date^{int(AT.timestamp()) - 120}^{{time}} ({{ago}})|"
    assert first.startswith(f"*Ticket 12 needs a person* · <@U0SAM> · waiting since {waiting}")
    assert first.endswith("\n> I got a new phone and can't sign in any more")
    assert why == (
        "*Only a person may do this*: check who they are, then decide · own account is active"
        "\n> Sam has a new phone and needs the second factor reset."
    )
    assert small == (
        f"The agent tried: look up account: factors: totp · 22:05 in Tokyo · <{THREAD_LINK}|Their thread> · $0.0042"
    )


def _lines(body: dict[str, Any]) -> list[str]:
    """Return the words of a card, block by block."""
    texts = [block.get("text") or block["elements"][0] for block in body["blocks"] if block["type"] != "actions"]
    return [str(text["text"]) for text in texts]


@pytest.mark.parametrize("reason", Reason)
def test_a_card_is_read_in_five_seconds(reason: Reason) -> None:
    """Three fit on a screen: few lines, no name of ours for anything, no id, nothing twice, and Claim in sight."""
    words = "I got a new phone and can't sign in any more"
    tried = (("look_up_my_account", "status: password_expired"),)
    view = replace(
        OPEN_HANDOFF,
        reason=reason,
        account="password_expired",
        tried=tried,
        summary=f'U0SAM wrote: "{words}". New phone.',
    )
    lines = _lines(queue_card.card(view))
    assert len(lines) == 3
    text = "\n".join(lines)
    assert text.count(words) == 1
    assert not re.search(r"_|(?<!@)U0", re.sub(r"<[^>]*>", "", text))
    assert "their password has expired" in text
    assert "\n> New phone." in text
    asked = replace(view, summary=f'{reasons.words(reason)}: "{words}"')
    assert "\n" not in _lines(queue_card.card(asked))[1], "what code says of a reason is said by the reason"


@tried
@given(texts, st.sampled_from(STATES))
def test_a_card_is_short_whatever_was_said(text: str, state: str) -> None:
    """However much people, tools and the model write, a card is a few lines of a bounded width."""
    view = replace(
        in_state(state),
        summary=text,
        words=text,
        tried=((text, text),) * 30,
        account_reason=text,
        before=("resolved", text, text),
        resolution={"done": text, "category": "other", "agent_could": True},
    )
    lines = "\n".join(_lines(queue_card.card(view))).split("\n")
    assert len(lines) <= 7
    quoted = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
    assert all(len(html.unescape(line)) <= 210 for line in quoted), quoted


def test_a_long_summary_is_cut_where_a_sentence_or_a_word_ends() -> None:
    """Two lines of it at most, one below longer words, with an ellipsis where more stands in the thread."""
    sentence = "Sam has a new phone and the old one is wiped."
    told = replace(
        OPEN_HANDOFF, summary=f"{sentence} The manager has seen it and confirms it. {'Then much more happened ' * 20}"
    )
    assert f"\n> {sentence} The manager has seen it and confirms it. …" in _lines(queue_card.card(told))[1] + "\n"
    [_, cut] = _lines(queue_card.card(replace(OPEN_HANDOFF, summary="unusual " * 60)))[1].split("\n")
    assert cut.endswith("unusual…")
    assert 140 <= len(cut) <= 163
    long = replace(OPEN_HANDOFF, words="I got a new phone " * 6, summary="unusual " * 60)
    assert len(_lines(queue_card.card(long))[1].split("\n")[1]) <= 98


RESULTS = {
    "look_up_my_account": (
        "status: {status}",
        "for a person: yes",
        "status: {status}, lock reason: too many failed sign-ins, password age days: 12, factors: totp, sms",
    ),
    "recent_sign_ins": (
        "withheld: sign-ins are told in a direct message only, since others read along here",
        "3 sign-ins, 2 failed, the last one because: wrong password",
    ),
    "unlock_my_account": (
        "done: yes, status: {status}",
        "refused: an administrator's account is a person's work",
        "refused: unlock_my_account failed 4 times: the directory does not answer.",
        "refused: there is nothing to unlock: the account is {status}",
        "no answer was seen",
    ),
    "send_password_reset": ("done: yes, sent to: the address on file", "refused: the account is {status}, not locked"),
}
"What tools answer, as `bot.agent.context` has it in words."
HELD = 'The account is {status}; the directory\'s reason: "too many failed sign-ins".'
BARRED = (
    "An administrator's account is a person's work.",
    "An account in this state is a person's work. The account is {status}.",
    f"The agent's card does not list what the directory says about this account. {HELD}",
)
"Why an account is a person's work, as `bot.policy` says it."
SUMMARIES = (
    "The account is {status}.",
    "The requester's account is {status}. They asked for a person.",
    'They wrote: "{words}". This account is a person\'s work.',
    "An administrator's account is a person's work.",
    "An account in this state is a person's work. The account is {status}.",
    HELD,
    "unlock_my_account failed 4 times: the directory does not answer.",
    "They are upset; a person should take this over.",
    "The budget is used up; nothing more was asked of the model.",
    "the model was asked 4 times and did not answer",
    "Release access@1f3c9a20 has no passing evaluation, so it does not answer.",
    'A person had resolved this. They now write: "{words}"',
    "For minutes, other calls held all that may be spent at once; nothing is used up.",
    "A responder has answered in the agent's thread before anyone was called.",
)
"What code and the stand-in write, and what a model may."


def test_what_a_change_led_to_is_told_in_a_word() -> None:
    """A state that the account was brought to stands after what was done; its own state is the one at the handoff."""
    view = replace(OPEN_HANDOFF, account="locked", tried=(("unlock_my_account", "status: active"),))
    said = shown(queue_card.card(view))
    assert "own account is locked" in said
    assert "The agent tried: unlock account: active" in said


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("status", [*AccountStatus, None])
def test_nothing_is_told_twice(reason: Reason, status: str | None) -> None:
    """Of a card no fact stands in two places, in the same or in other words: over every reason and tool outcome.

    Any two of reason, outcome and summary meet in every state; of the cards with all three there is one in three.
    """
    named = str(status or "none").replace("_", " ")
    every = [(tool, said) for tool, results in RESULTS.items() for said in results]
    calls = [(tool, said.format(status=status)) for tool, said in every if status or "{status}" not in said]
    summaries = [one for one in SUMMARIES if status or "{status}" not in one]
    barred = [None, *(one.format(status=named) for one in BARRED)]
    for number, call in enumerate(calls):
        first = (list(Reason).index(reason) + number) % 3
        for summary in summaries[first::3]:
            view = replace(
                OPEN_HANDOFF,
                reason=reason,
                account=status,
                account_reason="too many failed sign-ins",
                barred=BARRED[0] if "administrator" in call[1] else barred[number % len(barred)] if status else None,
                tried=(call, ("look_up_my_account", f"status: {status}")),
                summary=summary.format(status=named, words=OPEN_HANDOFF.words),
            )
            _each_once(queue_card.card(view), named)


def _each_once(body: dict[str, Any], status: str) -> None:
    """Assert that no fact of a card holds all of another's words, and that the account's state stands once."""
    lines = "\n".join(_lines(body)).split("\n")
    words = [line for line in lines if line.startswith(f"> {OPEN_HANDOFF.words}")]
    assert len(words) == 1, lines
    told = [line for line in lines if line not in words]
    text = " ".join(told).casefold()
    state = {"password expired": "expired"}.get(status, status)
    assert len(re.findall(rf"(?<!in){state}\b", text)) <= 1, lines
    light = set(re.findall(r"\w+", "the a an is are was it this they their of in to for and by with"))
    facts = [
        set(re.findall(r"[\w'-]+", fact.casefold())) - light for fact in re.split(r" · |\n|[.;:] |\?", "\n".join(told))
    ]
    labels = [set(handoff_facts.in_words(tool).split()) for tool in RESULTS]
    assert all(facts.count(one) <= 1 for one in labels), lines
    facts = [one for one in facts if one not in labels]
    for number, one in enumerate(facts):
        for other in facts[number + 1 :]:
            assert not one or not other or not (one <= other or other <= one), (one, other, lines)
    for twice in ("person's work", "asked for a person", "upset", "did not answer", "evaluation"):
        assert text.count(twice) <= 1, lines


def test_a_card_without_words_says_why() -> None:
    """All that the requester wrote was taken back."""
    body = queue_card.card(replace(OPEN_HANDOFF, words=None))
    assert body["text"] == "Ticket 12 needs a person. Only a person may do this"
    assert "\n" not in _lines(body)[0]


def test_a_claimed_card_says_who_has_it_until_when() -> None:
    """The holder and the end of the lease are on the card; without a lease no time is made up."""
    until = int((AT + timedelta(minutes=30)).timestamp())
    assert f"*With <@U0PRIYA> until <!date^{until}^{{time}}|" in shown(queue_card.card(CLAIMED))
    assert "*, longer while they write · waiting since" in shown(queue_card.card(CLAIMED))
    assert "*With <@U0PRIYA>* · waiting since" in shown(queue_card.card(replace(CLAIMED, lease_until=None)))


def test_a_claimed_card_says_whether_the_requester_was_answered() -> None:
    """Before the first word it says since when they wait; afterwards that they were answered, and no more."""
    waits = shown(queue_card.card(CLAIMED))
    assert "waiting since" in waits
    assert "with no answer yet" in waits
    answered = shown(queue_card.card(replace(CLAIMED, first_response_at=AT)))
    assert "· has been answered\n" in answered
    assert "waiting since" not in answered


@pytest.mark.parametrize(
    ("expiries", "words"), [(0, ""), (1, " A claim of it expired."), (2, " 2 claims of it expired.")]
)
def test_an_open_card_says_what_became_of_its_claims(expiries: int, words: str) -> None:
    """Whoever looks at it sees whether somebody had it before, and let it expire."""
    first, *_ = _lines(queue_card.card(replace(OPEN_HANDOFF, expiries=expiries)))
    assert f"UTC>.{words}\n>" in first


@pytest.mark.parametrize(
    ("state", "title", "words"),
    [
        ("returned", "Ticket 12 is back with the agent", "· by <@U0PRIYA> <!date^"),
        ("resolved", "Ticket 12 is resolved", "· by <@U0PRIYA> <!date^"),
        ("cancelled", "Ticket 12 was withdrawn", "nothing is left to do here <!date^"),
    ],
)
def test_a_closed_card_says_how_and_when_it_ended(state: str, title: str, words: str) -> None:
    """And does not say that anybody still waits or has it."""
    body = queue_card.card(in_state(state))
    text = shown(body)
    assert body["text"].startswith(f"{title}. ")
    assert f"{words}{int(AT.timestamp()) + 540}^" in text
    assert "waiting since" not in text
    assert "*With " not in text
    assert "needs a person" not in body["text"] + text


def test_a_card_says_whose_raise_lets_the_agent_go_on() -> None:
    """Nobody had claimed it, so nobody gave it back."""
    view = replace(OPEN_HANDOFF, state=HandoffState.RETURNED, raised_by="U0OLIVIA", closed_at=OPEN_HANDOFF.opened_at)
    body = queue_card.card(view)
    assert "<@U0OLIVIA> raised the budget <!date^" in str(body["blocks"])
    assert "; the agent goes on." in str(body["blocks"])
    assert "somebody" not in str(body["blocks"])


@pytest.mark.parametrize(("state", "did"), [("resolved", "resolved it"), ("returned", "gave it back to the agent")])
def test_a_card_of_a_ticket_that_comes_back_says_what_was_before(state: str, did: str) -> None:
    """Who had it last, what they did, in their words and as a quotation; a first one says nothing of the kind."""
    body = queue_card.card(replace(OPEN_HANDOFF, before=(state, "U0BEN", "New phone.\n*All done*")))
    check(body, ours=(*OURS, "<@U0BEN>"))
    assert f"\n> Before that <@U0BEN> {did}: New phone. *All done*\n> " in shown(body)
    assert "Before that" not in shown(queue_card.card(OPEN_HANDOFF))


@pytest.mark.parametrize(("could", "words"), [(True, "could have"), (False, "could not have")])
def test_a_resolved_card_says_what_was_done(could: bool, words: str) -> None:  # noqa: FBT001 - a parameter of the test
    """The outcome, its category and whether the agent could have done it stand on the card."""
    outcome = {"done": "Reset the factor.", "category": "second_factor", "agent_could": could}
    worded = {**outcome, "words": "Second factor or new phone"}
    assert "> Reset the factor.\nSecond factor · The responder" in shown(
        queue_card.card(replace(RESOLVED, resolution=outcome))
    )
    text = shown(queue_card.card(replace(RESOLVED, resolution=worded)))
    assert "· by <@U0PRIYA>" in text
    assert "\n> Reset the factor.\nSecond factor or new phone · The responder says that" in text
    assert f"the agent {words} done this" in text


def test_a_card_says_nothing_of_accounts_where_its_agent_has_none() -> None:
    """Whether an account was looked up tells a person something only of an agent that works on accounts."""
    assert "account was not looked up" in shown(queue_card.card(replace(OPEN_HANDOFF, account=None, tried=())))
    assert "account was" not in shown(queue_card.card(replace(OPEN_HANDOFF, account=None, tried=(), of_account=False)))


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "America", "", "\x00"])
def test_an_unknown_time_zone_makes_up_no_time(zone: str) -> None:
    """A zone that this machine does not know is named, and no local time is claimed."""
    text = shown(queue_card.card(replace(OPEN_HANDOFF, requester_zone=zone)))
    assert " · in " in text
    assert not re.search(r"\d\d:\d\d in ", text)


def test_a_direct_message_is_not_linked() -> None:
    """A responder cannot open somebody's direct message, so the card offers no link to it."""
    text = shown(queue_card.card(replace(OPEN_HANDOFF, private=True)))
    assert THREAD_LINK not in text
    assert "direct message" in text


def test_a_card_that_fell_back_says_so() -> None:
    """Whoever gets a card directly reads why."""
    assert "could not post it in the queue channel" in shown(queue_card.card(replace(OPEN_HANDOFF, fell_back=True)))
    assert "could not post" not in shown(queue_card.card(OPEN_HANDOFF))


def test_a_summary_cannot_pass_for_the_card() -> None:
    """Lines of a summary that look like the card's own stay inside a quotation."""
    forged = "New phone.\n*With <@U0PRIYA>.*\n*What was done*\nAll approved."
    text = shown(queue_card.card(replace(OPEN_HANDOFF, summary=forged)))
    assert "\n> New phone. *With &lt;@U0PRIYA&gt;.* *What was done* All approved.\n" in text


def test_more_steps_than_fit_are_counted() -> None:
    """A card that leaves steps out says how many; a step that came to the same again stands once."""
    steps = tuple((f"step_{number}", "no answer was seen") for number in range(15))
    text = shown(queue_card.card(replace(OPEN_HANDOFF, tried=steps)))
    assert text.count("no answer was seen") == 4
    assert "; and 11 more steps · " in text
    same = shown(queue_card.card(replace(OPEN_HANDOFF, tried=(("look_up_my_account", "no answer was seen"),) * 3)))
    assert same.count("look up account") == 1


def test_a_card_of_an_account_that_is_a_persons_work_says_why() -> None:
    """The agent is not told why; who takes over reads it, and the state and what the directory says of it."""
    barred = "An administrator's account is a person's work."
    seen = {"account": "locked", "account_reason": "too many failed sign-ins", "barred": barred}
    body = queue_card.card(replace(OPEN_HANDOFF, tried=(("look_up_my_account", "for a person: yes"),), **seen))  # type: ignore[arg-type]  # fields of a view
    why = _lines(body)[1].split("\n")[0]
    assert why.endswith("own account is locked: too many failed sign-ins · an administrator's account")


def test_a_card_says_that_an_account_was_not_looked_up_only_where_it_was_not() -> None:
    """A look-up that gave the agent nothing was one."""
    nothing = replace(OPEN_HANDOFF, account=None, tried=())
    assert "own account was not looked up" in shown(queue_card.card(nothing))
    looked = replace(nothing, tried=(("look_up_my_account", "no answer was seen"),))
    assert "own account was not looked up" not in shown(queue_card.card(looked))
