"""Settings to a logging configuration."""

from typing import Any

from config.settings import Settings

_FORMAT = (
    "{time:YYYY-MM-DD HH:mm:ss.SSS!UTC}Z {level: <7} {extra[process]} {message} "
    "{extra[task]} {extra[parcel]} {extra[fields]}"
)


def log_options(settings: Settings) -> dict[str, Any]:
    """Return the options of loguru's one sink: JSON lines where asked for, else one plain line an event."""
    return {
        "level": settings.log_level,
        "serialize": settings.log_json,
        "format": _FORMAT,
        "backtrace": False,
        "diagnose": False,  # values of variables do not belong in a log: they may be secrets
        "colorize": False,
        "enqueue": False,
    }
