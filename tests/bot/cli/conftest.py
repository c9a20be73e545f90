"""The local workspace, which commands ask about people, and an audit log with its signer."""

from tests.support.audit_desks import audit_desk
from tests.support.slack_workspace import served_workspace, workspace

__all__ = ["audit_desk", "served_workspace", "workspace"]
