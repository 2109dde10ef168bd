"""Structured logs: text for people, JSON for machines; request and interaction ids ride along."""

from __future__ import annotations

import logging
import sys

import structlog

from core.config import Config


def configure(config: Config) -> None:
    """Set structlog and the standard library's logging up, writing to standard error."""
    level = getattr(logging, str(config.get("log.level")).upper())
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    json = config.get("log.format") == "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
