"""Money: what a call costs, whether it may be made, and what became of it.

Every call goes through `metering.Meter`. SQL (`bot.store.money.ledger`) holds the truth; Redis decides at once whether
a call fits. Amounts are integer nano-US-dollars everywhere.

    metering       begin, send, end; reservation: to whom a call is attributed; refused_calls: why one may not leave
    admission      holds and accounts in Redis; scripts: the Lua scripts (*.lua) and the server run they belong to
    cap_events     soft caps that were passed and hard caps that calls did not fit under
    caps           `config/budgets.yaml`; config: how such a file is read; budget_file: how its changes take effect
    prices         what a call costs
    reports        what was spent, and what is unusual about it
"""
