"""apps.connections.open: where the bot connects for Socket Mode."""

from bot.sandbox.methods.registry import MethodCall, method
from bot.sandbox.slack.seed import Json


@method("apps.connections.open", tier=1, app_token=True)
def open_connection(call: MethodCall) -> Json:
    """Hand out a websocket address that is good for one connection."""
    address = call.base_url.replace("http", "ws", 1)
    return {"url": f"{address}/link?ticket={call.world.links.new_ticket()}"}
