"""``reindex``: rebuild what `search` and `similar` read from the record."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from samplemind_cli import output
from samplemind_worker import times
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from samplemind_cli.reports import Rebuilt


def reindex(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Rebuild what `search` and `similar` read from the record.

    Work goes on meanwhile; a rebuild of the vectors that was interrupted goes on, too.
    """
    from samplemind_cli import rebuild, record  # noqa: PLC0415 -- slow import
    from samplemind_cli.progress import Display  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        began = time.monotonic()
        try:
            with Display() as display:
                done = rebuild.rebuild_all(
                    settings, lambda what, made, total: display.show(made, total, _in_words(what, made, total))
                )
        except KeyboardInterrupt:
            output.note("what is copied is kept; `samplemind reindex` and running workers go on from there")
            raise
        seconds = time.monotonic() - began
    took = times.span(seconds)
    made = f"{plural(done.vectors, 'vector')} and {plural(done.entries, 'entry', 'entries')}"
    output.note(f"the index has {made} again, after {took}")
    if done.outdated:
        output.note(
            f"{plural(done.outdated, 'file was', 'files were')} analysed by an older version before there were such "
            "vectors: `samplemind submit` the folders again"
        )
    if as_json:
        rebuilt: Rebuilt = {
            "entries": done.entries,
            "vectors": done.vectors,
            "converted": done.converted,
            "outdated": done.outdated,
            "seconds": round(seconds, 3),
        }
        output.emit(rebuilt)


def _in_words(what: str, made: int, total: int) -> str:
    return f"{made:,}/{total:,} {what} ({made * 100 // max(total, 1)} %)"
