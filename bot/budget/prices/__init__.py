"""What a call costs.

pricing         what a call costs, and the most that it can; tariffs: the rates
snapshot        the rates that were agreed to; genai_prices: those of the installed package
price_list      the prices in force, for people to read; price_diff: what an update would change
"""
