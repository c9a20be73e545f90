"""An agent at work."""

from tests.support.agent_office import office, office_on

__all__ = ["office", "office_on"]
