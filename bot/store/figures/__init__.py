"""Figures that are shown and watched: reads for the dashboard, reports and checks, and the results that checks keep.

figures         what the dashboard shows of a cohort, put together by one function; dashboard: its values and units
folding         adds up what can no longer change, so that it is not read again
day_counts      what is counted of turns, tickets and model calls, by UTC day and agent; handoff_counts: of handoffs
counts          what is counted of a day and agent, put together and stored
histograms      durations to two significant digits, and their quantiles by nearest rank
success         the success criterion, with how long requests took and what they cost
success_days    the same by day, as the clock has counted it, for pages that cannot read every request
verdicts        what became of each request: the conditions of the criterion in SQL
latest_tickets  the newest tickets, and those of them that were handed over or failed
watch           when each part was last seen at work
drift_checks    the latest comparison of each stream of an agent with its own past
first_turns     the first turn of each ticket of a release: what drift is measured on
finished_turns  what turns did that have ended: calls and models; watermarks: how far each check of them has got
owner_alerts    the causes of which owners are alerted: opened, told once, closed
demo_history    tickets of the past for a demo
traffic         requests of the last hours, and of the same hours of the weeks before
vital_signs     when each part of Deskhand last showed that it works
"""
