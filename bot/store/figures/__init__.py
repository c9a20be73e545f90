"""Figures that are shown and watched: reads for the dashboard, reports and checks, and the results that checks keep.

drift_checks    the latest comparison of each stream of an agent with its own past
"""
