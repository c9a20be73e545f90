"""The web process: Slack's events in, health out.

app       what is served, and the Bolt app behind it
entrance  checks the time stamp, length and signature of a request, in this order, before it is read
server    the HTTP server with its limits
socket    the same listeners over Socket Mode
tally     counts the requests that were refused, and logs the counts once a minute
"""

from bot.web.app import check_token, create_app, create_bolt, open_context

__all__ = ["check_token", "create_app", "create_bolt", "open_context"]
