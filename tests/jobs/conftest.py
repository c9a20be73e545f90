"""What the jobs need around them: a worker's process with its services, and the product without processes."""

from tests.support.agent_office import office_on
from tests.support.product_harness import bare, config, mentioned, place
from tests.support.product_steps import budget_file_read_at_once
from tests.support.sampled_turns import clock, past
from tests.support.slack_workspace import client, served_workspace, workspace
from tests.support.undeliverable import told
from tests.support.worker_process import ctx, harness, own_harness

__all__ = [
    "bare",
    "budget_file_read_at_once",
    "client",
    "clock",
    "config",
    "ctx",
    "harness",
    "mentioned",
    "office_on",
    "own_harness",
    "past",
    "place",
    "served_workspace",
    "told",
    "workspace",
]
