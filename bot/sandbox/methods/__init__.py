"""The Web API methods of the workspace, one module a family; importing this registers them all."""

from bot.sandbox.methods import apps, chat, conversations, files, reactions, sessions, streams, users, views
from bot.sandbox.methods.registry import METHODS, Call, Method, SlackError

__all__ = [
    "METHODS",
    "Call",
    "Method",
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
