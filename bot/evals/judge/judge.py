"""One judgement at a time, paid for from the budget of evaluations like any other model call."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot import durations
from bot.agent import model, retries
from bot.agent.card import Agent
from bot.agent.judge_terms import JudgeTerms
from bot.agent.model import CallModel, Completion, Prompt
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices
from bot.budget.reservation import Charge
from bot.delegation import hashing
from bot.errors import OutcomeUnknown, Refused, Transient
from bot.evals.judge import question
from bot.evals.judge.instructions import instructions_of
from bot.evals.judge.question import JudgedAnswer, Judgement
from bot.evals.pacing import Pace
from bot.principals import EVALUATION_TEAM, EVALUATION_USER, EVALUATIONS
from bot.settings import Settings
from bot.store.schema import Purpose

TRIES = 3
"How often the judge is asked about one answer until it gives a judgement."
PATIENCE = 60.0
"Seconds, the most that a pause between two tries may come to."

AskPaid = Callable[[Prompt], tuple[Completion, int]]
"""Makes one model call and returns its answer and its cost in nano-USD.

Raises:
    Transient: there is no answer now.
    Refused: the budget is used up, or asking again would not help.
"""


@dataclass(frozen=True, slots=True)
class Judge:
    """A model with its instructions, ready to be asked."""

    terms: JudgeTerms
    instructions: str
    ask: AskPaid
    sleep: Callable[[float], None] = time.sleep

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of its model and all that it is told: a calibration counts for exactly this."""
        return fingerprint(self.terms, self.instructions)

    def judge(self, sample: JudgedAnswer) -> Judgement:
        """Judge one answer.

        Raises:
            Transient: the judge is down, over its budget, or gave nothing that counts as a judgement.
        """
        cost, why = 0, "what it said was none"
        for number in range(TRIES):
            mark = secrets.token_hex(8)
            try:
                said, paid = self.ask(question.prompt(self.terms.model, self.instructions, sample, mark=mark))
            except Refused as error:
                raise Transient(f"the judge cannot be asked: {error}") from error
            except Transient as error:
                why = str(error)
                retries.pause(number, error, seconds_left=PATIENCE, sleep=self.sleep)
                continue
            cost += paid
            judged = question.read(said.text, mark=mark) if said.whole else None
            if judged is not None:
                return replace(judged, cost_nusd=cost)
        raise Transient(f"the judge gave no judgement in {TRIES} tries: {why}")


def fingerprint(terms: JudgeTerms, instructions: str) -> str:
    """Return the SHA-256 of a judge's model and of all that it is told."""
    return hashing.of_values([terms.model, instructions, question.FRAME])


def off_because(settings: Settings, agent: Agent, prices: Prices) -> str | None:
    """Return why nothing is judged, or None if the judge can be asked."""
    terms = agent.card.evals.judge
    if terms is None:
        return "the card names no judge, by `evals.judge`"
    if not prices.knows(terms.model):
        return f"{terms.model} has no price"
    if not settings.has(agent.card.credentials.model):
        return f"{agent.card.credentials.model} is not set"
    return None


def open_judge(
    settings: Settings, agent: Agent, meter: Meter, *, release: str, pace: Pace | None = None
) -> Judge | None:
    """Return the judge of an agent, with the real model; None: it is off.

    With a pace, a call that is refused waits and is made again.

    Raises:
        ConfigError: its instructions cannot be read.
    """
    terms = agent.card.evals.judge
    if terms is None or off_because(settings, agent, meter.prices) is not None:
        return None
    call = model.connect(
        api_key=settings.credential(agent.card.credentials.model).get_secret_value(),
        base_url=settings.anthropic_base_url,
        network=settings.network,
        timeout=durations.MODEL_SILENCE,
    )
    call = call if pace is None else pace.watching(call)
    return Judge(terms, instructions_of(agent, terms), paid(call, meter, agent=agent.card.name, release=release))


def paid(call_model: CallModel, meter: Meter, *, agent: str, release: str) -> AskPaid:
    """Return what makes a call on the budget of evaluations: reserved before it leaves, settled after."""
    charge = Charge(
        team=EVALUATION_TEAM,
        channel=EVALUATIONS,
        user=EVALUATION_USER,
        agent=agent,
        release=release,
        ticket_id=None,
        turn_id=None,
        step=0,
        purpose=Purpose.EVAL,
    )

    def ask(prompt: Prompt) -> tuple[Completion, int]:
        reservation = meter.begin(
            charge, model=prompt.model, prompt_bytes=prompt.size, max_tokens=prompt.max_tokens, cache="5m"
        )
        try:
            answer = call_model(prompt)
        except OutcomeUnknown:  # it may be billed: the sweep charges it
            raise
        except (Transient, Refused):
            meter.void(reservation)
            raise
        return answer, meter.end(reservation, answer.usage, tool=None)

    return ask
