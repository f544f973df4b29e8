"""Sends all logs of a process (ours, Celery's and the libraries') to one sink, one line per event."""

import logging
import sys
from typing import Any, Final

from loguru import logger

from config.log_options import log_options
from config.settings import Settings
from samplemind_worker.text import ascii_json, one_line

_LIBRARY_LEVELS: Final = {
    "celery": "INFO",
    "celery.beat": "WARNING",  # it logs every few seconds that the dispatcher is due
    "celery.worker.strategy": "WARNING",  # our own line per step has ids, which these two lack
    "celery.app.trace": "WARNING",
    "kombu": "WARNING",
    "amqp": "WARNING",
    "httpx": "WARNING",
    "pymongo": "WARNING",
}


class _ToLoguru(logging.Handler):
    """Forwards the libraries' log records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, as one line."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        logger.opt(exception=record.exc_info).log(level, record.getMessage())


def write_text(message: str) -> None:
    """Write one event to stderr as one line without control characters."""
    sys.stderr.write(one_line(message) + "\n")
    sys.stderr.flush()


def write_json(message: str) -> None:
    """Write one event to stderr, as one line of JSON in ASCII."""
    sys.stderr.write(ascii_json(message.rstrip("\n")) + "\n")
    sys.stderr.flush()


def configure_logging(settings: Settings, process: str) -> None:
    """Send all logs of this process to one loguru sink on stderr."""
    logger.remove()
    nothing = dict.fromkeys(("task", "parcel", "batch", "item", "trace", "fields"), "")
    logger.configure(extra={"process": process, "host": settings.host, **nothing})
    logger.add(write_json if settings.log_json else write_text, **log_options(settings))
    logging.basicConfig(handlers=[_ToLoguru()], level=settings.log_level, force=True)
    logging.captureWarnings(capture=True)
    for name, level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(level)


def take_over_logging(settings: Settings, process: str) -> None:
    """Configure logging now, because Celery warns early, and again when Celery would configure it."""
    from celery import signals  # noqa: PLC0415 -- slow import

    configure_logging(settings, process)

    def _configure(**_: Any) -> None:
        configure_logging(settings, process)

    signals.setup_logging.connect(_configure, weak=False)
