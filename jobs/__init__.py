"""What RQ runs; one module is one story. Start with `jobs.turn`."""
