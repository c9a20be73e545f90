"""Everything that Deskhand posts in Slack: pure functions that build messages, and the outbox that sends them.

Each package may use those above it.

    mrkdwn, charts    text and figures for Slack; sentences: the bot's own sentences, in six languages
    api               single calls of the Web API
    outbox            sends each stored message once, in order
    requesters        messages to requesters
    handoffs          messages to responders, and the two linked threads of a handoff
    reports           reports on handoffs and evaluations, for owners
    money             budgets, costs, alerts and the digest
"""
