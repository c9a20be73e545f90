"""The jobs that RQ runs, and the worker and clock processes. Start with `jobs.turn`."""
