"""A JSON object, as tests read and write it."""

from typing import Any

Json = dict[str, Any]
"Whatever a vendor or our own programs send: its fields are looked at where it is read."
