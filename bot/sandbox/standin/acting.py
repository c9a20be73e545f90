"""The stand-in's role: an access agent that derives its next step from the request.

If the request has a catalogue and no tool on accounts, it plays the agent of that catalogue (`catalogue`).

Pure: the same request always gets the same answer. It keeps the product's rules: it tells facts of the account only in
private, leaves to a person what a person must do, and never takes as an order what anybody wrote, in a message or in a
tool's result: as far as its prompt says so (`instructions`).
"""

import re

from bot.sandbox.standin import catalogue, instructions, languages, obeying, wording
from bot.sandbox.standin.answers import WEAKER
from bot.sandbox.standin.instructions import PromptRule
from bot.sandbox.standin.moves import Move, SayMove, Use
from bot.sandbox.standin.reading import SIGN_IN, Topic, UnderstoodWords, lost_device, read, read_note, suspicious
from bot.sandbox.standin.turns import Json, SeenResult, SeenTurn, observe

LOOK, RECENT = "look_up_my_account", "recent_sign_ins"
UNLOCK, RESET = "unlock_my_account", "send_password_reset"
FACTORS = "reset_second_factor"
REFUSED = SeenResult(ok=False, data={}, text="")
"The result of a tool that has returned nothing."


THANKS_QUESTION = re.compile("Answer with one word, THANKS or MORE")
"The one question that is not for the agent: is this only thanks?"


def act(request: Json) -> Move:
    """Decide what the agent says or does next; it speaks the requester's language."""
    turn, system = observe(request), instructions.text_of(request.get("system", ""))
    rules = instructions.rules_in(system)
    turn.turns_away = PromptRule.TURN_AWAY in rules
    turn.left, turn.weak = instructions.left_to_people(rules), request.get("model") == WEAKER
    if THANKS_QUESTION.search(system):
        return (SayMove("THANKS" if read(turn.said).topic in (Topic.THANKS, Topic.BYE) else "MORE"),)
    products = catalogue.products_in(system)
    if products and LOOK not in turn.tools:
        return catalogue.decide(turn, products, request)
    language = languages.language_of(turn.said, turn.before, *reversed(turn.answers))
    turn.answers = [] if turn.weak else [languages.back(language, answer) for answer in turn.answers]
    move = obeying.obey(turn, system) if PromptRule.ORDERS_ARE_DATA not in rules else ()
    return tuple(
        SayMove(languages.into(language, one.text)) if isinstance(one, SayMove) else one
        for one in move or _decide(turn)
    )


def _decide(turn: SeenTurn) -> Move:
    reading = (
        UnderstoodWords(read_note(turn.colleague, of=turn.who))
        if turn.colleague
        else _in_context(_understood(turn, turn.said), turn)
    )
    if turn.results.get("hand_off", REFUSED).ok:
        return (SayMove(wording.HANDED_OVER),)
    if "hand_off" in turn.note:
        return _hand_off(turn, wording.REASONS.get(reading.topic, "low_confidence"), "The request needs a person.")
    if "resolve" in turn.results:
        if turn.results["resolve"].data.get("status") in ("locked", "suspended"):  # a tuple: it may be unhashable
            return _hand_off(turn, "repeated_failure", "The directory still keeps the account shut.")
        return (SayMove(_closing(turn, reading)),)
    if reading.also:
        return _help_in_and_hand_off(turn, reading.topic, reading.also)
    if reading.topic in wording.REASONS:
        return _reset_factors(turn, reading) or _hand_over(turn, reading.topic)
    if reading.topic in SIGN_IN:
        return _help_in(turn, reading.topic)
    return _talk(turn, reading)


def _understood(turn: SeenTurn, text: str) -> UnderstoodWords:
    """Read somebody's words, as far as the model that plays understands them and its prompt has rules for them."""
    if turn.weak and languages.language_of(text) != languages.ENGLISH:
        return UnderstoodWords(Topic.UNCLEAR)
    return read(text, left=turn.left)


def _in_context(reading: UnderstoodWords, turn: SeenTurn) -> UnderstoodWords:
    """Read a short answer together with the question that it answers, and half a sentence with the half before it."""
    last = turn.answers[-1] if turn.answers else ""
    if reading.topic is Topic.YES and wording.OFFER_RESET in last:
        return UnderstoodWords(Topic.FORGOT)
    if reading.topic is Topic.STILL and not turn.answers:
        return UnderstoodWords(Topic.CANNOT, injected=reading.injected)
    forgotten = turn.weak or _understood(turn, turn.before).topic in SIGN_IN
    if reading.topic in (Topic.ELSEWHERE, Topic.UNCLEAR) and not forgotten:
        whole = _understood(turn, f"{turn.before} {turn.said}")
        return whole if whole.topic in SIGN_IN else reading
    return reading


