"""``retry`` and ``cancel``: analyse failed files again, and cancel files that have not ended."""

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
