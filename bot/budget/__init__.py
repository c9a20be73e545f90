"""Money: what a call costs, whether it may be made, and what became of it.

`metering.Meter` is the one door. SQL (`bot.store.money.ledger`) is the truth, Redis the gate; the amounts
are integer nano-US-dollars everywhere.

    metering       begin, send, end; reservation: to whom a call is attributed
    admission      the gate in Redis; scripts: its steps (*.lua), and the run of the server that they belong to
    cap_events     soft caps that were passed and hard ones that were met
    caps           `config/budgets.yaml`; config: how such a file is read; budget_file: how a change of it counts
    prices         what a call costs
    reports        what was spent, and what is unusual about it
"""
