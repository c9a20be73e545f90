"""What was spent, and what is unusual about it.

statement    what was spent, against which caps; forecast: what is still to come
periods      what a digest is about
anomalies    spending that is far from its past; patterns: what made it so
"""
