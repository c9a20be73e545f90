"""A stand-in for the model, with the Messages API's own routes; it never says that it is Claude."""

from bot.sandbox.standin.answers import MODEL
from bot.sandbox.standin.server import StandinConfig, create_app, serve

__all__ = ["MODEL", "StandinConfig", "create_app", "serve"]
