"""Durations that depend on each other, in seconds; `tests/bot/test_durations.py` holds which one must be longer.

A duration that depends on no other stands where it is used.
"""

RECOVERY = 15.0
"What a crash interrupts is made good within this; what waits longer counts as late."

TURN_LEASE = 6.0
"An attempt may go this long without a renewal before another worker takes the turn (`DESKHAND_TURN_LEASE`)."
SENDING_LEASE = 6.0
"A message is its sender's this long without a renewal; then another may look it up."
LEASE_BEAT = 1.5
"Between two renewals of all that a process has in hand."
BEATS_IN_A_LEASE = 4
"A lease holds at least this many beats, so that one which is late or fails costs nothing."
CUT_OFF = 5
"PostgreSQL ends a transaction whose client is silent this long, and with it the locks that it holds."

CLOCK_SWEEP = 2.0
"Between two looks of the clock at what a crash left undone."
ON_ITS_WAY = 5.0
"A job may take this long from the commit to the queue, or from the queue to its first write."

SLACK_ANSWER = 6
"The longest wait for one answer of Slack."
LOOK_AGAIN = 15.0
"Slack has done by then what it was asked, or never will: a message in doubt is looked up once more."

MODEL_SILENCE = 30.0
"The longest silence of a model that is being streamed."
STOPPED_STEP = 40.0
"A step that was under way when its turn was stopped has ended by then, if its worker is alive."
LONGEST_TURN = 100.0
"The most that a card may give one attempt to think (`limits.seconds`)."
RESERVATION_LEASE = 120.0
"Money set aside for a call is charged in full when the call is not settled by then."
JOB = 180
"RQ ends a job that runs longer."

WORKER_BEAT = 5.0
"Between two heartbeats of a worker in RQ's registry."
WORKER_SEEN = 30
"A worker, and what it has in hand, is seen in RQ's registry this long after its last heartbeat."
WORKER_SILENT = 30.0
"A worker without a heartbeat for this long counts as dead in `deskhand status` and `deskhand doctor`."
CLOCK_BEAT = 5.0
"Between two heartbeats of a clock."
CLOCK_SILENT = 30.0
"A clock without a heartbeat for this long counts as dead."

COMMAND_RETRY = 10.0
"An answer to a slash command that is not out by then is queued again."
COMMAND_GIVE_UP = 25 * 60.0
"No answer is tried later than this: Slack takes answers to a command for 30 minutes."
