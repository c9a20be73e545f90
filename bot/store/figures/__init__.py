"""Figures that are shown and watched: reads for the dashboard, reports and checks, and the results that checks keep.

figures         what the dashboard shows of a cohort, put together by one function; dashboard: its values and units
day_counts      what is counted of turns, tickets and model calls, by UTC day and agent
quantiles       durations to two significant digits, and their quantiles by nearest rank
success         the success criterion, with how long requests took and what they cost
verdicts        what became of each request: the conditions of the criterion in SQL
claims          how long people had tickets claimed
drift_checks    the latest comparison of each stream of an agent with its own past
"""