def _hand_over(turn: SeenTurn, topic: Topic) -> Move:
    """Hand over what is always left to a person, with the account's state if that helps them."""
    wanted = {Topic.FACTOR: (LOOK,), Topic.COMPROMISE: (LOOK, RECENT)}.get(topic, ())
    if missing := _missing(turn, wanted):
        return missing
    return _hand_off(turn, wording.REASONS[topic], wording.WHY[topic])


def _reset_factors(turn: SeenTurn, reading: UnderstoodWords) -> Move:
    """Have the second factors of a lost device reset; nothing, if they did not ask for it or a person must do it.

    A person approves it before it is done, so the tool's answer may take a while.
    """
    lost = None if reading.injected or turn.colleague else lost_device(turn.said)
    if reading.topic is not Topic.FACTOR or lost is None or FACTORS not in turn.tools:
        return ()
    if missing := _missing(turn, (LOOK,)):
        return missing
    if turn.results.get(LOOK, REFUSED).data.get("for_a_person") is not False:
        return ()
    if FACTORS not in turn.results:
        return (Use(FACTORS, {"lost": lost}),)
    if not turn.results[FACTORS].ok:
        return _hand_off(turn, "out_of_policy", "Their second factor could not be reset.")
    done = (FACTORS, UNLOCK) if turn.results[LOOK].data.get("status") in ("locked", "suspended") else (FACTORS,)
    return _carry_out(turn, done)


def _help_in_and_hand_off(turn: SeenTurn, topic: Topic, also: Topic) -> Move:
    """Help somebody to sign in who also wants something else, then hand that over."""
    move = _help_in(turn, also)
    if all(isinstance(one, Use) and one.name in {LOOK, RECENT, UNLOCK, RESET} for one in move):
        return move
    done = [sentence for name, sentence in wording.DONE.items() if turn.results.get(name, REFUSED).ok]
    too = f"They could not sign in, either; I {' and '.join(done)}." if done else "They cannot sign in, either."
    return _hand_off(turn, wording.REASONS[topic], f"{wording.WHY[topic]} {too}")


def _help_in(turn: SeenTurn, topic: Topic) -> Move:
    """Do the next step for a person who cannot sign in."""
    if LOOK not in turn.tools:
        return _hand_off(turn, "low_confidence", "I have no tool that shows me the account.")
    wanted = (LOOK, RECENT) if topic in {Topic.EXPLAIN, Topic.IDENTITY} else (LOOK,)
    if missing := _missing(turn, wanted):
        return missing
    look = turn.results[LOOK]
    if not look.ok:
        return _hand_off(turn, "low_confidence", "The account could not be looked up.")
    if any(suspicious(result.text) for result in turn.results.values()):
        return _hand_off(
            turn, "low_confidence", "A tool's answer holds text that reads like orders; I did not follow it."
        )
    if topic is Topic.STILL and turn.answers:
        return _hand_off(turn, "repeated_failure", "What was done before did not help.")
    return _fix_account(turn, topic, look.data)


def _fix_account(turn: SeenTurn, topic: Topic, account: Json) -> Move:
    """Choose the action that the account's state calls for."""
    status = account.get("status")
    if account.get("for_a_person"):
        return _hand_off(turn, "out_of_policy", "This account is a person's work.")
    if re.search(r"suspicious|compromis|impossible travel|risk|breach|admin", str(account.get("lock_reason")).lower()):
        return _hand_off(turn, "out_of_policy", "The reason for the lock looks like more than mistyped passwords.")
    match status:
        case "locked":
            return _carry_out(turn, (UNLOCK, RESET) if topic is Topic.FORGOT else (UNLOCK,))
        case "suspended":
            return _carry_out(turn, (UNLOCK,))
        case "password_expired":
            return _carry_out(turn, (RESET,))
        case "active" if topic in {Topic.FORGOT, Topic.EXPIRED}:
            return _carry_out(turn, (RESET,))
        case "active":
            return _explain_sign_ins(turn, topic)
        case _:
            return _hand_off(turn, "out_of_policy", f"An account that is {status} is a person's decision.")


def _carry_out(turn: SeenTurn, actions: tuple[str, ...]) -> Move:
    """Do the actions one after the other, then state what was done."""
    for action in actions:
        if action not in turn.tools:
            return _hand_off(turn, "out_of_policy", f"It would need {action}, which I may not do.")
        if action not in turn.results:
            return (Use(action),)
        if not turn.results[action].ok:
            return _hand_off(turn, "repeated_failure", f"{action} was refused or failed.")
    status = turn.results[LOOK].data.get("status")
    category = "password" if RESET in actions else "suspended" if status == "suspended" else "locked"
    category = "second_factor" if FACTORS in actions else category
    return _resolve(turn, " and ".join(wording.DONE[action] for action in actions).capitalize() + ".", category)


