"""What a call costs.

pricing         what a call costs, and its worst case; tariffs: the rates
snapshot        the rates that were accepted; genai_prices: those of the installed package
price_list      the prices in force, for people to read; price_diff: what an update would change
"""
