"""Canary regressions: eight sabotaged agents, each of which the evaluation must block, and for the right reason.

canary_file  what `canary.yaml` beside an agent's card says: which tool, paragraph and model, and what must block it
sabotages    how each sabotage changes an agent at work
stale        a directory whose reads are of yesterday
playing      a sabotaged agent is played and judged by the gate
matrix       what came of it: the kill matrix as text and as JSON
"""
