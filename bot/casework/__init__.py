"""The use cases between hearing and saying, called alike by listeners, jobs, evaluations and tests.

Each stores a change and the messages about it in one transaction, and queues jobs after the commit. None depends on
whether a Slack event, a worker or a test calls it.

hearing           what a heard message becomes: READ THIS FIRST
heard             a message as it is heard, from an event or from a thread
content, blocks   the words of a message: its sender's own and those of others
context           where to store and queue, the agents, and messages that only one person sees
addressing        whom a message speaks to; pleas: is it a request?
overhearing       messages in a help channel without a mention; choices: which agent a direct message is for
bystanders        others in a requester's thread; stepping_in: a responder takes over; answers: what responders write
queue_mentions    mentions of the bot in a queue channel; limit_notices: what people over their limits are told
redelivery        a message that Slack delivers again; lately_stored: requests whose rows are known to be there
rewriting         edits and deletions, wherever the words are shown
effective_right   what an agent may do for a person, worked out without a call
departures        somebody leaves the workspace
takeovers         an odd sign-in after second factors were reset
erasing           everything about one person goes, in the database and beside it
handoffs          every move of a handoff, with the messages about it
"""
