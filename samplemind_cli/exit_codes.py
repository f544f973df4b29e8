"""The exit codes of all commands, and what they mean for some."""

from typing import Final

FAILED: Final = 1
USAGE: Final = 2
SERVICE: Final = 3
INTERRUPTED: Final = 130

MEANINGS: Final[dict[int, str]] = {
    0: "done",
    FAILED: "ended, but some files failed or were rejected",
    USAGE: "wrong usage, or a setting is refused",
    SERVICE: "a service cannot be reached, or this machine lacks something",
    INTERRUPTED: "interrupted by Ctrl-C",
    143: "ended by SIGTERM",
    129: "ended by SIGHUP, as when its terminal is closed",
}
"""What each code means."""

_INDEX: Final = "also if the search index is not complete; what was found is printed"
_BATCH: Final = "with `--wait`, if the batch did not complete or a file of it failed"

OF_COMMANDS: Final[dict[str, dict[int, str]]] = {
    "analyze": {FAILED: "if a file was rejected"},
    "submit": {FAILED: _BATCH},
    "reanalyze": {FAILED: _BATCH},
    "status": {FAILED: "of one batch, if it has ended and a file of it failed"},
    "summarize": {FAILED: "with `--wait`, if a summary is still missing"},
    "show": {FAILED: "if the file could not be analysed"},
    "search": {SERVICE: _INDEX},
    "match": {SERVICE: _INDEX},
    "similar": {SERVICE: "also if vectors are missing or filters cannot be answered; what was found is printed"},
    "library": {SERVICE: _INDEX},
    "ingest": {FAILED: "if a pack was refused or postponed, or a file of it failed"},
    "organize": {FAILED: "if a file was left where it is, as those in a bucket are"},
    "tag": {FAILED: "if a file was left as it is"},
    "doctor": {SERVICE: "if a check failed"},
}
"""What a code means for a command, where that is more than it means for all."""
