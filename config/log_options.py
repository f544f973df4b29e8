"""Derives the logging options from the settings."""

from typing import Any

from config.settings import Settings

_FORMAT = (
    "{time:YYYY-MM-DD HH:mm:ss.SSS!UTC}Z {level: <7} {extra[process]} {message} "
    "{extra[task]} {extra[parcel]} {extra[fields]}"
)


def log_options(settings: Settings) -> dict[str, Any]:
    """Return the options of loguru's one sink: JSON lines if they are configured, else one plain line per event."""
    return {
        "level": settings.log_level,
        "serialize": settings.log_json,
        "format": _FORMAT,
        "backtrace": False,
        "diagnose": False,  # values of variables may be secrets
        "colorize": False,
        "enqueue": False,
    }
