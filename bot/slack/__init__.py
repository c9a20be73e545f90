"""What Deskhand says in Slack: bodies of messages built by pure functions, and the outbox that sends them.

Slack itself
    client            one call of the Web API, its errors translated; async_client for modals
    outbox            what is written down is said once, in order; posting makes the one call,
                      in plainer forms where Slack refuses the fullest
    doubles           messages that stand twice are found and taken back
    enclosures        what is too long for messages, as a file
    response_urls     where a command is answered
    access, status    what we may do and hear; what is shown of the agent at work
    introduction      whose workspace the bot token is of
    holders           what those are called whose spending is told
    names             what people and channels are called
    membership        who people are; roles: is somebody who has a role a member
    rooms             who reads a queue channel
Handoffs
    handoff_messages  what is told of each move, in its transaction
    linked_threads    the places where it is said
    removed_cards     cards that others have deleted
    relay             what is said in one thread and belongs in the other; copies builds it
    handoff_transcript  the conversation below a card, kept as it is now; transcript builds it
    handoff_card, handoff_modals, queue_notes    what responders see; reasons: why it went to them
    replies           what requesters read; thumbs: what a thumb down asks
    sealed            words that are sent and may not be kept
    denials, refusals why somebody may not act, or may not ask
    home              the App Home
Money and reports
    budget_cards, budget_messages, cost_report, cost_table, alerts
    cost_words        what the figures of cost are called, everywhere
    digest            its words; digest_figures what they are about; digest_facts where it is read
    handoff_report, reports    handoffs and evaluations, for owners; thumb_report: how helpful answers were
Building blocks
    mrkdwn, charts    text and figures on their way into Slack
"""
