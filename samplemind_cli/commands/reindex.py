"""``reindex``: make the search entries anew, and rebuild the vectors in Chroma, from the record."""

import time
from typing import Annotated

import typer

from samplemind_cli import output


def reindex(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Rebuild from the record what `search` reads, and the vectors behind `similar`.

    Work goes on meanwhile; a rebuild that was interrupted goes on, too.
    """
    from samplemind_cli import index, record  # noqa: PLC0415 -- slow import
    from samplemind_cli.progress import Display  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        began = time.monotonic()
        try:
            with Display() as display:
                entries = index.rebuild_entries(
                    lambda done, total: display.show(done, total, _in_words(done, total, "search entries"))
                )
            output.note(f"{entries:,} files are in the search index")
            with Display() as display:
                count = index.rebuild(
                    settings, lambda copied, total: display.show(copied, total, _in_words(copied, total, "vectors"))
                )
        except KeyboardInterrupt:
            output.note("what is copied is kept; `samplemind reindex` and running workers go on from there")
            raise
        seconds = time.monotonic() - began
    output.note(f"{count:,} vectors are in the index again, after {seconds:.1f} s")
    if as_json:
        output.emit({"entries": entries, "vectors": count, "seconds": round(seconds, 3)})


def _in_words(copied: int, total: int, what: str) -> str:
    return f"{copied:,}/{total:,} {what} ({copied * 100 // max(total, 1)} %)"
