"""Money: what a call costs, whether it may be made, and what became of it.

`metering.Meter` is the one door. SQL (`bot.store.ledger`) is the truth, Redis the gate; the amounts
are integer nano-US-dollars everywhere.

Admission
    metering            begin, send, end; charge: to whom a call is attributed
    admission           the gate in Redis; scripts: its steps (*.lua), and the run of the server that they belong to
    crossings           soft caps that were passed and hard ones that were met
Budgets
    caps                `config/budgets.yaml`; config: how such a file is read; watching: how a change of it counts
Prices
    pricing             what a call costs, and the most that it can; tariffs: the rates
    snapshot, packaged  the rates that were agreed to, and those of the installed package
    price_list, price_news    both, for people to read
Reports
    statement           what was spent, against which caps; forecast: what is still to come
    periods             what a digest is about
    deviations          spending that is far from its past; patterns: what made it so
"""
