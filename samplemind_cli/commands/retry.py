"""``retry``, ``cancel``, ``pause`` and ``resume``: analyse failed files again; stop or hold what has not ended."""

from samplemind_cli import output
from samplemind_cli.options import Batch


def retry(batch: Batch) -> None:
    """Analyse the failed files of a batch again."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record(for_work=True) as settings:
        batch_id, count = client.retry(batch, settings)
    output.note(f"{count:,} failed files of batch {batch_id} are queued again" if count else "no file of it has failed")


def cancel(batch: Batch) -> None:
    """Stop what has not ended of a batch."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record():
        batch_id, count = client.cancel(batch)
    output.note(f"{count:,} files of batch {batch_id} are cancelled" if count else "nothing of it was still open")


def pause(batch: Batch) -> None:
    """Begin no more files of a batch until it is resumed."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record():
        batch_id, changed = client.pause(batch)
    if changed:
        output.note(f"batch {batch_id} is paused; `samplemind resume {batch_id}` lets it go on")
    else:
        output.note(f"batch {batch_id} was paused before")


def resume(batch: Batch) -> None:
    """Let a paused batch go on."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record(for_work=True) as settings:
        batch_id, changed = client.resume(batch, settings)
    output.note(f"batch {batch_id} goes on" if changed else f"batch {batch_id} was not paused")
