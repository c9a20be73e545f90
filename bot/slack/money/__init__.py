"""Budgets, costs, alerts and the digest.

budget_cards       messages about soft and hard caps; budget_messages: stores them; budget_names: names of budgets;
                   budget_outcome: what becomes of waiting requests
cost_report        /agent-cost; cost_table: the same on a terminal; cost_words: the names of its figures
alerts             spending that is far from its usual level
digest             its words; digest_facts: reads its figures; digest_figures: the figures
"""
