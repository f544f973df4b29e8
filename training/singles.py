"""Tells recordings from what was rendered or synthesized, among the sounds of `training.oneshots` and `sources`."""

from typing import Any

from training import sources


def is_recorded(truth: dict[str, Any]) -> bool:
    """Tell recordings from what was rendered or synthesized."""
    return bool(truth["program"] == sources.PROGRAM)
