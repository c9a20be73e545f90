"""What a ticket costs: what of it the cache reads, and when a prompt is counted before it is refused."""

from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.agent import model
from bot.agent.loop import NeedsPerson, Reply
from bot.agent.model import Prompt
from bot.agent.runtime import AgentRuntime
from bot.budget.prices.pricing import Usage
from bot.errors import Refused, Transient
from bot.network import DIRECT
from bot.principals import Reason, Subject
from bot.sandbox.standin.usage import CACHED_AT_LEAST
from bot.store.outbox import messages
from bot.store.schema import BudgetReview, MessageKind, TurnOutcome
from bot.store.tickets import turns
from tests.support.agent_office import Office, ledger_of, play_attempt
from tests.support.scripted_models import Script, completion

COLD, WARM = 0.72, 0.95
"Shares of a locked account's four prompts that are read from the cache: as the first ticket, and as the next."


def at_work(office: Office, url: str, **changes: Any) -> AgentRuntime:
    return office.runtime(model.connect(api_key="k", base_url=url, network=DIRECT, timeout=60), **changes)


def used_since(office: Office, calls: int = 0) -> list[Usage]:
    """Return what each call has used, but for the first so many."""
    return [Usage(**row.usage) for row in ledger_of(office)[calls:] if row.usage is not None]


def reviews(office: Office) -> int:
    with office.database.read() as session:
        return len(session.scalars(select(BudgetReview)).all())


def unlocked(office: Office, runtime: AgentRuntime, name: str) -> list[Usage]:
    """Let somebody who is locked out write, and return what the calls of their turn used."""
    subject, before = office.account(name), len(ledger_of(office))
    outcome = play_attempt(runtime, office.begin(office.asks(user=subject.user)), subject)
    assert isinstance(outcome, Reply)
    assert outcome.resolution is not None
    used = used_since(office, before)
    assert len(used) == 4
    return used


def hit_share(used: list[Usage]) -> float:
    return sum(usage.cache_read_tokens for usage in used) / sum(usage.prompt_tokens for usage in used)


def test_most_of_a_ticket_is_read_from_the_cache(office: Office, fresh_standin: str) -> None:
    """Four calls: the first ticket writes what is stable, the next ticket reads it, and each call reads the last."""
    runtime = at_work(office, fresh_standin)
    first, second = unlocked(office, runtime, "kim"), unlocked(office, runtime, "lee")
    assert hit_share(first) >= COLD
    assert hit_share(second) >= WARM
    assert min(usage.cache_read_tokens for usage in second) >= CACHED_AT_LEAST


def test_a_call_pays_in_full_for_what_is_new_alone(office: Office, fresh_standin: str) -> None:
    """What the call before it sent is read at a tenth; only what has been said since is written."""
    used = unlocked(office, at_work(office, fresh_standin), "kim")
    for before, after in pairwise(used):
        assert after.cache_read_tokens == before.prompt_tokens
        assert after.cache_write_5m_tokens == after.prompt_tokens - before.prompt_tokens < 150
        assert after.input_tokens == 0


def test_a_turn_only_adds_to_its_prompt(office: Office, fresh_standin: str) -> None:
    """Not a byte of what was sent changes within a turn; the cache keeps nothing else."""
    unlocked(office, at_work(office, fresh_standin), "kim")
    requests = [call["request"] for call in httpx.get(f"{fresh_standin}/calls").json()]
    for before, after in pairwise(requests):
        assert (after["tools"], after["system"]) == (before["tools"], before["system"])
        assert after["messages"][: len(before["messages"])] == before["messages"]


def test_the_next_turn_reads_the_conversation_too(office: Office, fresh_standin: str) -> None:
    """What was said before is sent as it was sent; only the agent's answer and the new question are written."""
    runtime, subject = at_work(office, fresh_standin), office.account("kim", status="active")
    long = "I am locked out. " * 200
    thread = said(office, runtime, subject, long, thread=None)
    said(office, runtime, subject, "hello again", thread=thread)
    first, *_, last = used_since(office)
    assert last.cache_read_tokens == first.prompt_tokens
    assert last.cache_write_5m_tokens < 100 < first.prompt_tokens - CACHED_AT_LEAST


def said(office: Office, runtime: AgentRuntime, subject: Subject, text: str, *, thread: str | None) -> str:
    """Write in a thread, let the agent answer, and return the thread."""
    attempt = office.begin(office.asks(text, user=subject.user, thread=thread))
    outcome = play_attempt(runtime, attempt, subject)
    assert isinstance(outcome, Reply)
    key, ticket = f"reply:turn:{attempt.turn_id}", attempt.ticket
    with office.database.write() as session:
        messages.add(
            session,
            key=key,
            kind=MessageKind.REPLY,
            lane="l",
            channel="C0HELP",
            body={"text": outcome.text},
            ticket_id=ticket.id,
        )
        turns.finish(session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=None, release="r")
    return attempt.ticket.thread_ts


