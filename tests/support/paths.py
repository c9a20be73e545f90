"""Where the parts of this checkout are, and the data that is kept beside it."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
MANIFEST = CONFIG / "slack-manifest.yaml"
DEMO_PEOPLE = ROOT / "bot/sandbox/demo/people.yaml"
DATA = Path(os.environ.get("DESKHAND_TEST_DATA") or ROOT / "../shared/data")
"Texts of others that are too large, or not ours, to be kept here."
