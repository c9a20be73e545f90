"""May this actor do this, for this person, now?

- `decision`: whether one call of a tool is allowed; pure, total, denies by default.
- `rules`: what a card lets its agent do to an account without a person, in numbers and in the directory's own words.
- `compromise`: sign-ins that suggest that somebody else has got in.
"""

from bot.policy.decision import Allowed, Decision, Denied, Facts, NeedsApproval, NotNeeded, barred, decide

__all__ = ["Allowed", "Decision", "Denied", "Facts", "NeedsApproval", "NotNeeded", "barred", "decide"]
