"""Durations that depend on each other, in seconds; `tests/bot/test_durations.py` holds which one must be longer.

A duration that depends on no other is defined where it is used.
"""

RECOVERY = 15.0
"Work that a crash interrupts is picked up within this time; work that waits longer counts as late."

TURN_LEASE = 6.0
"An attempt may go this long without a renewal before another worker takes the turn (`DESKHAND_TURN_LEASE`)."
SENDING_LEASE = 6.0
"A sender may go this long without a renewal before another one takes its message."
LEASE_BEAT = 1.5
"Between two renewals of the leases of a process."
BEATS_IN_A_LEASE = 4
"A lease lasts at least this many renewals, so that a late or failed one does no harm."
CUT_OFF = 5
"PostgreSQL ends a transaction whose client is silent this long, and frees its locks."

CLOCK_SWEEP = 2.0
"Between two checks of the clock for work that a crash left undone."
ON_ITS_WAY = 5.0
"A job may take this long from the commit to the queue, or from the queue to its first write."

SLACK_ANSWER = 6
"The longest wait for one answer of Slack."
LOOK_AGAIN = 15.0
"By then Slack has carried out a request, or never will: a message in doubt is looked up once more."

PROFILE_KEPT = 60.0
"What Slack says of a person is used this long, by every process, unless Slack tells of a change before."
PROFILE_INQUIRY = 12.0
"A process that asks Slack about a person has this long; then it counts as dead, and another one may ask."

MODEL_SILENCE = 30.0
"The longest silence of a model that is being streamed."
STOPPED_STEP = 40.0
"A step that is under way when its turn is stopped ends within this time, if its worker is alive."
LONGEST_TURN = 100.0
"The longest attempt that a card may allow (`limits.seconds`)."
RESERVATION_LEASE = 120.0
"A reservation is charged in full if its call is not settled within this time."
JOB = 180
"RQ ends a job that runs longer."
PLAY = 1800
"RQ ends a play of an evaluation that runs longer: a conversation of several turns, tried again after outages."

WORKER_BEAT = 5.0
"Between two heartbeats of a worker in RQ's registry."
WORKER_SEEN = 30
"A worker and its jobs stay in RQ's registry this long after its last heartbeat."
WORKER_SILENT = 30.0
"A worker without a heartbeat for this long counts as dead in `deskhand status` and `deskhand doctor`."
CLOCK_BEAT = 5.0
"Between two heartbeats of a clock."
CLOCK_SILENT = 30.0
"A clock without a heartbeat for this long counts as dead."

COMMAND_RETRY = 10.0
"An answer to a slash command that is not posted within this time is queued again."
COMMAND_GIVE_UP = 25 * 60.0
"No answer is tried after this time: Slack takes answers to a command for 30 minutes."

FIGURES_SETTLE = 600.0
"What happened this long ago is committed, and does not change: the dashboard's figures may add it up for good."
