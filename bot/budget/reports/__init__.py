"""What was spent, and what is unusual about it.

statement    what was spent, against which caps; forecast: what a window will have cost
periods      the week or month of a digest
anomalies    unusual spending; patterns: what caused it
"""
