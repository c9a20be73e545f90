"""What must survive a restart: every SQL statement of the house is in here.

Functions take a `Session` of a transaction that the caller opened with `Database.read` or
`Database.write`; none of them commits, and none is called while a model or Slack is waited for.
"""
