"""Does a release still do its job? Cases, how they are played and scored, and the gate before production."""
