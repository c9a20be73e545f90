"""What `deskhand init` knows: how an answer is checked, and what the files of an installation then become.

workspace   answers about Slack: tokens, channels, people
addresses   the database, Redis, the model's key, and plain values
plan        answers -> the new texts of card, budgets and `.env`
yaml_edit   single values of a YAML text, with everything else as it was
"""
