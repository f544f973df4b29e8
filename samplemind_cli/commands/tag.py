"""``tag``: writes what is known of sounds into files, or into lists, for other programs."""

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from samplemind_cli import filters as filter_options
from samplemind_cli import options, output
from samplemind_cli.layout import Column
from samplemind_worker.errors import UsageError
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_cli.reports import Tagged, TagRun, Untagged
    from samplemind_worker.interchange.selection import Left, Sample
    from samplemind_worker.interchange.tagging import Tagging
    from samplemind_worker.interchange.targets import Options as TargetOptions
    from samplemind_worker.interchange.targets import Outcome, Target

To = Literal["files", "json", "ableton", "m3u", "rekordbox", "fl-studio"]

_LISTS = frozenset({"m3u", "rekordbox", "fl-studio"})
_FAILED = 1
_LEAST = 0.5
_SHORTEST_ID = 6
_MOST_NAMED = 20  # files that are left, by name
_RUN_HELP = "a run: the beginning of its id, or last"


@filter_options.filtered
def tag(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WHAT",
            help="Files and folders; or a batch (last, or its id); or the words of a search.",
            show_default=False,
        ),
    ] = None,
    *,
    filters: dict[str, Any],
    to: Annotated[
        To | None,
        typer.Option(
            "--to",
            help="files: into the audio files; json: a file beside each; ableton: tags of Live 12; m3u, rekordbox, "
            "fl-studio: one list, to stdout or -o.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    copy_to: Annotated[
        Path | None,
        typer.Option(
            "--copy-to",
            metavar="FOLDER",
            help="Leave the files as they are: write tagged copies, or the JSON, into that folder.",
            show_default=False,
            parser=options.path,
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the list to a file.", show_default=False, parser=options.path
        ),
    ] = None,
    least: Annotated[
        float,
        typer.Option("--min-confidence", min=0.0, max=1.0, help="Write no answer that is less sure than this."),
    ] = _LEAST,
    notation: Annotated[
        Literal["musical", "camelot", "open-key"], typer.Option("--key-notation", help="Keys as Am, 8A or 1m.")
    ] = "musical",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace values that the files have already, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    undo: Annotated[
        str | None,
        typer.Option("--undo", metavar="RUN", help=f"Restore every byte that a run has changed; {_RUN_HELP}."),
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="List the runs that can be undone.")] = False,
) -> None:
    """Write what was heard into files, or into lists.

    Files get tempo, key, root note, instrument, comment and loudness; lists are for other programs.

    Nothing that is there is harmed: tags and chunks of others keep every byte, the sound stays the same, and --undo
    restores each file. A file that has changed since it was analysed is left as it is.
    """
    if runs or undo is not None:
        if what or to is not None or (runs and undo is not None):
            raise UsageError("--undo and --runs stand alone")
        _list_runs(as_json=as_json) if runs else _undo(undo or "", as_json=as_json)
        return
    _check(what, filters, to, copy_to=copy_to, target=target, overwrite=overwrite, as_json=as_json)
    assert to is not None  # noqa: S101 -- checked
    from samplemind_cli import index, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.tagging import Tagging  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.targets import Options as TargetOptions  # noqa: PLC0415 -- slow import

    chosen = TargetOptions(least, notation, overwrite, None if copy_to is None else Path(os.path.abspath(copy_to)))  # noqa: PTH100 -- links stay
    with record.open_record() as settings, index.open_vectors(settings) as vectors:
        command = "tag " + " ".join(map(shlex.quote, [*(what or ()), "--to", to]))
        tagging = Tagging(_target(to, chosen, target), settings, command=command, vectors=vectors)
        samples = _samples(what or [], filters, settings)
        quiet = to in _LISTS and target is None and not dry_run
        counts = _tell(tagging, samples, dry_run=dry_run, as_json=as_json, quiet=quiet)
    if counts["left"]:
        raise typer.Exit(_FAILED)


