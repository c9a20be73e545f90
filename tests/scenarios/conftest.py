"""What the scenarios need around them: a worker's process with its services, and the product without processes."""

from tests.support.agent_office import office, office_on
from tests.support.approval_door import desk
from tests.support.product_harness import bare, config, mentioned, place, spacious
from tests.support.slack_workspace import client, served_workspace, workspace
from tests.support.undeliverable import told
from tests.support.worker_process import ctx, harness, own_harness

__all__ = [
    "bare",
    "client",
    "config",
    "ctx",
    "desk",
    "harness",
    "mentioned",
    "office",
    "office_on",
    "own_harness",
    "place",
    "served_workspace",
    "spacious",
    "told",
    "workspace",
]
