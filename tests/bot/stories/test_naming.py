"""How people name what is to be explained: `bot.stories.naming`."""

import pytest

from bot.store.audit.things import NameKind, ThingName
from bot.stories import naming

MESSAGE = ThingName(NameKind.MESSAGE, channel="C0HELP", ts="1700000000.000100")
LINK = "https://northwind.slack.com/archives/C0HELP/p1700000000000100"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (LINK, MESSAGE),
        (f"<{LINK}>", MESSAGE),
        (
            f"{LINK}?thread_ts=1699999999.000001&cid=C0HELP",
            ThingName(NameKind.MESSAGE, channel="C0HELP", ts="1700000000.000100", thread_ts="1699999999.000001"),
        ),
        (" C0HELP/1700000000.000100 ", MESSAGE),
        ("D0MAYA/1700000000.000100", ThingName(NameKind.MESSAGE, channel="D0MAYA", ts="1700000000.000100")),
        ("ticket:12", ThingName(NameKind.TICKET, number=12)),
        ("turn:34", ThingName(NameKind.TURN, number=34)),
        ("turn:34:2", ThingName(NameKind.CALL, number=34, step=2)),
        ("turn:34:2:totp", ThingName(NameKind.CALL, number=34, step=2)),
        ("approval:5", ThingName(NameKind.APPROVAL, number=5)),
        ("approval:5:owner", ThingName(NameKind.APPROVAL, number=5)),
        ("handoff:7", ThingName(NameKind.HANDOFF, number=7)),
        ("audit:17", ThingName(NameKind.RECORD, number=17)),
        ("position:17", ThingName(NameKind.POSITION, number=17)),
        ("17", ThingName(NameKind.NUMBER, number=17)),
        ("00u1a2b3c4", ThingName(NameKind.ID, text="00u1a2b3c4")),
        ("", None),
        ("two words", None),
        ("9" * 30, ThingName(NameKind.ID, text="9" * 30)),
        ("x" * 300, None),
    ],
)
def test_a_thing_is_named_in_one_of_its_ways(text: str, name: ThingName | None) -> None:
    """A link, a place, a name with a number, a number, an id; a directory's change leads to the call that made it."""
    assert naming.parse(text) == name
