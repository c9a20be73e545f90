"""The thread worker: many RQ jobs at once in one process.

threads            takes jobs, runs each in a thread, drains and gives back
worker_registry    the worker as RQ lists it
deadlines          a job that is over its time, or unwanted, ends when it looks
"""
