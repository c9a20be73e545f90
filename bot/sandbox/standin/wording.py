"""The stand-in's own sentences, and how it describes facts."""

import re

from bot.sandbox.standin.reading import Topic
from bot.sandbox.standin.turns import Json

QUOTE_AT_MOST = 300
"Most characters of the requester's words in a summary."

REASONS = {
    Topic.FRUSTRATION: "frustration",
    Topic.PERSON: "requested",
    Topic.COMPROMISE: "out_of_policy",
    Topic.OTHERS: "out_of_policy",
    Topic.FACTOR: "out_of_policy",
    Topic.ACCESS: "out_of_policy",
}
WHY = {
    Topic.FRUSTRATION: "They are upset; a person should take this over.",
    Topic.PERSON: "They asked for a person.",
    Topic.COMPROMISE: "There are signs that somebody else has used the account or its details.",
    Topic.OTHERS: "It concerns somebody else's account, which I may not touch.",
    Topic.FACTOR: "Their second factor or the phone it is on is lost or replaced; they need to prove who they are.",
    Topic.ACCESS: "They need access to an application or a group, which somebody has to grant.",
}
DONE = {
    "unlock_my_account": "unlocked the account",
    "send_password_reset": "sent a password reset link",
    "reset_second_factor": "reset the second factor and ended all sessions",
}

ABILITIES = (
    "I can unlock your own work account, send you a password reset link, and tell you what happened to your account."
)
WHO_I_AM = f"I am a stand-in model for demonstrations, not Claude and not a person. {ABILITIES}"
NOT_AN_ORDER = f"I cannot do that. {ABILITIES}"
WHAT_IS_IT = (
    "What happens when you try to sign in: is the account locked, is the password forgotten or expired, "
    "or something else?"
)
OFFER_RESET = "Shall I send you a password reset link?"
WRONG_PASSWORD = "Your account is active; the last sign-in failed because of a wrong password."  # noqa: S105 - a sentence
ACCOUNT_FINE = "Your account itself is active."
LEFT_ALONE = "Then I leave your password as it is. Write again if you still cannot sign in."
HANDED_OVER = "A colleague has the whole story now and will answer here."
ASK_THE_DESK = "This needs a person. Please contact the IT service desk; I cannot pass it on from here."

UNLOCKED = "I have unlocked your account; you can sign in again with your usual password."
LIFTED = "I have lifted the suspension; you can sign in again."
RESET_SENT = (
    "I have sent a password reset link to the address on file; choose a new password there and sign in with it."
)
FACTORS_RESET = "I have reset your second factor and signed you out everywhere."
NEW_FACTOR = "Sign in with your password and set up a new one."
ALL_WELL = "I have checked your account: it is active, and nothing stops you from signing in."
COME_BACK = "If it still fails, write again here."

SMALL_TALK = {
    Topic.ABLE: f"{ABILITIES} Anything beyond that is for a person.",
    Topic.GREETING: "Hello! Is anything wrong with signing in to your account?",
    Topic.THANKS: "You are welcome.",
    Topic.BYE: "Goodbye.",
    Topic.REPEAT: f"I have not said anything in this thread yet. {ABILITIES}",
}


def cause(account: Json, sign_ins: list[Json]) -> str:
    """Return why an account had to be unlocked; for its owner only."""
    state = "suspended" if account.get("status") == "suspended" else "locked"
    reason = account.get("lock_reason")
    failed = sum(1 for row in sign_ins if not row.get("ok"))
    count = f" ({failed} failed attempts)" if failed > 1 else ""
    if isinstance(reason, str) and re.fullmatch(r"[\w ,.'()-]{1,80}", reason):
        return f"Your account was {state}: {reason.rstrip('.')}{count}."
    return f"Your account was {state}{count}."


def explained(sign_ins: list[Json]) -> str:
    """Return what the sign-ins of a healthy account show; for its owner only."""
    failed = sum(1 for row in sign_ins if not row.get("ok"))
    if not failed:
        return ALL_WELL
    return f"{ALL_WELL} Of your last {len(sign_ins)} sign-ins {failed} failed, the latest one worked."


def quoted(text: str) -> str:
    """Shorten somebody's words to one line for quotation marks."""
    line = " ".join(text.split()).replace('"', "'")
    return line if len(line) <= QUOTE_AT_MOST else f"{line[:QUOTE_AT_MOST]}..."
