"""How an agent thinks: its card, its prompt, its model and the loop that plays them.

The agent
    card              its folder, read and checked; categories: what its requests turn out to be
    release           all of it, frozen
    runtime           what it works with in this process; binding: whose account it works for
A turn
    attempt           one try at a turn: its model calls; acts: its tool calls; retries: when a call is made again
    loop              the agent's four verbs, and where a turn ends; conclusion: the outcome, in one transaction
    context           what a person gets with a ticket
    room_under_budget how long a turn waits for calls under way
The model
    model, stream     one call; bounds: how long it is listened to; vendor_errors: what its errors mean
    prompt            what it reads
What is said
    answers           what an answer must not say; addresses: which links it may hold; promises: what it may not promise
    asks_for_person   who asks for a person; thanks: who only thanks; typos: edits that change nothing; phrases: how
                      such lists of words are read
    redaction         secrets and personal data leave a text
"""
