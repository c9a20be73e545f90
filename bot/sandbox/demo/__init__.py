"""The demo: for a visitor, or played by itself.

demo, tour      for a visitor; by itself; scenes: what is played
launch          starts everything; folder: where all of it is kept
processes       children; die_with_parent: they do not outlive the demo
    entrypoints     what each of the sandbox's processes runs; serve: the workspace's
"""
