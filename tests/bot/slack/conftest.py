"""Slack as the outbox meets it."""

from tests.support.slack_workspace import client, served_workspace, workspace

__all__ = ["client", "served_workspace", "workspace"]
