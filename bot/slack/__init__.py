"""What Deskhand says in Slack: bodies of messages built by pure functions, and the outbox that sends them.

Each family may use those above it.

    mrkdwn, charts    text and figures on their way into Slack; sentences: what the bot says by itself, in six languages
    api               single calls of the Web API
    outbox            what is written down is said once, in order
    requesters        what requesters read
    handoffs          what responders read, and the threads that are linked
    reports           how handoffs and evaluations go, for owners
    money             budgets, costs, alerts and the digest
"""
