"""The product without processes, for stories of what it has really done."""

from tests.support.product_harness import bare, config, place

__all__ = ["bare", "config", "place"]
