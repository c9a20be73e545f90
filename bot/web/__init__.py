"""The web process: Slack's events in, health out.

app       what is served
bolt      the Bolt app behind it, the same over HTTP and Socket Mode
entrance  checks the time stamp, length and signature of a request, in this order, before it is read
server    the HTTP server with its limits
dashboard  the dashboard's pages; notices: small pages around them; headers: the headers of every answer
doorway   links and sessions of the dashboard: shown, used, ended; refusals: records who was not let in
pages     what the dashboard's pages are made of, read for a viewer
slack_sign_in  the way in for those who sign in with Slack
visitors  who asks for a page of the dashboard, and whether they may see it
socket    the same listeners over Socket Mode
tally     counts the requests that were refused, and logs the counts once a minute
"""

from bot.web.app import check_token, create_app, open_context, readiness_of
from bot.web.bolt import create_bolt

__all__ = ["check_token", "create_app", "create_bolt", "open_context", "readiness_of"]
