"""A stand-in for the model, behind the Messages API's own doors; it never says that it is Claude."""

from bot.sandbox.standin.answers import MODEL
from bot.sandbox.standin.server import StandinConfig, create_app, serve

__all__ = ["MODEL", "StandinConfig", "create_app", "serve"]
