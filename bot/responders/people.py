"""Where handoffs go, who takes them, and what is done, and when, for one that nobody takes: a part of the card."""

from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from bot.policy.rules import CardPart
from bot.principals import CHANNEL_ID, GROUP_ID, USER_ID
from bot.responders.working_hours import Hours, ZoneName
from bot.store.schema import LadderStep

UserId = Annotated[str, Field(pattern=f"^{USER_ID}$")]
CallId = Annotated[str, Field(pattern=f"^(?:{USER_ID}|{GROUP_ID})$")]
ChannelId = Annotated[str, Field(pattern=f"^{CHANNEL_ID}$")]


class Rung(CardPart):
    """A step of the ladder that an unclaimed handoff climbs."""

    after_minutes: float = Field(gt=0, le=7 * 24 * 60, allow_inf_nan=False)
    "Working minutes since nobody has it."
    step: LadderStep


def _rising(ladder: tuple[Rung, ...]) -> tuple[Rung, ...]:
    for lower, upper in pairwise(ladder):
        if upper.after_minutes <= lower.after_minutes:
            raise ValueError(
                f"expected rising after_minutes, found {upper.after_minutes:g} behind {lower.after_minutes:g}"
            )
    return ladder


class People(CardPart):
    """Where handoffs go, who takes them, and when somebody is there to."""

    queue_channel: ChannelId
    responders: tuple[UserId, ...] = Field(min_length=1)
    approvers: tuple[UserId, ...] = ()
    "A subset of the responders."
    on_call: CallId | None = None
    "A user group or a person, mentioned when nobody comes; None: nobody is."
    lease_minutes: float = Field(default=30, gt=0, le=24 * 60)
    lease_reminder_minutes: float = Field(default=5, gt=0, validate_default=True)
    "The holder is reminded so long before a lease ends."
    expected_minutes: int = Field(default=15, ge=1)
    "What the requester is told about the wait."
    ladder: Annotated[tuple[Rung, ...], AfterValidator(_rising)] = (
        Rung(after_minutes=5, step=LadderStep.REMIND),
        Rung(after_minutes=10, step=LadderStep.MENTION),
        Rung(after_minutes=15, step=LadderStep.TELL),
    )
    time_zone: ZoneName = "UTC"
    working_hours: Hours | None = None
    "None: somebody is always there."

    @field_validator("lease_reminder_minutes")
    @classmethod
    def _within_lease(cls, minutes: float, fields: ValidationInfo) -> float:
        lease = fields.data.get("lease_minutes")
        if lease is not None and minutes >= lease:
            raise ValueError(f"expected less than lease_minutes ({lease:g}), found {minutes:g}")
        return minutes

    @property
    def called(self) -> tuple[str, ...]:
        """Return who is mentioned when somebody must come: who is on call, else every responder."""
        return self.responders if self.on_call is None else (self.on_call,)

    def opens_at(self, at: datetime) -> datetime | None:
        """Return when people are back, or None while they are there."""
        if self.working_hours is None or self.working_hours.is_open(at, self._zone):
            return None
        return self.working_hours.opens_at(at, self._zone)

    def steps(self, open_since: datetime) -> list[tuple[datetime, LadderStep]]:
        """Return what is done for a handoff that nobody takes, and when, in order.

        Responders are not troubled while they are away; a requester who was told to expect them sooner
        is told when they leave.

        Args:
            open_since: when it came to be without a holder.
        """
        return sorted(((self._due(open_since, rung), rung.step) for rung in self.ladder), key=itemgetter(0))

    def _due(self, open_since: datetime, rung: Rung) -> datetime:
        if self.working_hours is None:
            return open_since + timedelta(minutes=rung.after_minutes)
        due = self.working_hours.after(open_since, rung.after_minutes, self._zone)
        if rung.step.calls_responders:
            return due
        return self.working_hours.leaving(open_since, rung.after_minutes, self._zone) or due

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
