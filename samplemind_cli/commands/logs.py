"""``logs``: what the private workers have logged of a batch or a file."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samplemind_cli import output
from samplemind_cli.options import Since, Until, read_times
from samplemind_worker.errors import SetupError, UsageError

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_worker.local_services.log_files import Wanted

_BATCH = re.compile(r"\d{8}-\d{6}(-[0-9a-f]{1,6})?")
_LAST = re.compile(r"last(~\d+)?")
_MOST_ITEMS = 1000  # of one content


def logs(
    what: Annotated[
        str | None,
        typer.Argument(metavar="BATCH_OR_FILE", help="A batch, or the id or path of a file.", show_default=False),
    ] = None,
    *,
    since: Since = None,
    until: Until = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is logged, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print what the workers of this machine have logged.

    It is of a batch or a file, or all of it.
    """
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import log_files  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.home import Home  # noqa: PLC0415 -- slow import

    begin, end = read_times(since, until)
    if follow and end is not None:
        raise UsageError("--follow goes on for ever: it takes no --until")
    settings = get_settings()
    home = Home(settings.home)
    if not log_files.existing(home) and not follow:
        raise SetupError(
            f"there are no logs of workers in {home.logs}; workers of a deployment log to where they run: "
            "`docker compose logs`, `kubectl logs` or `journalctl` has them"
        )
    wanted = _wanted(what, settings)
    count = 0
    for line in log_files.search(home, wanted, since=begin, until=end):
        count += 1
        _print(line, as_json=as_json)
    if not count and (what is not None or since or until):
        of = "" if what is None else f" of {what}"
        then = " at that time" if since or until else ""
        output.note(f"nothing is logged{of}{then}; older logs are deleted with time")
    if follow:
        output.flush()
        for line in log_files.follow(home, wanted):
            _print(line, as_json=as_json)
            output.flush()


def _wanted(what: str | None, settings: "Settings") -> "Wanted":
    from samplemind_worker.local_services import log_files  # noqa: PLC0415 -- slow import

    if what is None:
        return log_files.Wanted()
    if _BATCH.fullmatch(what):  # known without the record
        return log_files.of_batch(what)
    from samplemind_cli import library, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import batch_lists, batches  # noqa: PLC0415 -- slow import
    from samplemind_worker.store.library import locate  # noqa: PLC0415 -- slow import

    with record.open_record():
        if _LAST.fullmatch(what) and not library.exists(what):
            return log_files.of_batch(batches.find(what).id)
        content = library.id_of(what)
        if content is not None:
            return log_files.of_file(batch_lists.ids_of_content(content, limit=_MOST_ITEMS), [])
        place = library.place_of(what, settings)
        root, path = locate(Path(what), settings.roots)
        found = [] if place is None else batch_lists.ids_of_content(place.file_id, limit=_MOST_ITEMS)
        return log_files.of_file(found, _spellings(root, path.decode("utf-8", "surrogateescape"), Path(what)))


def _spellings(root: str, path: str, given: Path) -> list[tuple[str, str]]:
    """Return the pairs of root and path with which a failure may be logged: a batch's root may be any folder above."""
    absolute = given.absolute()
    folders = [(str(folder), str(absolute.relative_to(folder))) for folder in absolute.parents]
    return [(root, path), *folders]


def _print(line: bytes, *, as_json: bool) -> None:
    if as_json:
        from samplemind_worker.local_services import log_lines  # noqa: PLC0415 -- slow import

        output.emit(log_lines.read(line))
    else:
        output.say(line.decode("utf-8", "backslashreplace"))
