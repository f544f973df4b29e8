"""One sink for all logs of a process: ours, Celery's and the libraries'; an event is a line, whatever it quotes."""

import logging
import sys
from typing import Any, Final

from celery import signals
from loguru import logger

from config.log_options import log_options
from config.settings import Settings
from samplemind_worker.text import ascii_json, one_line

_LIBRARY_LEVELS: Final = {
    "celery": "INFO",
    "celery.beat": "WARNING",  # it would say every few seconds that the dispatcher is due
    "celery.worker.strategy": "WARNING",  # our own line a step has the ids that these two lack
    "celery.app.trace": "WARNING",
    "kombu": "WARNING",
    "amqp": "WARNING",
    "httpx": "WARNING",
    "pymongo": "WARNING",
}


class _ToLoguru(logging.Handler):
    """Hands the libraries' own log records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, as one line."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        logger.opt(exception=record.exc_info).log(level, record.getMessage())


def write_text(message: str) -> None:
    """Write one event to stderr, as one line that steers no terminal."""
    sys.stderr.write(one_line(message) + "\n")
    sys.stderr.flush()


def write_json(message: str) -> None:
    """Write one event to stderr, as one line of JSON in ASCII."""
    sys.stderr.write(ascii_json(message.rstrip("\n")) + "\n")
    sys.stderr.flush()


def configure_logging(settings: Settings, process: str) -> None:
    """Send all logs of this process to one loguru sink on stderr."""
    logger.remove()
    logger.configure(extra={"process": process, "task": "", "parcel": "", "fields": ""})
    logger.add(write_json if settings.log_json else write_text, **log_options(settings))
    logging.basicConfig(handlers=[_ToLoguru()], level=settings.log_level, force=True)
    logging.captureWarnings(capture=True)
    for name, level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(level)


def take_over_logging(settings: Settings, process: str) -> None:
    """Configure logging, and do it again when Celery would: it warns before it comes to that."""
    configure_logging(settings, process)

    def _configure(**_: Any) -> None:
        configure_logging(settings, process)

    signals.setup_logging.connect(_configure, weak=False)
