"""Budgets, costs, alerts and the digest.

budget_cards       soft and hard caps; budget_messages: whom they are told; budget_names; budget_outcome:
                   what becomes of those who wait
cost_report        /agent-cost; cost_table: the same on a terminal; cost_words: what its figures are called
alerts             spending that is far from its past
digest             its words; digest_facts: where they are read; digest_figures: what they are about
"""
