"""What must survive a restart: every SQL statement of the house is in here.

Functions take a `Session` of a transaction that the caller opened with `Database.read` or
`Database.write`; none of them commits, and none is called while a model or Slack is waited for.

The families
    tickets           requests and their turns          outbox    what is said in Slack
    handoffs          what people are given             money     what was spent, and may be
    accounts          the local directory
The database
    db                engine and transactions; silence: its errors, without the values in them
    schema            the tables; revisions, migrations: how a database comes to have them
    marks             whose a database is
    sql_dialects      what the two databases write differently about times
    scratch_database  a database of one evaluation case's own
Across the families
    members           who has left, and what Slack last said of people
    audit             who did what, for whom
    releases          releases and evaluations
    heartbeats        which processes are alive; backlog: what is owed
"""
