"""What must survive a restart: every SQL statement of Deskhand is in here.

Functions take a `Session` of a transaction that the caller opened with `Database.read` or `Database.write`; none of
them commits. No transaction is open while a model or Slack is waited for.

The families
    tickets           requests and their turns          outbox    messages to Slack
    handoffs          tickets handed to people          money     what was spent, and what budgets decide
    approvals         what a person has to allow        accounts  the local directory
    figures           what is shown and watched          releases  releases, and what evaluations say of them
    installation      what belongs to an installation as a whole: its mark, its agents, its schema's revision
The database
    db                engine and transactions; errors_without_values: its errors, without the values in them
    schema            the tables; migrations: how a database gets them
    sql               statements that are built once; exact quantiles; what the two databases write differently
Across the families
    members           who has left, and what Slack last said of people
    dashboard_access  who opens the dashboard: links for one use, and sessions of browsers
    audit             who did what, for whom
    backlog           work that is not done yet
    personal          where personal data is, how long it is kept, and how it is handed out and erased
"""
