"""``slice``: a file cut into parts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from samplemind_cli import options, output
from samplemind_worker.errors import UsageError
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from samplemind_cli.reports import Slices
    from samplemind_worker.interchange.slicing.cutting import Cut, How

_MOST = 999


def slice_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file.", show_default=False, parser=options.path)],
    *,
    sensitivity: Annotated[
        float, typer.Option("--sensitivity", min=0.0, max=1.0, help="At onsets: 1 takes all, 0 the strongest.")
    ] = 0.5,
    beats: Annotated[
        float | None,
        typer.Option("--beats", min=0.03125, help="Every N beats; 0.25: sixteenths.", show_default=False),
    ] = None,
    bars: Annotated[int | None, typer.Option("--bars", min=1, help="Every N bars.", show_default=False)] = None,
    parts: Annotated[
        int | None, typer.Option("--parts", min=2, max=_MOST, help="Into N equal parts.", show_default=False)
    ] = None,
    bpm: Annotated[
        float | None, typer.Option("--bpm", min=20.0, max=400.0, help="The tempo, if it is known.", show_default=False)
    ] = None,
    to: Annotated[Literal["files", "cues"], typer.Option("--to", help="New files, or cue points in it.")] = "files",
    loop: Annotated[bool, typer.Option("--loop", help="Save loop points in the file, too.")] = False,
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", help="The new folder.", show_default=False, parser=options.path)
    ] = None,
    pattern: Annotated[
        str, typer.Option("--pattern", help="Names of files: {name}, {number}, {count}, {start} in ms.")
    ] = "{name}_{number}",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say where it would be cut.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Cut a file at its onsets, beats or bars, or into equal parts.

    Cuts lie at zero crossings, and all slices together are the file again, to the sample. With --to cues they are saved
    in a WAV file itself, whose audio stays as it is; `samplemind tag --undo` takes that back.
    """
    if sum(each is not None for each in (beats, bars, parts)) > 1:
        raise UsageError("--beats, --bars and --parts exclude each other")
    if loop and to != "cues":
        raise UsageError("--loop saves points in the file: it needs --to cues")
    if to == "cues" and folder is not None:
        raise UsageError("-o names a folder for --to files")
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.slicing import cutting  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.staging import require_free  # noqa: PLC0415 -- slow import

    settings = get_settings()
    how = cutting.How(sensitivity=sensitivity, beats=beats, bars=bars, parts=parts, bpm=bpm, loop=loop)
    target = folder or file.parent / f"{file.stem} slices"
    if to == "files" and not dry_run:
        require_free(target)
    if to == "cues":
        done = cutting.to_cues(file, how, settings, dry_run=dry_run)
    else:
        done = cutting.to_files(file, how, target, pattern, settings, dry_run=dry_run)
    _print(file, done, how, None if to == "cues" else target, as_json=as_json, dry_run=dry_run)


def _print(file: Path, done: "Cut", how: "How", target: Path | None, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        folder = None if target is None else str(target)
        slices: Slices = {"path": str(file), "folder": folder, "dry_run": dry_run, **done.report()}
        output.emit(slices)
        return
    rows = (
        (number, output.fixed(start, 3), output.fixed(end - start, 3), name)
        for number, (start, end, name) in enumerate(done.slices(), start=1)
    )
    output.table(("slice", "start", "seconds", "file"), rows)
    if done.tempo is not None and (how.beats or how.bars):
        output.note(f"by the tempo of {done.tempo:.2f} BPM")
    if not dry_run and target is not None:
        output.note(f"wrote {plural(len(done.cuts), 'slice')} to {target}")
    elif not dry_run and done.run is not None:
        output.note(
            f"saved {plural(len(done.cuts), 'cue point')} in {file}; `samplemind tag --undo {done.run}` takes them out"
        )
    elif not dry_run:
        output.note(f"{file} has these cue points already")
