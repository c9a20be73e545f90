"""How an agent thinks: its card, its prompt, its model and the loop that plays a turn.

The agent
    card              its folder, read and checked; categories: what its requests turn out to be; limits: of one turn
                      and one person; approval_terms: what a person may approve; passing: what it asks of a release
    release           all that decides its behaviour, under one hash
    runtime           what it works with in this process; binding: whose account it works for
A turn
    attempt           one try at a turn: its model calls; acts: its tool calls; retries: when a call is made again
    standing          whether the agent works now; standing_checks: what a turn makes of it
    turn_work         what an attempt works with and has seen
    door              the one place through which a tool runs; intents: what is recorded of a call before its effect
    loop              the steps of a turn until it ends; conclusion: the outcome, in one transaction
    context           what a person gets with a ticket
    room_under_budget how long a turn waits for budget that other calls hold
The model
    model, stream     one call; bounds: its time and size limits; vendor_errors: what its errors mean
    prompt            what the model reads
What is said
    answers           what an answer must not say; addresses: which links it may hold; promises: what it may not promise
    asks_for_person   who asks for a person; thanks: who only thanks; typos: edits that change nothing; phrases: how
                      such lists of phrases are read
    redaction         secrets and personal data are removed from a text
"""
