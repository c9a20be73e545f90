"""Is the house well, and what does it owe: for balancers, operators and alarms. Nothing here mends anything."""
