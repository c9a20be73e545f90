"""Is the house well, and what does it owe: for balancers, operators and alarms. Nothing here mends anything.

readiness   may requests be sent to this web process
doctor      everything that the house stands on; configured, budgets, exposure, alive: parts of it
status      who is at work, and what is owed
findings    what a check has found; report: findings and status in words
asking      questions that are asked side by side
"""
