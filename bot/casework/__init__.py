"""The use cases between hearing and saying, called alike by listeners, jobs, evaluations and tests.

Each stores and says in one transaction, and queues once that is committed. Nothing here knows whether an event of
Slack's, a worker or a test calls it.

hearing           what a heard message becomes: READ THIS FIRST
heard             a message as it is heard, from an event or from a thread
said, blocks      what it says, in its sender's own words and in others'
context           where it is stored and queued, which agents hear, and what one person is told alone
addressing        whom a message speaks to; pleas: is it a request?
overhearing       what is said in a help channel without a mention; choices: which agent a direct message is for
bystanders        others in a thread; stepping_in: a responder takes it over; answers: what responders write
asides            who calls the bot where people work; excesses: who has reached their limits
again             what comes when a message is delivered again; rewriting: edits and deletions, wherever words are shown
handoffs          every move of a handoff, with what is said of it
"""
