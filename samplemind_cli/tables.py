"""Lays out files and batches as tables."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import quantiles
from typing import Any

from samplemind_cli.layout import Column
from samplemind_cli.output import Number, Row, fixed, pairs, tally, write
from samplemind_cli.output import table as print_table
from samplemind_worker import times
from samplemind_worker.pitches import PITCH_CLASSES, note_name
from samplemind_worker.text import plural

Report = dict[str, Any]

FILE_COLUMNS = (
    Column("file", least=24),
    Column("kind"),
    Column("tempo"),
    Column("key"),
    Column("instrument", leaves=2),
    Column("LUFS", leaves=1),
)
SHOWN = (
    "path",
    "status",
    "kind",
    "tempo",
    "key",
    "mode",
    "pitch_note",
    "instrument",
    "loudness_lufs",
    "error",
)
"""The fields of a result that tables show; a list of many files keeps only these."""
BATCH_COLUMNS = (
    Column("batch"),
    Column("name", least=10),
    Column("status"),
    Column("files", leaves=5),
    Column("done", leaves=4),
    Column("failed"),
    Column("skipped", leaves=3),
    Column("left", leaves=2),
    Column("created", leaves=1),
)
ITEM_COLUMNS = (
    Column("state"),
    Column("step", leaves=2),
    Column("attempts", leaves=1),
    Column("file id"),
    Column("path", least=24),
    Column("error", least=24),
)


def key_of(report: Report) -> str | None:
    """Return a key as ``A minor``, or the pitch of a single note."""
    if report["key"] is not None:
        return f"{report['key']} {report['mode'] or ''}".rstrip()
    return report["pitch_note"]


def key_of_entry(entry: Report) -> str | None:
    """Return the key of a library entry as ``A minor``, or the pitch of a single note."""
    if entry["key"] is not None:
        return f"{PITCH_CLASSES[entry['key']]} {entry['mode'] or ''}".rstrip()
    return None if entry["pitch"] is None else note_name(entry["pitch"])


def file_row(report: Report, name: str) -> Row:
    """Lay out one analysed file."""
    return (
        name,
        report["kind"],
        fixed(report["tempo"], 2),
        key_of(report),
        report["instrument"],
        fixed(report["loudness_lufs"]),
    )


def print_files(reports: Sequence[Report]) -> None:
    """Print analysed files as a table, then rejected ones with the reason."""
    base = _shared_folder([report["path"] for report in reports])
    good = [report for report in reports if report["status"] == "analyzed"]
    print_table(FILE_COLUMNS, (file_row(report, report["path"][base:]) for report in good))
    print_failures(report for report in reports if report["status"] == "rejected")


def print_failures(reports: Iterable[Report]) -> None:
    """Print the files that were rejected, with the reason."""
    rows = [(report["path"], report["error"]["code"], report["error"]["message"]) for report in reports]
    if rows:
        write("\n")
        print_table((Column("failed", least=24), Column("error"), Column("message", least=24)), rows)


def _shared_folder(paths: Sequence[str]) -> int:
    """Return the length of the folder that all paths share, including its separator."""
    if not paths:
        return 0
    first, last = min(paths), max(paths)  # what the first and the last share, all paths between them share
    return os.path.commonprefix((first, last)).rfind("/") + 1  # noqa: RUF071 -- cut at a separator right here


def print_digest(reports: Iterable[Report]) -> int:
    """Print counts of files by kind, tempo and key, and return the number of files."""
    kinds: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    instruments: Counter[str] = Counter()
    tempi: list[float] = []
    for report in reports:
        kinds[report["kind"] or "unsure"] += 1
        instruments[report["instrument"] or "unsure"] += 1
        if report["key"] is not None:
            keys[f"{report['key']} {report['mode']}"] += 1
        if report["tempo"] is not None:
            tempi.append(report["tempo"])
    counted = (("kinds", kinds), ("instruments", instruments), ("keys", keys))
    shown = {name: tally(dict(counts.most_common(12))) for name, counts in counted if counts}
    if tempi:
        low, middle, high = min(tempi), quantiles(tempi, n=2)[0] if len(tempi) > 1 else tempi[0], max(tempi)
        files = plural(len(tempi), "file")
        shown["tempi"] = f"{low:.2f} to {high:.2f} BPM, half of them up to {middle:.2f} ({files})"
    pairs(shown)
    return kinds.total()


def batch_row(report: Report) -> Row:
    """Lay out one batch."""
    return (
        report["batch_id"],
        report["name"],
        _status(report),
        count(report["total_files"]),
        count(report["completed"]),
        count(report["failed"]),
        count(report["skipped"]),
        count(report["pending"] + report["running"]),
        times.local(datetime.fromisoformat(report["created_at"])),
    )


def count(number: int) -> Number:
    """Write a count with separators."""
    return Number(f"{number:,}")


def _status(report: Report) -> str:
    return "paused" if report["paused_at"] is not None else report["status"]


def batch_summary(report: Report) -> str:
    """Return the state of a batch as one line."""
    states = ("completed", "failed", "skipped", "cancelled", "running", "pending")
    counts = {name: report[name] for name in states if report[name] or name == "completed"}
    line = f"batch {report['batch_id']} {_status(report)}: {plural(report['total_files'], 'file')}, {tally(counts)}"
    if report["files_per_second"]:
        line += f"; {report['files_per_second']:,.1f} files/s"
    if report["eta_seconds"]:
        line += f", ETA {times.span(report['eta_seconds'])}"
    return line
