"""Health checks for load balancers, operators and alarms. Nothing here repairs anything.

readiness   whether a process may be counted on
doctor      whether all that Deskhand depends on works; configured, standings, budgets, enrolled, exposure, alive, room
            and socket_mode are parts of it
status      who is working, and what work is left
findings    what a check has found; report: findings and status in words
concurrent  checks that run side by side
"""
