"""Money: what was spent, on whose account, and what was decided about it.

ledger             one row a call; price_versions: the prices that it was worked out at
spending           the sums that reports show; daily_costs: those that alerts compare; digests
soft_cap_alerts    soft caps that were passed
reviews            hard caps that were met, and what their owners decide; blocked_tickets: what they hold up;
                   after_raise: what a raise frees
"""