def _explain_sign_ins(turn: SeenTurn, topic: Topic) -> Move:
    """Answer somebody whose account is active: look for the cause in the sign-ins."""
    if missing := _missing(turn, (RECENT,)):
        return missing
    rows = _sign_ins(turn)
    last = min(rows, key=lambda row: row["minutes_ago"], default={"ok": True})
    why = str(last.get("why", "")).lower()
    if not last.get("ok") and re.search(r"factor|code|mfa|otp|totp|push", why):
        return _hand_off(turn, "out_of_policy", "The second factor fails, and only a person may change that.")
    if topic is Topic.IDENTITY:
        return _hand_off(turn, "low_confidence", "The account is active; why the identity check fails does not show.")
    if not last.get("ok") and "password" in why:
        cause = wording.WRONG_PASSWORD if turn.private else wording.ACCOUNT_FINE
        return (SayMove(f"{cause} {wording.OFFER_RESET}"),)
    if not last.get("ok"):
        return _hand_off(turn, "low_confidence", "The account is active, yet the last sign-in failed.")
    category = "explained" if topic is Topic.EXPLAIN else "nothing_wrong"
    return _resolve(turn, "Checked the account: it is active, and nothing stops a sign-in.", category)


def _talk(turn: SeenTurn, reading: UnderstoodWords) -> Move:
    """Answer what needs no tool, in a sentence or two."""
    topic = reading.topic
    if topic is Topic.WHO:
        return (SayMove(wording.WHO_I_AM),)
    if reading.injected:
        return (SayMove(wording.NOT_AN_ORDER),)
    if topic is Topic.REPEAT and turn.answers:
        return (SayMove(turn.answers[-1]),)
    if topic is Topic.NO and turn.answers and wording.OFFER_RESET in turn.answers[-1]:
        return (SayMove(wording.LEFT_ALONE),)
    if topic is Topic.ELSEWHERE:
        return _elsewhere(turn, reading.pointer)
    if topic in wording.SMALL_TALK:
        return (SayMove(wording.SMALL_TALK[topic]),)
    if any(wording.WHAT_IS_IT in answer for answer in turn.answers):
        return _hand_off(turn, "low_confidence", "I asked, and still do not understand what is needed.")
    return (SayMove(wording.WHAT_IS_IT),)


def _elsewhere(turn: SeenTurn, pointer: str) -> Move:
    """Say who is responsible, if the prompt leaves other things to other teams; a person gets it otherwise."""
    if turn.turns_away:
        return (SayMove(pointer),)
    return _hand_off(turn, "low_confidence", "I was not told what to do with this.")


def _closing(turn: SeenTurn, reading: UnderstoodWords) -> str:
    """Tell the requester what was done, and only in private why it was needed."""
    done = turn.results
    account = done[LOOK].data if LOOK in done else {}
    sentences = []
    if FACTORS in done:
        unlocked = (_unlocked(account),) if UNLOCK in done else ()
        return " ".join((wording.FACTORS_RESET, *unlocked, wording.NEW_FACTOR))
    if turn.private and UNLOCK in done:
        sentences.append(wording.cause(account, _sign_ins(turn)))
    if UNLOCK in done:
        sentences.append(_unlocked(account))
    if RESET in done:
        sentences.append(wording.RESET_SENT)
    if not sentences:
        sentences.append(wording.explained(_sign_ins(turn)) if turn.private else wording.ALL_WELL)
    if RESET not in done and reading.topic is not Topic.EXPLAIN:
        sentences.append(wording.COME_BACK)
    return " ".join(s for s in sentences if s)


def _unlocked(account: Json) -> str:
    return wording.LIFTED if account.get("status") == "suspended" else wording.UNLOCKED


def _missing(turn: SeenTurn, wanted: tuple[str, ...]) -> Move:
    """Call at once every wanted read tool that is offered and has not answered yet."""
    return tuple(Use(name) for name in wanted if name in turn.tools and name not in turn.results)


def _sign_ins(turn: SeenTurn) -> list[Json]:
    """Return the sign-ins in the tool's format; rows in another format are no evidence."""
    rows = turn.results.get(RECENT, REFUSED).data.get("sign_ins")
    rows = rows if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("minutes_ago"), int)]


def _resolve(turn: SeenTurn, done: str, category: str) -> Move:
    if "resolve" in turn.tools:
        return (Use("resolve", {"done": done, "category": category}),)
    return (SayMove(_closing(turn, _understood(turn, turn.said))),)


def _hand_off(turn: SeenTurn, reason: str, why: str) -> Move:
    if "hand_off" not in turn.tools:
        return (SayMove(wording.ASK_THE_DESK),)
    tried = {name: result for name, result in turn.results.items() if name != "hand_off"}
    failed = [f"An error ({wording.quoted(result.text)})." for result in tried.values() if not result.ok]
    words = f'They wrote: "{wording.quoted(turn.said)}".'
    if turn.colleague:
        words += f' A colleague gave it back: "{wording.quoted(turn.colleague)}".'
    summary = " ".join((words, why, *failed))
    return (Use("hand_off", {"reason": reason, "summary": summary}),)
