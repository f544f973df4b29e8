"""Writes down every file that a Python process opens: loaded by each that has this folder on its PYTHONPATH."""

import os
import sys
from typing import Any

_LOG = os.environ.get("AUDIT_LOG")
_number = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if _LOG else -1


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and not isinstance(arguments[0], int):
        os.write(_number, os.fsencode(arguments[0]) + b"\n")


if _LOG:
    sys.addaudithook(_note)
