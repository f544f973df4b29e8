"""What the record says of all batches, as samples."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from config.queues import AI, CPU, IO
from config.settings import Settings
from samplemind_worker.documents.spend import from_usd, to_usd
from samplemind_worker.documents.states import BatchStatus, State
from samplemind_worker.errors import PERMANENT_ERRORS
from samplemind_worker.metrics import definitions as metrics
from samplemind_worker.metrics.endpoint import Sample
from samplemind_worker.store import mongo, spend, totals
from samplemind_worker.store.totals import Open, Totals

WORK: Final = (CPU, IO, AI)
"""The kinds of queues that items wait in."""

OTHER: Final = "other"
"""The label of a code that this release does not know."""


class Record:
    """Reads the record again and again; what has ended is kept, because it changes only if it is opened again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ended: dict[str, Totals] = {}
        self._since: datetime | None = None
        self.in_progress: Counter[str] = Counter()
        """Items that wait or run by the kind of queue, as they were read last."""

    def connect(self) -> None:
        """Connect; raises ServiceUnavailableError or SetupError."""
        url = self._settings.mongodb_url
        mongo.connect(
            "" if url is None else url.get_secret_value(), database=self._settings.database, create_indexes=False
        )

    def read(self) -> list[Sample]:
        """Return the samples; raises ServiceUnavailableError."""
        self.connect()
        still = totals.unfinished()
        # After those that have not ended, so that a batch which ends in between counts as ended.
        ended = totals.ended(self._since)
        self._since = max((one.finished_at for one in ended.values() if one.finished_at), default=self._since)
        for batch in still.keys() - ended.keys():
            self._ended.pop(batch, None)
        self._ended |= ended
        still = {batch: one for batch, one in still.items() if batch not in self._ended}
        return [
            *_batches([*self._ended.values(), *(one.totals for one in still.values())]),
            *self._flight(still.values()),
            *self._money(),
            *_sizes(),
        ]

    def _flight(self, still: Iterable[Open]) -> Iterator[Sample]:
        flight, now = totals.in_flight(self._settings.queues), mongo.now()
        self.in_progress = Counter(flight.items)
        for one in still:
            self.in_progress.update(one.pending)
        for kind in WORK:
            yield metrics.IN_PROGRESS, {"queue": kind}, self.in_progress[kind]
            yield metrics.PARCELS, {"queue": kind}, flight.parcels[kind]
        oldest = {
            State.PENDING: min((one.waits_since for one in still if one.waits_since is not None), default=None),
            State.QUEUED: flight.queued_since,
        }
        for state, since in oldest.items():
            age = 0.0 if since is None else max(0.0, (now - since).total_seconds())
            yield metrics.OLDEST, {"state": state.value}, age

    def _money(self) -> Iterator[Sample]:
        day, month = spend.counted()
        limits = {"day": self._settings.ai_budget_day_usd, "month": self._settings.ai_budget_month_usd}
        for period, spent in (("day", day), ("month", month)):
            yield metrics.MONEY_SPENT, {"period": period}, to_usd(spent)
            yield metrics.MONEY_LIMIT, {"period": period}, to_usd(from_usd(limits[period]))


def _batches(found: Iterable[Totals]) -> Iterator[Sample]:
    states: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for one in found:
        states.update(one.states)
        errors.update(one.errors)
        statuses[one.status] += 1
    for state in State:
        yield metrics.ITEMS, {"state": state.value}, states[state.value]
    for code in PERMANENT_ERRORS:
        yield metrics.FAILURES, {"code": code}, errors[code]
    yield metrics.FAILURES, {"code": OTHER}, sum(errors.values()) - sum(errors[code] for code in PERMANENT_ERRORS)
    for status in BatchStatus:
        yield metrics.BATCHES, {"status": status.value}, statuses[status.value]


def _sizes() -> Iterator[Sample]:
    sizes = mongo.sizes()
    for part in ("data", "indexes"):
        yield metrics.RECORD_BYTES, {"part": part}, sizes[part]
    for part in ("used", "size"):
        yield metrics.RECORD_DISK, {"part": part}, sizes.get(f"disk_{part}", 0)
