"""What must survive a restart: every SQL statement of the house is in here.

Functions take a `Session` of a transaction that the caller opened with `Database.read` or
`Database.write`; none of them commits, and none is called while a model or Slack is waited for.

The database
    db                engine and transactions; silence: its errors, without the values in them
    schema            the tables; revisions: how a database comes to have them
    marks             whose a database is
    moments           what the two databases write differently about times
    private           a database of one evaluation case's own
Requests
    tickets, turns    from a message to its turn, and from a lease to its outcome; steps: the turn's journal
    threads           which ticket a message belongs to; overheard: what asks nothing of the agent
    rewriting         edits and deletions
    quotes            what came with a message and others wrote
    shares            what one person may have of the desk
    members           who has left, and what Slack last said of people
    events            commands and shortcuts; feedback: thumbs
    story             all of one ticket
What is said in Slack
    messages          what is to be said; errands: who says it; doubles: what may stand there twice
    removals          what others have deleted of it
    homes             App Homes
Handoffs
    handoffs          the moves; moves: how each is made; history: what they come to
    responses         what responders write
    waiting           what the clock looks at; measures: how it all goes; solved: what needed no person
Accounts and authority
    accounts          the local directory; account_writes: how often an account was written
    audit             who did what, for whom
    releases          releases and evaluations
Money
    ledger            one row a call; prices: what it was worked out at
    spending, daily   the sums that reports and alerts show; digests
    notices, reviews  soft and hard caps that were met; exhausted: what they hold up
The processes
    signs             signs of life; backlog: what is owed
"""
