"""The thread worker: many RQ jobs at once in one process.

threads            takes jobs, runs each on a thread, drains, and gives unfinished ones back
worker_registry    the worker as RQ's tools list it
job_validation     which jobs are run: only records that are as we write them
deadlines          ends a job that takes too long or was asked to stop
"""
