"""May this actor do this, for this person, now?

- `decision`: whether one call of a tool is allowed; pure, total, denies by default.
- `named_rules`: the rules that a decision may name, each with a sentence.
- `rules`: what a card lets its agent do to an account without a person, in numbers and in the directory's own words.
- `compromise`: sign-ins that suggest that somebody else has got in.
"""

from bot.policy.decision import Allowed, Decision, Denied, Facts, NeedsApproval, NotNeeded, barred, decide
from bot.policy.named_rules import PolicyRule

__all__ = ["Allowed", "Decision", "Denied", "Facts", "NeedsApproval", "NotNeeded", "PolicyRule", "barred", "decide"]
