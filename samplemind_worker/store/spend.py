"""The ledger of what summaries cost, and the caps that are checked before a call is made.

Every change is one atomic update of one document. A purse lists the calls that are reserved in it, so that settling may
be repeated. A crash between two updates leaves too much counted, never too little; `_reconcile` corrects that when a
purse seems empty.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loguru import logger
from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.batch_report import Spent
from samplemind_worker.documents.spend import AiCall, CallState, Purse, to_usd
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import AI_CALLS, AI_COST, AI_TOKENS
from samplemind_worker.store import mongo
from samplemind_worker.usage import NOTHING_USED, Usage

_FORGOTTEN = timedelta(hours=1)
"""After so long a call without a reply is lost."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be spent, in millionths of a USD; None where there is no cap."""

    batch: int | None = None
    day: int | None = None
    month: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is to be made."""

    batch_id: str
    provider: str
    model: str | None
    task: str
    samples: int
    most: int
    """The most that it can cost, in millionths of a USD."""
    patience: timedelta = _FORGOTTEN
    """After so long the call is lost if it is not settled."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money that is set aside for one call."""

    call_id: str
    provider: str
    amount: int
    purses: tuple[str, ...]


@mongo.synchronous
async def reserve(call: Call, caps: Caps) -> Reservation | str:
    """Reserve money for a call in the purses of its batch, month and day, or return which of them is empty.

    A call that costs nothing is always let through.
    """
    now = await mongo.read_clock()
    limits = {f"batch:{call.batch_id}": caps.batch, f"month:{now:%Y-%m}": caps.month, f"day:{now:%Y-%m-%d}": caps.day}
    made = Reservation(uuid.uuid4().hex, call.provider, call.most, tuple(limits))
    # The call first, so that a purse never lists an unknown call.
    await AiCall(
        id=made.call_id,
        batch_id=call.batch_id,
        provider=call.provider,
        model=call.model,
        task=call.task,
        samples=call.samples,
        purses=list(limits),
        reserved=call.most,
        reserved_at=now,
        lost_at=now + call.patience,
    ).insert()
    for purse, cap in limits.items():
        if await _put_aside(purse, made, cap) or (await _reconcile(purse, now) and await _put_aside(purse, made, cap)):
            continue
        await _close(made, CallState.REFUSED, now, spent=0, error=purse)
        return purse.partition(":")[0]
    return made


async def _put_aside(purse: str, made: Reservation, cap: int | None) -> bool:
    query: dict[str, Any] = {"_id": purse}
    if cap is not None and made.amount:
        if made.amount > cap:
            return False
        query["total"] = {"$lte": cap - made.amount}
    change = {"$inc": {"total": made.amount}, "$set": {f"open.{made.call_id}": made.amount}}
    for _ in range(2):
        try:
            await Purse.get_pymongo_collection().update_one(query, change, upsert=True)
        except DuplicateKeyError:
            # The purse holds too much, or another process has just made it; the second attempt tells which.
            continue
        return True
    return False


@mongo.synchronous
async def settle(made: Reservation, *, usage: Usage, spent: int, error: str | None = None) -> None:
    """Record what a call cost and free the rest of its reservation; may be repeated."""
    now = await mongo.read_clock()
    if spent > made.amount:
        logger.error("spend.more_than_reserved", fields={"call": made.call_id, "reserved": made.amount, "spent": spent})
    await _close(made, CallState.SETTLED, now, spent=spent, usage=usage, error=error)


