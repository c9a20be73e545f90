"""May this actor do this, for this person, now?

- `decision`: one call of a tool, allowed or not; pure, total, denies by default.
- `rules`: what a card lets its agent do to an account by itself, in figures and in the directory's own words.
- `compromise`: sign-ins that look as if somebody else had got in.
"""

from bot.policy.decision import Allowed, Decision, Denied, Facts, NeedsApproval, NotNeeded, barred, decide

__all__ = ["Allowed", "Decision", "Denied", "Facts", "NeedsApproval", "NotNeeded", "barred", "decide"]
