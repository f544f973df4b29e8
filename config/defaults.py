"""Defaults of settings that depend on the machine."""

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """Return the platform's folder for the data of a program."""
    return user_data_path("samplemind", appauthor=False)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