async def _close(
    made: Reservation,
    state: CallState,
    now: datetime,
    *,
    spent: int,
    usage: Usage = NOTHING_USED,
    error: str | None = None,
) -> None:
    closed = await AiCall.get_pymongo_collection().update_one(
        {"_id": made.call_id, "state": CallState.RESERVED.value},
        {
            "$set": {
                "state": state.value,
                "spent": spent,
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "requests": usage.requests,
                "error": error,
                "settled_at": now,
            }
        },
    )
    if closed.modified_count:
        counting.add(AI_CALLS, provider=made.provider, state=state.value)
        counting.add(AI_TOKENS, usage.input_tokens, provider=made.provider, direction="input")
        counting.add(AI_TOKENS, usage.output_tokens, provider=made.provider, direction="output")
        counting.add(AI_COST, to_usd(spent), provider=made.provider)
    for purse in made.purses:
        await _take_out(purse, made, state, spent=spent, usage=usage)


async def _take_out(purse: str, made: Reservation, state: CallState, *, spent: int, usage: Usage) -> None:
    sums = f"providers.{made.provider}"
    change: dict[str, Any] = {"$inc": {"total": spent - made.amount}, "$unset": {f"open.{made.call_id}": ""}}
    if state is not CallState.REFUSED:
        change["$inc"] |= {
            f"{sums}.calls": 1,
            f"{sums}.requests": usage.requests,
            f"{sums}.input_tokens": usage.input_tokens,
            f"{sums}.output_tokens": usage.output_tokens,
            f"{sums}.micro_usd": spent,
        }
    await Purse.get_pymongo_collection().update_one({"_id": purse, f"open.{made.call_id}": {"$exists": True}}, change)


async def _reconcile(purse: str, now: datetime) -> bool:
    """Close the reservations in a purse whose calls are settled or lost; return whether there were any."""
    found = await Purse.get_pymongo_collection().find_one({"_id": purse}, {"open": 1})
    if found is None or not found.get("open"):
        return False
    changed = False
    calls = await AiCall.find({"_id": {"$in": list(found["open"])}}).to_list()
    for call in calls:
        made = Reservation(call.id, call.provider, call.reserved, tuple(call.purses))
        usage = Usage(call.input_tokens, call.output_tokens, call.requests)
        if call.state is not CallState.RESERVED:
            await _take_out(purse, made, call.state, spent=call.spent or 0, usage=usage)
            changed = True
        elif (call.lost_at or call.reserved_at + _FORGOTTEN) < now:
            await _close(made, CallState.LOST, now, spent=call.reserved)
            changed = True
    return changed


@mongo.synchronous
async def counted() -> tuple[int, int]:
    """Return what is spent or reserved today and this month (UTC), in millionths of a USD."""
    now = await mongo.read_clock()
    names = (f"day:{now:%Y-%m-%d}", f"month:{now:%Y-%m}")
    query = {"_id": {"$in": list(names)}}
    found = {row["_id"]: row["total"] async for row in Purse.get_pymongo_collection().find(query, {"total": 1})}
    return found.get(names[0], 0), found.get(names[1], 0)


@mongo.synchronous
async def purses(*, days: int) -> dict[str, Purse]:
    """Return the purses of this month and of the last so many days by their ids, newest first; missing ones are empty.

    The first is that of the month.
    """
    now = await mongo.read_clock()
    names = [f"month:{now:%Y-%m}", *(f"day:{now - timedelta(days=ago):%Y-%m-%d}" for ago in range(days))]
    found = {purse.id: purse for purse in await Purse.find({"_id": {"$in": names}}).to_list()}
    return {name: found.get(name) or Purse(id=name) for name in names}


async def sums_of_batch(batch_id: str) -> Spent:
    """Return the number of calls for a batch and their cost in USD, within a query.

    A call that is under way, or whose worker was killed, counts with the most that it may cost.
    """
    wanted = {"providers": 1, "open": 1}
    purse = await Purse.get_pymongo_collection().find_one({"_id": f"batch:{batch_id}"}, wanted) or {}
    sums, unsettled = purse.get("providers", {}).values(), purse.get("open", {}).values()
    return {
        "calls": sum(each["calls"] for each in sums) + len(unsettled),
        "usd": to_usd(sum(each["micro_usd"] for each in sums) + sum(unsettled)),
    }
