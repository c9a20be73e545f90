"""What the jobs need around them: a worker's process with its services."""

from tests.support.worker_process import client, hall, house, own_hall, served_workspace, workspace

__all__ = ["client", "hall", "house", "own_hall", "served_workspace", "workspace"]
