"""The scenes of the tour: each plays people in the workspace and checks the result.

stage           acts and looks as people do, by calls; checks: how a scene compares what it sees with what it expects
asking          the agent answers alone
handing_over    a person takes over; giving_back: and lets the agent go on
proposing       a resolved handoff becomes an evaluation case
approving       a privileged act: proof, approval with a second step, and a refusal
waiting         a handoff that nobody takes, and a claim that expires
budgets         soft and hard caps
reporting       what the owner asks for; looking: what the dashboard shows them
surging         a directory that is down; suspending: an agent that is stopped
refusing        people who may not ask
releasing       a release that has not passed
dying           workers that are killed
drifting        a release that moves away from its own past
regressing      a release that its evaluation blocks, and a rollback
"""
