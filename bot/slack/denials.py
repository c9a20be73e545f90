"""Why somebody may not act, in a sentence for themselves alone."""

from bot.rights import Forbidden

NO_RESPONDER = "Only responders can do that. Ask an owner of this agent to add you."
NOT_YOURS = "Only the person whose request this is can do that."
DEPARTED = "Slack says that you are no longer a member of this workspace, so this did nothing."
STRANGER = (
    "Slack does not confirm that you are a full member of this workspace, so this did nothing. "
    "Guests and people of other organisations cannot act here, even where they are on the list of responders."
)
UNCHECKED = "I could not check with Slack just now who you are, so nothing was changed. Please try again in a moment."
AGENT_GONE = (
    "The agent that looked after this is no longer here, and no other one has been named to go on with it. "
    "Until an operator names its heir, nobody can act on this ticket."
)


def in_words(why: Forbidden) -> str:
    """Say to somebody why they may not act."""
    match why:
        case Forbidden.NO_AGENT:
            return AGENT_GONE
        case Forbidden.NO_ROLE:
            return NO_RESPONDER
        case Forbidden.NOT_THEIRS:
            return NOT_YOURS
        case Forbidden.LEFT:
            return DEPARTED
        case Forbidden.STRANGER:
            return STRANGER
        case Forbidden.UNCHECKED:
            return UNCHECKED
