"""Releases of agents, and what evaluations say of them.

releases        what was ever served or evaluated, by fingerprint
kept_files      the files of each release and suite, as text
verdicts        what a suite said of a release, and whether that lets it serve
waivers         signatures under verdicts that are no pass
notices         what responders were told of releases
eval_runs       runs of evaluations and their results
run_progress    how far the runs are that somebody in Slack looks on at
baselines       which release later ones are held against
probes          runs of the pinned probe cases, and what each said of its release
comparisons     a run beside the plays of the baseline
case_proposals  cases that people propose from handoffs
samples         turns of production that are scored again, the weeks that they were drawn from, and what was found
sample_judgements   which of them the judge is to be asked about, and what it said
judge_calibrations  how well the judge of evaluations agrees with people
"""
