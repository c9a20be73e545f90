"""What happens once a transaction is committed."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.orm import Session

_COMMITTED = "committed"
"The key under which a session keeps what is called once it is committed."


def after_commit(session: Session, act: Callable[[], object]) -> None:
    """Call a function when the transaction of a session is committed, and never if it is rolled back."""
    session.info.setdefault(_COMMITTED, []).append(act)


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    for act in session.info.pop(_COMMITTED, ()):
        act()
