"""Releases of agents, and what evaluations say of them.

releases    what was ever served or evaluated, by fingerprint, and its verdict
eval_runs   runs of evaluations and their results
baselines   which release later ones are held against
"""
