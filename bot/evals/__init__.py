"""Does a release still do its job: cases, their playing, their scores, and the gate before production."""
