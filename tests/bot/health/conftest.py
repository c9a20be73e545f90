"""Slack as the doctor asks it."""

from tests.support.slack_workspace import served_workspace, workspace

__all__ = ["served_workspace", "workspace"]
