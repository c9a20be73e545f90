"""Alerts to owners when something costs far more than usual: what, how much more, and what was different. Pure.

Invariant: every figure is beside the one that it is compared with. A ticket is named by its number, its channel and its
requester, never by its words.
"""

from collections.abc import Mapping

from bot.budget.reports.anomalies import Anomaly
from bot.budget.reports.patterns import Cause, Pattern
from bot.slack import mrkdwn
from bot.slack.money import holders
from bot.slack.mrkdwn import Body, dollars
from bot.slack.reports import about_ticket
from bot.slack.reports.about_ticket import About

_WORDS: Mapping[Cause, str] = {
    "requests": "More requests: {now}, usually {usual} a day.",
    "turns": "Longer conversations: {now} turns a request, usually {usual}.",
    "calls": "More model calls: {now} a turn, usually {usual}.",
    "loop": "A tool was called again and again: {tool} {now} times in one turn, usually {usual}; see {ticket}.",
    "prompt": "Longer prompts: {now} tokens a call, usually {usual}.",
    "cache": "Cache misses: {now_share} of the prompt tokens came from the cache, usually {usual_share}.",
    "answers": "The model writes more: {now} tokens a call, usually {usual}.",
    "price": "More expensive tokens: {times} times the usual price, so another model answers or its price has changed.",
    "charged": "Calls without a known end, charged at the most they could cost: {now}, usually {usual} a day.",
    "user": "One person: {user} made {now_share} of it, usually {usual_share}.",
}


def tickets_in(found: Anomaly) -> frozenset[str]:
    """Return the ids of the tickets that an alert names."""
    looped = {one.ticket for one in found.patterns if one.ticket is not None}
    return frozenset(looped | ({found.name} if found.per == "ticket" else set()))


def alert(found: Anomaly, *, when: str, tickets: Mapping[str, About]) -> Body:
    """Return the message about one anomaly.

    Args:
        found: the anomaly.
        when: `today so far`, or the day in words.
        tickets: each ticket that the alert names, by its id.
    """
    heading = f":chart_with_upwards_trend: *{_what(found, tickets)} {when}{_times(found)}.* {_usual(found)}"
    lines = [f"• {_pattern(one, tickets)}" for one in found.patterns]
    small = (
        "Compared with the four weeks before, without evaluations. You get one such alert a day for each subject. "
        "`/agent-cost day by user` and `deskhand cost` show more."
    )
    text = "\n".join([heading, "What was different:", *lines])
    return {"text": text, "blocks": [mrkdwn.section(text), mrkdwn.context(small)]}


def subject(per: str, name: str) -> str:
    """Return the subject of an alert in words.

    Args:
        per: `user`, `ticket`, `tool` or `agent`.
        name: its name in the form that the reader sees.
    """
    match per:
        case "user":
            return f"requests of {name}"
        case "ticket":
            return f"ticket {name}"
        case "tool":
            return f"calls of {name}"
        case _:
            return f"turns of {name}"


def _what(found: Anomaly, tickets: Mapping[str, About]) -> str:
    if found.per == "ticket":
        about = tickets.get(found.name)
        whose = f" of {mrkdwn.mention(about.requester)}" if about else ""
        return f"{_ticket(found.name, tickets, 'Ticket')}{whose} cost {dollars(found.work.cost_nusd)}"
    named = subject(found.per, _code(found.name) if found.per == "tool" else holders.in_slack(found.per, found.name))
    if found.per == "agent":
        mean = found.work.cost_nusd // found.work.turns
        return f"{found.work.turns:,} {named} cost {dollars(mean)} each"
    return f"{named[0].upper()}{named[1:]} cost {dollars(found.work.cost_nusd)}"


def _times(found: Anomaly) -> str:
    units = found.work.turns if found.per == "agent" else 1
    if not found.usual.cost_nusd:
        return ", and usually next to nothing"
    return f", {_number(found.work.cost_nusd / (found.usual.cost_nusd * units))} times as much as usual"


def _usual(found: Anomaly) -> str:
    usual = found.usual
    most = f"{dollars(usual.cost_nusd)} or less, on nearly all {dollars(usual.high_nusd)} or less"
    match (found.per, usual.of):
        case ("ticket", _):
            return f"Half of {usual.count:,} tickets before cost {most.replace(', on nearly', ', nearly')}."
        case ("user", "days of everybody"):
            return f"On half of {usual.count:,} days of anybody it was {most}; they have too few days of their own."
        case ("agent", _):
            return f"On half of {usual.count:,} days before, a turn cost {most}."
        case _:
            return f"On half of {usual.count:,} such days before it was {most}."


def _ticket(name: str, tickets: Mapping[str, About], word: str = "ticket") -> str:
    return about_ticket.shown(name, tickets.get(name), word=word)


def _pattern(one: Pattern, tickets: Mapping[str, About]) -> str:
    return _WORDS[one.cause].format(
        now=_number(one.now),
        usual=_number(one.usual or 0.0),
        now_share=_percent(one.now),
        usual_share=_percent(one.usual or 0.0),
        times=_number(one.times),
        tool=_code(one.name or ""),
        user=mrkdwn.mention(one.name or ""),
        ticket=_ticket(one.ticket or "", tickets),
    )


def _code(name: str) -> str:
    return f"`{mrkdwn.line(name, 80).replace('`', '')}`"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _number(value: float) -> str:
    """Return a number without decimals, or with one decimal below ten."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")  # noqa: PLR2004 - below ten a digit more
