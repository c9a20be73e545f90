"""Reports for owners: how handoffs go, how releases are evaluated, how helpful answers were."""
