"""The audit log: every route that changes something says here who did what."""

from typing import Any

from loguru import logger
from pymongo.errors import PyMongoError

from samplemind_web.access import Caller
from samplemind_worker.errors import SampleMindError
from samplemind_worker.store import audit

_LONGEST = 500  # characters of a text


async def record(caller: Caller, action: str, target: str = "", **detail: Any) -> None:
    """Record an action that was carried out, such as ``batch.cancel`` and the batch's id.

    ``detail`` are plain values, such as counts. The request does not fail if the entry cannot be written, because its
    action is done: the process log has it then.
    """
    cut = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in detail.items()}
    try:
        await audit.append.aio(caller.user_id, action, target[:_LONGEST], address=caller.address, detail=cut)
    except (SampleMindError, PyMongoError) as error:
        who = {"user": caller.user_id, "action": action, "target": target[:_LONGEST], "address": caller.address}
        logger.error("audit_entry_lost", fields={**who, "error": str(error)})
