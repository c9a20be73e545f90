"""Who may open the dashboard with a link, and in which browsers it is open. The secrets themselves are not stored."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, now


class SessionEnd(StrEnum):
    """Why a dashboard session ended."""

    SIGNED_OUT = "signed out"
    "The person signed out."
    REPLACED = "replaced"
    "Another session was opened in the same browser."
    EXPIRED = "expired"
    "Its time was over."
    NO_ROLE = "no role"
    "No card named the person as an owner or a responder when they asked for a page."
    NOT_A_MEMBER = "not a member"
    "The person was no confirmed member of the workspace when they asked for a page."


class DashboardLink(Base):
    """A signed link to the dashboard: for one person, and for one use."""

    __tablename__ = "dashboard_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    "Random; a link needs our signature beside it."
    user: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]


class DashboardSession(Base):
    """One browser in which a person has opened the dashboard."""

    __tablename__ = "dashboard_sessions"

    hash: Mapped[str] = mapped_column(primary_key=True)
    "SHA-256 of the random text that the browser keeps in its cookie."
    user: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
