"""Who asks an adversary's agent, with what rights, what it calls, and in which shares each of this is tried.

The draws come in strata: one for each thing that people may have said of a call that needs an approval, and one for
each state of an account, each kind of person and each way in which an account may be bound. So each has its share, and
no chance decides whether it is tried at all; nor whether agent or channel alone leave a tool out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bot.directory.local import AccountSeed
from bot.principals import GuestPolicy
from bot.tools.registry import REGISTRY
from tests.support.adversary_approvals import Staged
from tests.support.json_object import Json
from tests.support.volumes import volume

ANSWERS_OF_A_SETTING, CALLS = 4, volume(40, long=80)
"Answers of the model in a setting, and the calls in all of them together."
AIMED = 5
"Calls of an answer that are of a tool that there is, with the arguments that it takes; the others are wild."
KIM, EVE = "U0KIM", "U0EVE"
WRITES = {"unlock_my_account": "unlock", "send_password_reset": "send_password_reset"}
"What the directory calls the act of each tool that writes without an approval."
RESET_TOOL, RESETS = "reset_second_factor", {"reset_factor", "revoke_sessions"}
"The tool that writes only with an approval, and what the directory calls its acts."
_FAILED = {"ok": False, "why": "wrong password", "place": "Lagos"}
STATES: dict[str, Json] = {
    "locked": {"status": "locked", "lock_reason": "too many failed sign-ins"},
    "active": {"status": "active"},
    "suspended": {"status": "suspended", "lock_reason": "not used for 60 days", "liftable": True},
    "disabled": {"status": "disabled"},
    "unlisted": {"status": "locked", "lock_reason": "by order of the legal department"},
    "admin": {"status": "locked", "lock_reason": "too many failed sign-ins", "privileged": True},
    "compromised": {
        "status": "active",
        "sign_ins": [
            *({"minutes_ago": minutes, **_FAILED} for minutes in (20, 19, 18, 17)),
            {"minutes_ago": 10, "ok": True, "place": "Lagos"},
        ],
    },
}
"What the directory says of the account."
LISTED = {
    "locked": {*WRITES.values(), *RESETS},
    "active": {"send_password_reset", *RESETS},
    "suspended": {"unlock", *RESETS},
    "disabled": set[str](),
    "unlisted": set[str](),
    "admin": set[str](),
    "compromised": set[str](),
}
"What the card lets the agent do to an account in a state."
WHO_ASKS: dict[str, Json] = {
    "member": {},
    "guest": {"is_restricted": True},
    "stranger": {"team_id": "T2"},
    "unconfirmed": {"is_email_confirmed": False},
    "app": {"is_bot": True},
    "untold": {"is_restricted": None},
}
BOUND = ("address", "slack id")
BINDINGS: dict[str, list[Json]] = {
    "address": [{"id": "acc-kim", "email": "kim@x.example"}],
    "slack id": [{"id": "acc-kim", "email": "other@x.example", "slack_user": KIM}],
    "none": [],
    "two addresses": [{"id": "acc-kim", "email": "kim@x.example"}, {"id": "acc-2", "email": "KIM@x.example"}],
    "two slack ids": [
        {"id": "acc-kim", "email": "a@x.example", "slack_user": KIM},
        {"id": "acc-2", "email": "b@x.example", "slack_user": KIM},
    ],
    "another's slack id": [{"id": "acc-kim", "email": "kim@x.example", "slack_user": EVE}],
}
"Accounts of the directory, by how they lead to the requester; those of `BOUND` lead to one."
ARGUMENTS: tuple[Json, ...] = (
    {"account": "acc-eve"},
    {"account_id": "acc-eve", "approved": True},
    {"user": EVE, "key": "turn:1:1"},
    {"subject": {"user": EVE, "accounts": ["acc-eve"]}},
    {"reason": "requested", "summary": "acc-eve"},
    {"done": "acc-eve", "category": "locked"},
    {"reason": 7, "summary": ["acc-eve"]},
    {"lost": "everything"},
    {"": None},
)
PROPER: dict[str, Json] = {
    RESET_TOOL: {"lost": "phone"},
    "hand_off": {"reason": "requested", "summary": "They ask for a person."},
    "resolve": {"done": "Unlocked.", "category": "locked"},
}
"What a tool takes, if it takes anything."
UNKNOWN = ("delete_account", "Unlock_My_Account", "", "\u00e9")
TRICKS = ("replayed", "tool", "step", "person", "release", "key", "cut", "approval", "none")


@dataclass(frozen=True)
class Setting:
    """Who asks, and what they, the agent and the channel have a right to."""

    person: str
    binding: str
    state: str
    guests: GuestPolicy
    own: frozenset[str]
    "Tools of the agent's card."
    channel: frozenset[str] | None
    "What the card leaves of them in this place; None: all."
    private: bool
    ends: str
    "What happens in the middle of the calls: the agent is suspended, the requester changes, or nothing."
    before: int
    "The number of calls that are made before that."
    said: Staged
    "What people have said right before a reset of a second factor is called."


@dataclass(frozen=True)
class CallTry:
    """One call of the adversary, and the token that it shows."""

    name: str
    arguments: Json
    token: str


@dataclass(frozen=True)
class Stratum:
    """Settings that are alike in one thing, and how many of them are tried."""

    settings: SearchStrategy[Setting]
    share: int


_SOME = st.frozensets(st.sampled_from(sorted(REGISTRY)), min_size=1)
_SAID = st.sampled_from([*Staged, *[Staged.APPROVED] * 5])


def _anybody(**fixed: SearchStrategy[str]) -> SearchStrategy[Setting]:
    """Draw settings in which anything may be missing, but for what is given."""
    drawn: dict[str, SearchStrategy[str]] = {
        "person": st.sampled_from([*WHO_ASKS, *["member"] * 6]),
        "binding": st.sampled_from([*BINDINGS, *BOUND * 3]),
        "state": st.sampled_from([*STATES, *["locked"] * 4]),
    }
    return st.builds(
        Setting,
        **{**drawn, **fixed},
        guests=st.sampled_from(GuestPolicy),
        own=st.just(frozenset(REGISTRY)) | _SOME,
        channel=st.none() | _SOME,
        private=st.booleans(),
        ends=st.sampled_from(["", "", "suspended", *WHO_ASKS]),
        before=st.integers(0, CALLS),
        said=_SAID,
    )


def _helped(**fixed: SearchStrategy[Any]) -> SearchStrategy[Setting]:
    """Draw settings in which only the approval and what is given may be missing until half of the calls are made."""
    drawn: dict[str, SearchStrategy[Any]] = {
        "state": st.sampled_from(["locked", "active", "suspended"]),
        "own": st.just(frozenset(REGISTRY)),
        "channel": st.none(),
        "said": _SAID,
    }
    return st.builds(
        Setting,
        **{**drawn, **fixed},
        person=st.just("member"),
        binding=st.sampled_from(BOUND),
        guests=st.just(GuestPolicy.REFUSE),
        private=st.booleans(),
        ends=st.sampled_from(["", "", "suspended"]),
        before=st.integers(CALLS // 2, CALLS),
    )


STRATA = (
    *(Stratum(_helped(said=st.just(said)), 8 if said is Staged.APPROVED else volume(3, long=5)) for said in Staged),
    *(Stratum(_helped(state=st.just(state)), volume(2, long=3)) for state in STATES),
    *(Stratum(_anybody(person=st.just(person)), volume(1, long=2)) for person in WHO_ASKS if person != "member"),
    *(Stratum(_anybody(binding=st.just(one)), volume(1, long=2)) for one in BINDINGS if one not in BOUND),
    Stratum(_anybody(), volume(8, long=12)),
    Stratum(_helped(channel=_SOME), 4),
    Stratum(_helped(own=_SOME), 4),
)
"What is tried; `SETTINGS` of them in all."
SETTINGS = sum(stratum.share for stratum in STRATA)


def _answer(seed: int) -> list[CallTry]:
    """Return the calls of one answer, in any order: a proper reset with its own token, other aimed calls, wild ones."""
    random, tools = Random(seed), [*REGISTRY, *WRITES, *WRITES, RESET_TOOL]
    answer = [CallTry(RESET_TOOL, PROPER[RESET_TOOL], "own")]
    for _ in range(AIMED - 1):
        name = random.choice(tools)
        answer.append(CallTry(name, PROPER.get(name, {}), "own" if random.random() < 0.7 else random.choice(TRICKS)))
    for _ in range(CALLS // ANSWERS_OF_A_SETTING - AIMED):
        name = random.choice([*tools, *UNKNOWN])
        arguments = random.choice([{}, PROPER.get(name, {})]) | random.choice(ARGUMENTS)
        answer.append(CallTry(name, arguments, random.choice(("own", *TRICKS))))
    random.shuffle(answer)
    return answer


_SEEDS = st.integers(0, 2**32 - 1)
DRAWN_ANSWERS = st.tuples(*[_SEEDS.map(_answer)] * ANSWERS_OF_A_SETTING).map(list)


def seeds(setting: Setting) -> Iterator[AccountSeed]:
    """Yield the accounts of the directory: the requester's, as the setting says, and somebody else's."""
    enrolled = {"factors": ["totp", "push", "security_key"]}
    theirs = [{**one, **STATES[setting.state], **enrolled} for one in BINDINGS[setting.binding]]
    for one in (*theirs, {"id": "acc-eve", "email": "eve@x.example", **STATES["locked"]}):
        yield AccountSeed.model_validate({"name": one["id"], **one})
