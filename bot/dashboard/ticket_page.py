"""The page of one ticket, for owners of its agent: its state, its turns, and everything that happened in order. Pure.

Invariant: of a request that was made in a direct message it shows what `deskhand ticket` prints, and nothing of what
was said to the model or to tools.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from urllib.parse import urlencode

from bot.dashboard import parts, said_to_model, wording
from bot.dashboard.elements import Element, element
from bot.dashboard.parts import Column, Fact
from bot.store.schema import Step, StepKind, Turn
from bot.stories import plain_words
from bot.stories.ticket_story import Moment, TicketStory

MOST_MOMENTS = 2_000
"The most lines of a story on one page."


def ticket_page(story: TicketStory, *, viewer: str, at: datetime) -> str:
    """Return the page of a ticket.

    Args:
        story: the ticket's history, with names.
        viewer: the name of the person who looks at it.
        at: when the history was read.
    """
    history = story.history
    ticket = history.ticket
    title = f"Ticket {ticket.id}"
    figures = f"{parts.HOME}?{urlencode({'agent': ticket.agent})}"
    back = element("p", element("a", f"The figures of {ticket.agent}", href=figures))
    return parts.page(
        f"{title}: {plain_words.plain(ticket.state)}",
        element("h1", title),
        element("p", _state(story), class_="lead"),
        back,
        _facts(story),
        parts.section("turns", "Turns", _turns_summary(story), _turns(story), wide=True),
        parts.section("handoffs", "Handoffs", None, _handoffs(story), wide=True) if history.handoffs else None,
        parts.section("steps", "Calls", _steps_summary(history.steps), _steps(history.steps), wide=True),
        parts.section("story", "What happened", _story_summary(ticket.private), _story(story), wide=True),
        viewer=viewer,
        at=at,
    )


def _state(story: TicketStory) -> str:
    ticket = story.history.ticket
    who = f", with {story.name(ticket.assignee)}" if ticket.assignee else ""
    category = f" as {plain_words.plain(ticket.category)}" if ticket.category else ""
    return f"It is {plain_words.plain(ticket.state)}{category}{who}."


def _facts(story: TicketStory) -> Element:
    history = story.history
    ticket, calls = history.ticket, history.calls
    place = "a direct message" if ticket.private else story.name(ticket.channel)
    return parts.facts(
        Fact("Requester", story.name(ticket.requester)),
        Fact("Place", place),
        Fact("Account", ticket.account or "none bound"),
        Fact("Agent", ticket.agent),
        Fact("Opened", wording.moment(ticket.created_at)),
        Fact("Model calls cost", wording.dollars(history.cost_nusd), wording.count(len(calls), "call")),
    )


def _turns_summary(story: TicketStory) -> str:
    turns = story.history.turns
    ended = [turn for turn in turns if turn.finished_at is not None]
    if len(ended) == len(turns):
        return f"{wording.count(len(turns), 'turn')}, {'which has' if len(turns) == 1 else 'which have all'} ended."
    return f"{wording.count(len(turns), 'turn')}, {len(turns) - len(ended)} not ended yet."


def _turns(story: TicketStory) -> Element:
    columns = (
        *(
            Column("Turn"),
            Column("Outcome", words=True),
            Column("Tools, in order", words=True),
            Column("Release", words=True),
        ),
        *(Column("Took", number=True), Column("Cost", number=True)),
    )
    rows = [_turn(turn, [step for step in story.history.steps if step.turn_id == turn.id], story) for turn in
            story.history.turns]  # fmt: skip
    return parts.table("A turn is one message that was accepted, and its one outcome", columns, rows, stacks=True)


def _turn(turn: Turn, steps: Sequence[Step], story: TicketStory) -> list[parts.Cell]:
    outcome = plain_words.plain(turn.outcome) if turn.outcome else plain_words.plain(turn.state)
    why = ", ".join(plain_words.plain(one) for one in (turn.reason, turn.category) if one)
    tools = " → ".join(step.name for step in steps if step.kind is StepKind.TOOL)
    took = None if turn.finished_at is None else (turn.finished_at - turn.created_at).total_seconds()
    cost = sum(call.cost_nusd for call in story.history.calls if call.turn_id == turn.id)
    return [
        *(f"{turn.id}", f"{outcome} ({why})" if why else outcome, tools or "none"),
        *(turn.release or wording.UNKNOWN, wording.seconds(took), wording.dollars(cost)),
    ]


def _handoffs(story: TicketStory) -> Iterator[Element]:
    columns = (Column("Handoff"), Column("State"), Column("Reason"), Column("Opened"), Column("Ended"))
    rows: list[list[parts.Cell]] = [
        [
            *(f"{one.id}", plain_words.plain(one.state), plain_words.plain(one.reason)),
            *(wording.moment(one.opened_at), wording.moment(one.closed_at)),
        ]
        for one in story.history.handoffs
    ]
    yield parts.table("The moves of each are below, in the story", columns, rows, stacks=True)


def _steps_summary(steps: Sequence[Step]) -> str:
    if not steps:
        return "The agent made no call."
    model = [step for step in steps if step.kind is StepKind.MODEL]
    tools = len(steps) - len(model)
    took = sum((step.finished_at - step.started_at).total_seconds() for step in steps if step.finished_at)
    cost = wording.dollars(sum(step.cost_nusd for step in steps))
    asked = f"{wording.count(len(model), 'call')} of the model and {wording.count(tools, 'call')} of tools"
    return f"{asked}, {wording.seconds(took)} and {cost} in all."


def _steps(steps: Sequence[Step]) -> Element | None:
    if not steps:
        return None
    columns = (
        *(Column("Step"), Column("Call", words=True), Column("Result"), Column("Took", number=True)),
        *(Column("Tokens in", number=True), Column("Tokens out", number=True), Column("Cost", number=True)),
    )
    return parts.table("Each step of each turn, in order", columns, map(_step, steps), stacks=True)


def _step(step: Step) -> list[parts.Cell]:
    took = None if step.finished_at is None else (step.finished_at - step.started_at).total_seconds()
    row: list[parts.Cell] = [
        f"{step.turn_id}.{step.seq}",
        step.name,
        plain_words.STEPS[step.status],
        wording.seconds(took),
    ]
    if step.kind is StepKind.TOOL:
        return [*row, wording.UNKNOWN, wording.UNKNOWN, wording.UNKNOWN]
    return [*row, step.input_tokens, step.output_tokens, wording.dollars(step.cost_nusd)]


def _story_summary(private: bool) -> str:  # noqa: FBT001 - a fact of the ticket
    if private:
        return "This was asked in a direct message, so what was said to the model and to tools is not shown here."
    return "Secrets and personal data were replaced before any of this was stored."


def _story(story: TicketStory) -> Iterator[Element]:
    moments = story.moments()
    lines: list[Element] = []
    day: date | None = None
    for moment in moments[:MOST_MOMENTS]:
        if moment.at.date() != day:
            day = moment.at.date()
            lines.append(element("li", element("span", f"{day:%A}, {day.day} {day:%B %Y}", class_="date")))
        lines.append(_line(moment, whole=not story.history.ticket.private))
    yield element("ol", *lines, class_="story")
    if len(moments) > MOST_MOMENTS:
        left = len(moments) - MOST_MOMENTS
        yield element("p", f"{left:,} more are not shown; `deskhand ticket {story.history.ticket.id}` has them all.")


def _line(moment: Moment, *, whole: bool) -> Element:
    said = said_to_model.texts(moment.step) if moment.step is not None and whole else ()
    shown = [parts.behind(heading, element("pre", text, tabindex=0)) for heading, text in said]
    return element(
        "li",
        element("time", f"{moment.at:%H:%M:%S}", datetime=moment.at.isoformat()),
        element("span", moment.who, class_="who"),
        element("div", moment.what, *shown, class_="what"),
    )