def test_a_long_thread_stays_cheap(office: Office, fresh_standin: str) -> None:
    """Once messages are left out, most turns still read what the turn before them wrote."""
    runtime, subject = at_work(office, fresh_standin), office.account("kim", status="active")
    thread = None
    for number in range(16):
        thread = said(office, runtime, subject, f"hello {number} " + "please explain " * 190, thread=thread)
    used = used_since(office)
    prompts = [call["request"]["messages"] for call in httpx.get(f"{fresh_standin}/calls").json()]
    assert "left out here" in str(prompts[-1])
    assert max(usage.prompt_tokens for usage in used) < 10_000
    assert hit_share(used) > 0.7


# A locked account's first prompt by its bytes holds $0.0273, by its tokens $0.0145, and by its answer alone $0.0105.
BETWEEN, TOO_LITTLE, NO_USE = "0.0220", "0.0130", "0.0100"


def counting(found: int | Exception | None) -> tuple[list[Prompt], model.CountTokens]:
    """Return a vendor that counts as told, and what it was asked."""
    asked: list[Prompt] = []

    def count(prompt: Prompt) -> int | None:
        asked.append(prompt)
        if isinstance(found, Exception):
            raise found
        return found

    return asked, count


def test_a_prompt_that_fits_once_counted_is_sent(office: Office, fresh_standin: str) -> None:
    """A budget that its bytes would refuse serves the whole ticket, and no review is opened on the way."""
    count = model.counter(api_key="k", base_url=fresh_standin, network=DIRECT, timeout=60)
    subject, attempt = office.account("kim"), office.begin(office.asks())
    outcome = play_attempt(at_work(office, fresh_standin, hard=BETWEEN, count_tokens=count), attempt, subject)
    assert isinstance(outcome, Reply)
    assert [row.state for row in ledger_of(office)] == ["settled"] * 4
    assert all(row.cost_nusd <= row.reserved_nusd <= 16_000_000 for row in ledger_of(office))
    assert reviews(office) == 0


def test_what_fits_by_its_bytes_is_not_counted(office: Office) -> None:
    """The usual call asks the vendor nothing beforehand."""
    asked, count = counting(1_000)
    play_attempt(
        office.runtime(Script([("Hello.",)]), count_tokens=count), office.begin(office.asks()), office.account("kim")
    )
    assert asked == []


def test_a_count_is_held_with_what_the_vendor_adds(office: Office) -> None:
    """The hold is the worst case of the tokens counted, the hidden ones and the longest answer."""
    _, count = counting(1_300)
    runtime = office.runtime(Script([("Hello.",)]), hard=BETWEEN, count_tokens=count)
    play_attempt(runtime, office.begin(office.asks()), office.account("kim"))
    [row] = ledger_of(office)
    # 1,300 counted and 1,000 hidden at the cache-write rate, 700 of output, in the most expensive geography
    assert row.reserved_nusd == (2_300 * 2_500 + 700 * 10_000) * 11 // 10


@pytest.mark.parametrize(
    ("hard", "found", "times"),
    [
        (TOO_LITTLE, 1_300, 1),
        (BETWEEN, Transient("529 overloaded_error"), 1),
        (BETWEEN, Refused("404 not_found_error", reason=Reason.MODEL_UNAVAILABLE), 1),
        (BETWEEN, None, 1),
        (BETWEEN, 1_000_000, 1),
        (NO_USE, 1_300, 0),
    ],
    ids=["too little", "vendor busy", "no such door", "no answer", "nonsense", "not even the answer fits"],
)
def test_what_does_not_fit_is_handed_off(office: Office, hard: str, found: int | Exception | None, times: int) -> None:
    """It is counted at most once, and not where no count could help; then one review opens and a person takes over."""
    asked, count = counting(found)
    script = Script([("Hello.",)])
    runtime = office.runtime(script, hard=hard, count_tokens=count)
    outcome = play_attempt(runtime, office.begin(office.asks()), office.account("kim"))
    assert isinstance(outcome, NeedsPerson)
    assert (outcome.reason, len(asked), script.prompts, ledger_of(office)) == (Reason.BUDGET, times, [], [])
    assert reviews(office) == 1


def test_a_count_that_was_too_low_is_told(office: Office) -> None:
    """The call is charged what it cost, and the owner of the deployment can find out that a cap was passed by it."""
    _, count = counting(1)
    answer = completion("Hello.", tokens=5_000)
    runtime = office.runtime(Script([answer]), hard=BETWEEN, count_tokens=count)
    with capture_logs() as logged:
        play_attempt(runtime, office.begin(office.asks()), office.account("kim"))
    [row] = ledger_of(office)
    assert (row.state, row.cost_nusd) == ("settled", 5_000 * 2_000 + 5_000 * 10_000)
    told = [entry for entry in logged if entry["event"] == "call.underestimated"]
    assert [(entry["reserved"], entry["cost"]) for entry in told] == [(row.reserved_nusd, row.cost_nusd)]
