"""An agent at work, for what comes before it, and the whole product without processes."""

from tests.support.agent_office import office, office_on
from tests.support.product_harness import bare, config, place

__all__ = ["bare", "config", "office", "office_on", "place"]
