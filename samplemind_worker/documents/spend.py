"""What summaries cost: one document per call of a provider, and purses that add up what calls may and do cost.

Money is whole millionths of a USD. A call is ``reserved`` in every purse that it counts in before it is made, with the
most that it can cost, and ``settled`` there afterwards with what it did cost. What a killed worker left reserved counts
as spent: nobody can know whether the call was made.
"""

from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, ClassVar

from beanie import Document
from pydantic import Field
from pymongo import ASCENDING, IndexModel

from config.ai import Price
from samplemind_worker.usage import Usage

_MICRO = 1_000_000  # millionths per USD


class CallState(StrEnum):
    """Where a call is; all but the first are final."""

    RESERVED = "reserved"
    SETTLED = "settled"
    REFUSED = "refused"
    """A purse had too little for it, so it was not made."""
    LOST = "lost"
    """It was never settled and counts as what was reserved."""


class AiCall(Document):
    """One call of a provider."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- made by us
    batch_id: str
    provider: str
    model: str | None
    task: str
    samples: int
    purses: list[str]
    state: CallState = CallState.RESERVED
    reserved: int
    """The most that it can cost, in millionths of a USD."""
    spent: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
    error: str | None = None
    reserved_at: datetime
    lost_at: datetime | None = None
    """After this time it is lost if it is not settled."""
    settled_at: datetime | None = None

    class Settings:
        name = "ai_calls"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("batch_id", ASCENDING), ("reserved_at", ASCENDING)]),
            IndexModel([("reserved_at", ASCENDING)]),
        ]


class Purse(Document):
    """What was spent for one batch, day or month; the id names it."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- batch:…, day:…, month:…
    total: int = 0
    """Settled and reserved amounts in millionths of a USD, which a cap limits."""
    open: dict[str, int] = Field(default_factory=dict)
    """Reserved amounts by call; they are kept here too so that reserving and settling can be repeated."""
    providers: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Settled sums by provider: calls, requests, input_tokens, output_tokens, micro_usd."""

    class Settings:
        name = "purses"


def micro_usd(price: Price, usage: Usage) -> int:
    """Return what this usage costs, in millionths of a USD, rounded up."""
    # (USD / million tokens) * tokens = millionths of a USD
    cost = Decimal(str(price.input)) * usage.input_tokens + Decimal(str(price.output)) * usage.output_tokens
    return int(cost.to_integral_value(ROUND_CEILING))


def from_usd(amount: Decimal | float) -> int:
    """Return an amount in millionths of a USD, rounded down: a cap is never raised by rounding."""
    return int(Decimal(str(amount)) * _MICRO)


def to_usd(amount: int) -> float:
    """Return millionths of a USD as USD."""
    return amount / _MICRO