def _check(
    what: list[str] | None,
    filters: dict[str, Any],
    to: To | None,
    *,
    copy_to: Path | None,
    target: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    if to is None:
        raise UsageError("say what is written: --to files, json, ableton, m3u, rekordbox or fl-studio")
    if not what and not any(filters.values()):
        raise UsageError("name files, folders, a batch or a search; `samplemind tag .` takes the current folder")
    if copy_to is not None and to not in {"files", "json"}:
        raise UsageError("--copy-to is for --to files and --to json")
    if overwrite and to != "files":
        raise UsageError("--overwrite is for --to files")
    if target is not None and to not in _LISTS:
        raise UsageError("-o is for the lists: m3u, rekordbox and fl-studio")
    if as_json and to in _LISTS and target is None:
        raise UsageError("the list goes to stdout; name a file for it with -o to have --json there")
    filter_options.check(filters)


def _target(to: To, chosen: "TargetOptions", target: Path | None) -> "Target":
    """Load the writer of a target alone."""
    if to == "files":
        from samplemind_worker.interchange.tagged_files import TaggedFiles  # noqa: PLC0415 -- slow import

        return TaggedFiles(chosen)
    if to == "json":
        from samplemind_worker.interchange.sidecars import Sidecars  # noqa: PLC0415 -- slow import

        return Sidecars(chosen)
    if to == "ableton":
        from samplemind_worker.interchange.ableton import Ableton  # noqa: PLC0415 -- slow import

        return Ableton(chosen)
    from samplemind_worker.interchange import fl_studio, lists, playlist, rekordbox  # noqa: PLC0415 -- slow import

    form = {"m3u": playlist.Playlist, "rekordbox": rekordbox.Collection, "fl-studio": fl_studio.BrowserTags}[to]()
    return lists.List(form, chosen, target, output.BinaryStdout().write)


def _samples(what: list[str], filters: dict[str, Any], settings: "Settings") -> "Iterator[Sample | Left]":
    from samplemind_worker.finding import query as queries  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange import selection  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import entries  # noqa: PLC0415 -- slow import

    has_filters = any(filters.values())
    if what and all(map(os.path.lexists, what)):
        if has_filters:
            raise UsageError("filters are for a search; `--path FOLDER` searches in a folder")
        return selection.below([Path(each) for each in what], settings)
    if len(what) == 1 and not has_filters and (batch := _batch_of(what[0])) is not None:
        return selection.of_batch(batch, settings)
    selection.require_words(what)
    entries.progress().require()
    asked = queries.read(" ".join(what)) if what else queries.Query()
    return selection.found(asked, filter_options.chosen(filters, settings), settings)


def _batch_of(text: str) -> str | None:
    """Return the id of the batch that a text names; None if it is a word of a search."""
    from samplemind_worker.store import batches  # noqa: PLC0415 -- slow import

    if re.fullmatch(r"last(~\d+)?", text):
        return batches.find(text).id
    # A short beginning of an id may be a word, such as `fade`.
    if len(text) < _SHORTEST_ID or not any(letter.isdigit() for letter in text):
        return None
    try:
        return batches.find(text).id
    except UsageError:
        return None


def _tell(
    tagging: "Tagging", samples: "Iterable[Sample | Left]", *, dry_run: bool, as_json: bool, quiet: bool
) -> Counter[str]:
    """Do it, and print what was done."""
    counts: Counter[str] = Counter()
    unnamed: Counter[str] = Counter()
    outcomes = tagging.preview(samples) if dry_run else tagging.write(samples)

    def rows() -> Iterator[output.Row]:
        for outcome in outcomes:
            counts[outcome.state] += 1
            if as_json:
                output.emit(_report(outcome))
            elif outcome.state == "left":
                if counts["left"] <= _MOST_NAMED:
                    output.note(f"left: {outcome.path}: {outcome.reason}")
                else:
                    unnamed[outcome.reason] += 1
            elif outcome.state == "written" and not quiet:
                yield outcome.path, ", ".join(outcome.fields)
            if outcome.kept and not as_json:
                counts["kept"] += 1

    try:
        output.table((Column("file", least=24), Column("would get" if dry_run else "got", least=12)), rows())
    finally:
        outcomes.close()  # while the record is open, which is to follow what was written
        for reason, count in unnamed.most_common(_MOST_NAMED):
            output.note(f"left: {count:,} more: {reason} (--json lists all)")
        if tagging.run_id is not None:
            output.note(f"`samplemind tag --undo {tagging.run_id}` takes it back")
    output.note(_summary(counts, dry_run=dry_run))
    return counts


def _summary(counts: Counter[str], *, dry_run: bool) -> str:
    if not counts:
        return "nothing found"
    parts = [f"{counts['written']:,} {'would be ' if dry_run else ''}written", f"{counts['unchanged']:,} unchanged"]
    if counts["left"]:
        parts.append(f"{counts['left']:,} left as they are")
    if counts["kept"]:
        parts.append(f"{counts['kept']:,} keep values that differ (--overwrite replaces them)")
    return ", ".join(parts)


def _report(outcome: "Outcome") -> "Tagged":
    report: Tagged = {"path": str(outcome.path), "state": outcome.state, "fields": list(outcome.fields)}
    if outcome.kept:
        report["kept"] = list(outcome.kept)
    if outcome.reason:
        report["reason"] = outcome.reason
    return report


def _list_runs(*, as_json: bool) -> None:
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange import tagging  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange import undo as undoing  # noqa: PLC0415 -- slow import

    found = undoing.runs(get_settings().home, commands=tagging.COMMANDS)
    if as_json:
        for run in found:
            made: TagRun = {
                "id": run.id,
                "at": run.at.isoformat(timespec="seconds"),
                "command": run.command,
                "changes": run.changes,
            }
            output.emit(made)
    elif found:
        columns = ("run", "changes", Column("command", least=20))
        output.table(columns, ((run.id, run.changes, run.command) for run in found))
    else:
        output.note("there is no run that can be undone")


def _undo(run_id: str, *, as_json: bool) -> None:
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_cli import index, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange import tagging, undo  # noqa: PLC0415 -- slow import

    # Before the record is opened, which may take seconds.
    undo.find(get_settings().home, run_id, commands=tagging.COMMANDS)
    with record.open_record() as settings, index.open_vectors(settings) as vectors:
        done = tagging.take_back(run_id, settings, vectors)
    for path, reason in done.left:
        output.note(f"left: {path}: {reason}")
        if as_json:
            left: Untagged = {"path": str(path), "state": "left", "reason": reason}
            output.emit(left)
    files = [change for change in done.taken_back if change.operation != "folder"]
    for change in files if as_json else ():
        restored: Untagged = {"path": change.path, "state": "restored"}
        output.emit(restored)
    output.note(
        f"{plural(len(files), 'file')} restored" + (f", {len(done.left):,} left as they are" if done.left else "")
    )
    if done.left:
        raise typer.Exit(_FAILED)
