"""The judge is asked about the answers of sampled turns in which everything held: `jobs.sample_judge`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.agent.judge_terms import JudgeTerms
from bot.agent.model import Completion, Prompt
from bot.errors import Transient
from bot.evals.judge import judge as judges
from bot.evals.judge.judge import Judge
from bot.sampling import quality, quality_words
from bot.store.releases import sample_judgements
from bot.store.schema import InboxEvent, Sample
from jobs import sample_judge, samples
from jobs.process import WorkerContext
from tests.support.factories import Clock, at_once, rows
from tests.support.fixed_model import completion_of
from tests.support.past_tickets import LOOKED_UP, PAST_BEGINS, PastTickets
from tests.support.product_harness import put_agent
from tests.support.sampled_turns import add_answered, from_long_ago, look_later

TERMS = JudgeTerms(model="stand-in-1")
Answers = Callable[[str], str | Exception]
"From the mark of a question to what the model says."


def good(mark: str) -> str:
    """Return a judgement that an answer is good."""
    return f'{{"mark": "{mark}", "tone": "good", "grounded": "yes", "because": "The code is 481 516."}}'


@pytest.fixture
def past(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> PastTickets:
    """Return tickets of an agent whose card names a judge."""
    agent = ctx.agents["access"]
    evals = agent.card.evals.model_copy(update={"judge": TERMS})
    put_agent(ctx, replace(agent, card=agent.card.model_copy(update={"evals": evals})))
    monkeypatch.setattr(judges, "off_because", lambda *_: None)
    from_long_ago(ctx.database, PAST_BEGINS)
    return PastTickets(ctx.database)


@pytest.fixture
def clock(past: PastTickets, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be Monday morning."""
    return Clock(past.at).rule(monkeypatch)


def hire(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> list[str]:
    """Let a model of ours be the judge; return what it is asked."""
    asked: list[str] = []

    def ask(prompt: Prompt) -> tuple[Completion, int]:
        text = str(prompt.messages[0]["content"])
        asked.append(text)
        said = answers(text.split()[1])
        if isinstance(said, Exception):
            raise said
        return completion_of(prompt, said), 7

    judge = Judge(TERMS, "Be strict.", ask, sleep=lambda _seconds: None)
    monkeypatch.setattr(judges, "open_judge", lambda *_, **__: judge)
    return asked


def test_each_answer_in_which_everything_held_is_judged_once(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By several clocks at once; not a handoff nor a failed turn; what it says is kept redacted and weighted."""
    asked = hire(monkeypatch, good)
    add_answered(past, "access@1", 4)
    past.add("access@1", outcome="handoff", reason="requested")
    past.add("access@1", tools=(LOOKED_UP,))
    past.write()
    look_later(ctx, past, clock)
    at_once(3, lambda _number: sample_judge.look(ctx))
    sample_judge.look(ctx)
    assert len(asked) == 4
    assert all("You can sign in again." in one for one in asked)
    judged = [one for one in rows(ctx.database, Sample) if one.judged_at is not None]
    assert [one.judged_good for one in judged] == [True] * 4
    said = judged[0].judgement
    assert said is not None
    assert (said["model"], said["because"], said["cost_nusd"]) == ("stand-in-1", "The code is [code].", 7)
    with ctx.database.read() as session:
        seen = quality.read(session, "access", "access@1")
    assert (seen.judged, seen.certain.to_judge, seen.drawn.to_judge) == (4, 0, 4)
    assert "The judge calls at least" in quality_words.judged(seen)
    assert "by 4 of them" in quality_words.judged(seen)


def test_the_judge_is_shown_what_was_written_until_the_turn_ended(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the ticket of the turn; what came later and what was written in another ticket is not."""
    asked = hire(monkeypatch, good)
    first, second = add_answered(past, "access@1", 2)
    said = [(first, "It says locked.", -120), (first, "Nothing helps!", 60), (second, "Good morning.", -120)]
    with ctx.database.write() as session:
        for number, (ticket, words, seconds) in enumerate(said):
            of = {"event_id": f"E{number}", "kind": "message", "team": "T1", "channel": "C0HELP", "user": "U0MAYA"}
            at = past.at + timedelta(seconds=seconds)
            session.add(InboxEvent(**of, ts=f"9.{number}", text=words, ticket_id=ticket, received_at=at))
    look_later(ctx, past, clock)
    sample_judge.look(ctx)
    assert [[words in one for _, words, _ in said] for one in asked] == [[True, False, False], [False, False, True]]


def test_a_judge_who_is_down_is_asked_again_and_not_for_ever(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After half an hour, four times in all; the score does not wait for it, and says that nothing was judged."""
    asked = hire(monkeypatch, lambda _mark: Transient("down"))
    add_answered(past, "access@1", 1)
    look_later(ctx, past, clock)
    for minutes in (0, 29, 2, 31, 31, 31, 31):
        clock.passes(minutes=minutes)
        sample_judge.look(ctx)
    assert len(asked) == sample_judge.TRIES * judges.TRIES
    [sample] = rows(ctx.database, Sample)
    assert (sample.passed, sample.judge_due_at, sample.judged_good) == (True, None, None)
    with ctx.database.read() as session:
        seen = quality.read(session, "access", "access@1")
    assert quality_words.judged(seen) == quality_words.NOT_JUDGED
    assert seen.good is not None


def test_without_a_judge_nothing_waits_for_one(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that is dismissed before it was asked is not asked about what waits."""
    asked = hire(monkeypatch, good)
    add_answered(past, "access@1", 1)
    look_later(ctx, past, clock)
    monkeypatch.setattr(judges, "open_judge", lambda *_, **__: None)
    monkeypatch.setattr(judges, "off_because", lambda *_: "the card names no judge")
    sample_judge.look(ctx)
    past.at = clock.at
    add_answered(past, "access@1", 1)
    clock.at = past.at + timedelta(minutes=1)
    samples.look(ctx)
    with ctx.database.read() as session:
        assert sample_judgements.unjudged(session, limit=5) == []
    assert asked == []
