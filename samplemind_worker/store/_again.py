"""The update by which items in flight become pending again."""

from typing import Any

from samplemind_worker.documents.batch import HELD
from samplemind_worker.documents.states import State, Step

_FIRST_STEP = Step.DECODE.value
# A lost attempt loses its signals in scratch memory, so items in these steps begin again at the first step.
_HOST_STEPS = [Step.FEATURES.value, Step.TEMPO_KEY.value]


def pending_again(*, crashed_of: int | None = None, died: bool = False) -> list[dict[str, Any]]:
    """Return the update that makes items pending again; crashed items have ``crashed_of`` starts in all."""
    values: dict[str, Any] = {
        "state": State.PENDING.value,
        "step": {"$cond": [{"$in": ["$step", _HOST_STEPS]}, _FIRST_STEP, "$step"]},
    }
    if crashed_of is not None:
        values["alone"] = True
        if died:
            values["crashed_at"] = "$$NOW"
        values["last_chance"] = {"$gte": ["$starts", crashed_of - 1]}
    else:
        # An attempt that was begun is begun, and counted, again.
        values["starts"] = {"$subtract": ["$starts", {"$cond": ["$fresh", 0, 1]}]}
    return [{"$set": values}, {"$unset": list(HELD)}]
