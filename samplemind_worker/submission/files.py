"""A file of a batch, as commands and the API show it."""

from samplemind_worker.documents.batch import BatchItem
from samplemind_worker.documents.batch_report import BatchFile


def full_path(root: str, path: str) -> str:
    """Return the path of a file with its root: the root's folder, or its name."""
    return f"{root.rstrip('/')}/{path}"


def report(item: BatchItem) -> BatchFile:
    """Return the JSON object of `files --json`."""
    return {
        "path": full_path(item.root, item.path),
        "state": item.state.value,
        "step": item.step.value,
        "attempts": item.attempt,
        "file_id": item.file_id,
        "skip_reason": item.skip_reason,
        "error": None if item.error is None else {"code": item.error.code, "message": item.error.message},
    }
