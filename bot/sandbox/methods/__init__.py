"""The Web API methods of the workspace, one module per family; importing this package registers them all."""

from bot.sandbox.methods import apps, chat, conversations, files, reactions, sessions, streams, users, views
from bot.sandbox.methods.registry import METHODS, Method, MethodCall, SlackError

__all__ = [
    "METHODS",
    "Method",
    "MethodCall",
    "SlackError",
    "apps",
    "chat",
    "conversations",
    "files",
    "reactions",
    "sessions",
    "streams",
    "users",
    "views",
]
