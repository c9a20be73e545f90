"""Money: what was spent, under which budgets, and what their owners decided.

ledger             one row for each call; price_versions: the prices that costs were computed from
spending           the sums that reports show; daily_costs: those that alerts compare; digests
soft_cap_alerts    soft caps that were passed
reviews            hard caps that calls did not fit under, and what their owners decide
ticket_costs       what tickets have cost, model calls and people together; people_time: measures the latter
blocked_tickets    tickets that used-up budgets block; after_raise: what goes back to the agent after a raise
"""
