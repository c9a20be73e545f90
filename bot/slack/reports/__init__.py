"""Reports for owners on handoffs, on evaluations of releases, and on how helpful answers were."""
