"""`python -m bot.cli`: the same command where nothing is installed."""

from bot.cli import main

main()
