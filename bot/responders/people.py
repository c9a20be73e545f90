"""Where handoffs go, who takes them, and when an unclaimed one is escalated: a part of the card."""

from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from bot.escalation import EscalationAction
from bot.policy.rules import CardPart
from bot.principals import CHANNEL_ID, GROUP_ID, USER_ID
from bot.responders.working_hours import Hours, ZoneName

UserId = Annotated[str, Field(pattern=f"^{USER_ID}$")]
CallId = Annotated[str, Field(pattern=f"^(?:{USER_ID}|{GROUP_ID})$")]
ChannelId = Annotated[str, Field(pattern=f"^{CHANNEL_ID}$")]


class EscalationLevel(CardPart):
    """What is done for a handoff that has been unclaimed for some time."""

    after_minutes: float = Field(gt=0, le=7 * 24 * 60, allow_inf_nan=False)
    "Working minutes since it was last without a holder."
    action: EscalationAction


def _rising(escalation: tuple[EscalationLevel, ...]) -> tuple[EscalationLevel, ...]:
    for lower, upper in pairwise(escalation):
        if upper.after_minutes <= lower.after_minutes:
            raise ValueError(
                f"expected rising after_minutes, found {upper.after_minutes:g} behind {lower.after_minutes:g}"
            )
    return escalation


class People(CardPart):
    """Where handoffs go, who takes them, and when those people work."""

    queue_channel: ChannelId
    responders: tuple[UserId, ...] = Field(min_length=1)
    approvers: tuple[UserId, ...] = ()
    "Responders who may also approve."
    on_call: CallId | None = None
    "A user group or a person, mentioned when nobody claims a handoff; None: every responder is."
    lease_minutes: float = Field(default=30, gt=0, le=24 * 60)
    lease_reminder_minutes: float = Field(default=5, gt=0, validate_default=True)
    "How many minutes before the end of a lease its holder is reminded."
    expected_minutes: int = Field(default=15, ge=1)
    "How many minutes the requester is told to expect to wait."
    escalation: Annotated[tuple[EscalationLevel, ...], AfterValidator(_rising)] = (
        EscalationLevel(after_minutes=5, action=EscalationAction.REMIND),
        EscalationLevel(after_minutes=10, action=EscalationAction.MENTION),
        EscalationLevel(after_minutes=15, action=EscalationAction.TELL),
    )
    time_zone: ZoneName = "UTC"
    working_hours: Hours | None = None
    "None: somebody is always working."

    @model_validator(mode="before")
    @classmethod
    def _no_old_name(cls, values: Any) -> Any:
        if isinstance(values, dict) and "ladder" in values:
            raise ValueError("ladder is called escalation now, and each step of it an action")
        return values

    @field_validator("lease_reminder_minutes")
    @classmethod
    def _within_lease(cls, minutes: float, fields: ValidationInfo) -> float:
        lease = fields.data.get("lease_minutes")
        if lease is not None and minutes >= lease:
            raise ValueError(f"expected less than lease_minutes ({lease:g}), found {minutes:g}")
        return minutes

    @property
    def mentioned(self) -> tuple[str, ...]:
        """Return who is mentioned when somebody must act: the on-call entry, or else every responder."""
        return self.responders if self.on_call is None else (self.on_call,)

    def opens_at(self, at: datetime) -> datetime | None:
        """Return when people start work again, or None while they are working."""
        if self.working_hours is None or self.working_hours.is_open(at, self._zone):
            return None
        return self.working_hours.opens_at(at, self._zone)

    def actions(self, open_since: datetime) -> list[tuple[datetime, EscalationAction]]:
        """Return what is done for an unclaimed handoff, and when, in order.

        Responders are not disturbed outside working hours. If they stop work before a requester is due to be told,
        the requester is told then.

        Args:
            open_since: when the handoff was last without a holder.
        """
        return sorted(((self._due(open_since, level), level.action) for level in self.escalation), key=itemgetter(0))

    def _due(self, open_since: datetime, level: EscalationLevel) -> datetime:
        if self.working_hours is None:
            return open_since + timedelta(minutes=level.after_minutes)
        due = self.working_hours.after(open_since, level.after_minutes, self._zone)
        if level.action.calls_responders:
            return due
        return self.working_hours.leaving(open_since, level.after_minutes, self._zone) or due

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
