"""``retry``, ``cancel``, ``pause`` and ``resume``: analyse failed files again; stop or hold what has not ended."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplemind_cli import output
from samplemind_cli.options import Batch
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from samplemind_worker.documents.batch_report import Batch as BatchReport
    from samplemind_worker.documents.batch_report import ChangedFiles, ChangedPause

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object: the batch, and what was changed.")]


def retry(batch: Batch, *, as_json: _Json = False) -> None:
    """Analyse the failed files of a batch again."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record(for_work=True) as settings:
        batch_id, count = client.retry(batch, settings)
        _emit_files(batch_id, count, as_json=as_json)
    output.note(
        f"{plural(count, 'failed file')} of batch {batch_id} queued again" if count else "no file of it has failed"
    )


def cancel(batch: Batch, *, as_json: _Json = False) -> None:
    """Stop what has not ended of a batch."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record():
        batch_id, count = client.cancel(batch)
        _emit_files(batch_id, count, as_json=as_json)
    output.note(f"cancelled {plural(count, 'file')} of batch {batch_id}" if count else "nothing of it was still open")


def pause(batch: Batch, *, as_json: _Json = False) -> None:
    """Begin no more files of a batch until it is resumed."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record():
        batch_id, changed = client.pause(batch)
        _emit_pause(batch_id, changed=changed, as_json=as_json)
    if changed:
        output.note(f"batch {batch_id} is paused; `samplemind resume {batch_id}` lets it go on")
    else:
        output.note(f"batch {batch_id} was paused before")


def resume(batch: Batch, *, as_json: _Json = False) -> None:
    """Let a paused batch go on."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record(for_work=True) as settings:
        batch_id, changed = client.resume(batch, settings)
        _emit_pause(batch_id, changed=changed, as_json=as_json)
    output.note(f"batch {batch_id} goes on" if changed else f"batch {batch_id} was not paused")


def _emit_files(batch_id: str, count: int, *, as_json: bool) -> None:
    if as_json:
        report: ChangedFiles = {**_batch(batch_id), "changed": count}
        output.emit(report)


def _emit_pause(batch_id: str, *, changed: bool, as_json: bool) -> None:
    if as_json:
        report: ChangedPause = {**_batch(batch_id), "changed": changed}
        output.emit(report)


def _batch(batch_id: str) -> "BatchReport":
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    report: Any = client.batch_report(batch_id)
    return report
