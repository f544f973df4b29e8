"""Ends an item as failed and logs the reason."""

from collections.abc import Mapping
from typing import Any

from loguru import logger

from samplemind_worker.documents.batch import HELD, BatchItem, State
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import ITEMS_ENDED, ITEMS_FAILED


async def fail_one(query: Mapping[str, Any], reason: Mapping[str, str]) -> bool:
    """End one matching item as failed and log its batch and path; return False if none matches."""
    row = await BatchItem.get_pymongo_collection().find_one_and_update(
        query,
        {"$set": {"state": State.FAILED.value, "error": reason}, "$unset": dict.fromkeys(HELD, "")},
        projection=("batch_id", "root", "path"),
    )
    if row is None:
        return False
    counting.add(ITEMS_ENDED, state=State.FAILED.value)
    counting.add(ITEMS_FAILED, code=reason["code"])
    batch, item = row["batch_id"], str(row["_id"])
    which = {"batch": batch, "root": row["root"], "path": row["path"], "item": item}
    with logger.contextualize(batch=batch, item=item):
        logger.warning("file.failed", fields={**which, **reason})
    return True
