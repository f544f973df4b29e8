"""One sink for all logs of a process: ours, Celery's and the libraries'."""

import logging
import sys
from typing import Any, Final

from celery import signals
from loguru import logger

from config.log_options import log_options
from config.settings import Settings

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
        logger.opt(exception=record.exc_info).log(level, record.getMessage().replace("\n", " | "))


def configure_logging(settings: Settings, process: str) -> None:
    """Send all logs of this process to one loguru sink on stderr."""
    logger.remove()
    logger.configure(extra={"process": process, "task": "", "parcel": "", "fields": ""})
    logger.add(sys.stderr, **log_options(settings))
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
