"""The demo, for a visitor or as a tour that plays itself.

demo, tour      the two ways to run it; scenes: what the tour plays; standalone: without the installation
launch          starts everything; folder: where the demo keeps its files; demo_redis: its Redis
enrolment       gives its approvers authenticator apps
phones          people's devices: challenges, codes, sessions and mail
processes       child processes; die_with_parent: they do not outlive the demo
    entrypoints     what each of the sandbox's processes runs; serve: the workspace's
"""
