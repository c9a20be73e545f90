"""One line an event, `noun.verb`, with what it is bound to; never a secret, never a person's words."""

import logging
import sys
from typing import Literal

import structlog


def configure(form: Literal["json", "console"]) -> None:
    """Send every log line of this process to stderr, ours and the libraries'."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=render))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("httpx2", "httpx", "httpcore2", "aiohttp.access", "slack_sdk", "slack_bolt", "rq.worker", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
