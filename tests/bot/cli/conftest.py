"""The local workspace, which commands ask about people, an audit log with its signer, and installations."""

from tests.support.audit_desks import audit_desk
from tests.support.commanded_installation import database_file, installation, migrated_file
from tests.support.slack_workspace import served_workspace, workspace

__all__ = ["audit_desk", "database_file", "installation", "migrated_file", "served_workspace", "workspace"]
