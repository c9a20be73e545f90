"""`python -m bot.cli`: the `deskhand` command from a checkout that is not installed."""

from bot.cli import main

main()
