"""The scenes of the tour: each plays people in the workspace and proves what came of it.

stage           people's hands and eyes; checks: what a scene holds against what it sees
asking          the agent answers alone
handing_over    a person takes over; giving_back: and lets the agent go on
waiting         nobody comes, and somebody goes
budgets         soft and hard caps
reporting       what the owner asks
dying           workers that are killed
"""
