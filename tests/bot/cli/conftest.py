"""The local workspace, which commands ask about people."""

from tests.support.slack_workspace import served_workspace, workspace

__all__ = ["served_workspace", "workspace"]
