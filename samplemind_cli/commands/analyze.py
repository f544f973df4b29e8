"""``analyze``: analyse here and now, without services."""

import os
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from config.locations import Location, ObjectPath
from samplemind_cli import options, output
from samplemind_worker.errors import UsageError
from samplemind_worker.text import plural

_SHOW_EVERY = 0.2  # s


def analyze(
    paths: Annotated[
        list[Any],
        typer.Argument(
            metavar="PATH", help="Files, folders and s3://bucket/prefix.", show_default=False, parser=options.location
        ),
    ],
    *,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes; by default one per core.", show_default=False)
    ] = None,
    audio_only: Annotated[
        bool, typer.Option("--audio-only", help="Judge the sound alone; by default tags and names are weighed too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Analyse files here and now, without services.

    Folders are walked; the results come in the order of the paths.
    """
    from samplemind_worker.pipeline.pool import Crew  # noqa: PLC0415 -- slow import

    rejected = 0
    rows: list[dict[str, Any]] = []
    # It loads the engine, while the rest is loaded and folders are walked.
    with Crew() as crew:
        from config.settings import get_settings  # noqa: PLC0415 -- slow import
        from samplemind_cli import tables  # noqa: PLC0415 -- slow import

        settings = get_settings()
        if audio_only:
            settings = settings.model_copy(update={"stated_evidence": False})
        files = _audio_files(paths)
        analysis = crew.analyze(files, settings=settings, jobs=min(jobs or settings.concurrency, len(files)))
        # A bar would be drawn into the lines, where both go to one terminal.
        with closing(_with_progress(analysis, len(files), quiet=as_json and output.on_terminal())) as reports:
            for report in reports:
                rejected += report["status"] != "analyzed"
                if as_json:
                    output.emit(report)
                else:
                    rows.append({name: report[name] for name in tables.SHOWN if name in report})
    if not as_json:
        tables.print_files(rows)
    output.note(f"{plural(len(files), 'file')}, {rejected:,} rejected")
    raise typer.Exit(1 if rejected else 0)


def _audio_files(paths: list[Location]) -> list[Location]:
    """Return the audio files at or below these paths, each once, in the order of the paths."""
    from samplemind_worker.submission.walk import nothing_found, walk  # noqa: PLC0415 -- slow import

    files: dict[Location, None] = {}
    skipped: Counter[str] = Counter()
    for path in paths:
        for found in walk(path):
            if found.skip_reason is None:
                at = ObjectPath(path.bucket, found.path.decode()) if isinstance(path, ObjectPath) else None
                files[at or Path(os.fsdecode(found.path))] = None
            else:
                skipped[found.skip_reason] += 1
    if not files:
        raise UsageError(nothing_found(paths, skipped))
    return list(files)


def _with_progress(reports: Iterator[dict[str, Any]], total: int, *, quiet: bool) -> Generator[dict[str, Any]]:
    from samplemind_cli import progress  # noqa: PLC0415 -- slow import

    if quiet:
        yield from reports
        return
    pace, failed, shown = progress.Pace(), 0, 0.0
    pace.add(time.monotonic(), 0)
    with progress.Display() as display:
        for done, report in enumerate(reports, start=1):
            failed += report["status"] != "analyzed"
            if (now := time.monotonic()) - shown >= _SHOW_EVERY:
                shown = now
                pace.add(now, done)
                words = progress.count_in_words(done, total, failed=failed, rate=pace.rate())
                display.show(done, total, words, [report["path"]])
            yield report
