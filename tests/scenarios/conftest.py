"""What the scenarios need around them: a worker's process with its services."""

from tests.support.worker_process import client, ctx, hall, own_hall, served_workspace, workspace

__all__ = ["client", "ctx", "hall", "own_hall", "served_workspace", "workspace"]
