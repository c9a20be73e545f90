"""What a message is for, how it is said, and what has become of it."""

from enum import StrEnum


class MessageState(StrEnum):
    """How far a message is on its way to Slack; `bot.store.outbox.messages` draws it."""

    STORED = "stored"
    "It is written down, and not sent yet."
    SENDING = "sending"
    "A sender has it; once the sender's lease expires, it is unknown whether Slack has it."
    POSTED = "posted"
    "Slack has it."
    WITHDRAWN = "withdrawn"
    "It will not be posted: a person has the ticket, or it was taken back."
    FAILED = "failed"
    "Slack will never take it."


class MessageKind(StrEnum):
    """What a message is for."""

    REPLY = "reply"
    "The agent's answer to its requester."
    NOTICE = "notice"
    "The bot's own words to a requester, as when a person is called in."
    CLAIMED = "claimed"
    "It tells the requester who has their request now, or where an answer went."
    HUMAN_REPLY = "human_reply"
    "A responder's words to the requester."
    CARD = "card"
    "The queue card of a handoff."
    TRANSCRIPT = "transcript"
    "The conversation so far, below the card."
    COPY = "copy"
    "A later message of one side, shown to the other below the card."
    MOVE = "move"
    "A change of a handoff, noted below the card."
    QUESTION = "question"
    "It asks a responder whether their words are for the requester."
    ONLY_YOU = "only_you"
    "It is for one person alone."
    RESPONSE = "response"
    "The answer to a slash command, a shortcut or a button."
    CHOICE = "choice"
    "It asks the writer of a direct message which agent they need."
    ADDED = "added"
    "It tells a requester that what they wrote belongs to their open request."
    OFFER = "offer"
    "It offers help to somebody who did not call the agent."
    FORM = "form"
    "It asks for the words that a form without text left out."
    REVIEW = "review"
    "It asks a budget's owner to decide about a hard cap."
    SOFT_CAP_ALERT = "budget_notice"
    "It tells a budget's owner that a soft cap is passed."
    ALERT = "alert"
    "It tells an agent's owners of a cost anomaly."
    DIGEST = "digest"
    "The weekly or monthly digest of cost."
    EVENTS_LOST = "events_lost"
    "It tells owners that Slack has dropped events."


class MessageOp(StrEnum):
    """How a message reaches people in Slack."""

    POST = "post"
    "It is posted, and everybody in the channel can read it."
    EPHEMERAL = "ephemeral"
    "It is shown to one person in a channel."
    RESPOND = "respond"
    "It answers a command or a click at the address that came with it."
