"""Tells open streams what has changed: one poller per server reads the record, and every stream gets what it found.

An event is a whole state, the JSON that ``GET`` answers, so a client may miss events and loses nothing: of each thing
it needs the newest state alone. A stream therefore keeps at most one waiting event per thing, however slow its client
is. The id of an event begins with the time of the record's clock; a client that comes back with it, to this server or
another, gets what has changed since.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, Literal

import orjson
from loguru import logger
from redis.exceptions import RedisError

from samplemind_web.access import Caller
from samplemind_web.batch_reports import Batch, BatchDetail, Notes, details, is_visible
from samplemind_worker.documents.batch import BatchJob
from samplemind_worker.errors import SampleMindError
from samplemind_worker.store import batch_lists, mongo
from samplemind_worker.store.unfinished import UNFINISHED

Topic = Literal["batch", "library", "services", "map"]
Reduce = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_LEAST_PAUSE: Final = 1.0  # s between two looks at the record
_MOST_PAUSE: Final = 30.0
_SHARE: Final = 25.0  # a look that takes a second is followed by a pause of so many: 4 % of one core at most
_OVERLAP: Final = timedelta(seconds=10)  # a batch may be written so much later than the time that it names
_OVERLAP_MS: Final = _OVERLAP // timedelta(milliseconds=1)
_LONGEST_AGO: Final = timedelta(days=1)
_MOST_KEPT: Final = 1000  # states
_MOST_WAITING: Final = 1000  # events of one stream
_RESTLESS: Final = frozenset({"files_per_second", "eta_seconds"})  # they change with the time alone
_RESTLESS_MS: Final = 5000
_FRESH: Final = 2.0  # s
_SORE: Final = 5.0  # s after a look that failed, in which no stream that is opened looks again
_ENDED: Final = b"-ended"
_ID: Final = re.compile(r"(?P<time>[0-9]{1,15})-[0-9]{1,15}(?P<ended>-ended)?")
_LATEST: Final = 4_000_000_000_000  # ms: a time in the year 2096


@dataclass(frozen=True, slots=True)
class Event:
    """The state of one thing at one time."""

    topic: Topic
    key: str
    at: int
    """Milliseconds since the epoch, by the record's clock."""
    number: int
    data: bytes
    job: BatchJob | None = None
    """The batch that it is about, which says who may see it."""
    reduced: bytes | None = None
    """The data for callers with roots of their own; None: the same."""

    def encoded(self) -> bytes:
        """Return it as a server-sent event."""
        end = b"" if self.is_open() else _ENDED
        return b"event: %b\nid: %d-%d%b\ndata: %b\n\n" % (self.topic.encode(), self.at, self.number, end, self.data)

    def is_open(self) -> bool:
        """Return whether it is about something that goes on."""
        return self.job is None or self.job.status.value in UNFINISHED


@dataclass(eq=False, slots=True)
class Subscriber:
    """One open stream: the events that wait for it."""

    caller: Caller
    batch_id: str | None
    """The only batch that it is about; None: everything."""
    waiting: dict[tuple[str, str], Event] = field(default_factory=dict[tuple[str, str], Event])
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False
    """Whether the stream is to end: the server ends, or too much waits."""

    def offer(self, event: Event) -> None:
        """Let an event wait, instead of an older one about the same thing, if this stream is about it."""
        if self.batch_id is not None and event.key != self.batch_id:
            return
        if event.job is not None and not is_visible(self.caller, event.job):
            return
        if event.reduced is not None and self.caller.roots is not None:
            event = replace(event, data=event.reduced)
        key = (event.topic, event.key)
        self.waiting.pop(key, None)
        self.waiting[key] = event
        if len(self.waiting) > _MOST_WAITING:
            self.end()
        self.woken.set()

    def take(self) -> list[Event]:
        """Return the waiting events, oldest first; the stream of one batch ends with the batch."""
        events = list(self.waiting.values())
        self.waiting.clear()
        self.woken.clear()
        if self.batch_id is not None and any(not event.is_open() for event in events):
            self.is_over = True
        return events

    def end(self) -> None:
        """Have the stream end; its client comes back by itself."""
        self.is_over = True
        self.woken.set()


@dataclass(slots=True)
class Source:
    """Something else that is looked at: ``read`` returns its state, or None if there is none.

    ``reduce`` returns what callers with roots of their own are told of it; without, they are told all.
    """

    topic: Topic
    read: Callable[[], Awaitable[Mapping[str, Any] | None]]
    seconds: float
    reduce: Reduce | None = None
    looked_at: float = float("-inf")
    said: bytes = b""


class Events:
    """The poller and the open streams of one server."""

    def __init__(self, notes: Notes, *, most: int) -> None:
        self._notes = notes
        self._most = most
        self._sources: list[Source] = []
        self._subscribers: set[Subscriber] = set()
        self._latest: dict[tuple[str, str], Event] = {}
        self._said: dict[str, Batch] = {}
        self._numbers = count(1)
        self._nudged = asyncio.Event()
        self._asked: set[str] = set()
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._failed_at = float("-inf")
        self._now: datetime | None = None
        self._horizon: datetime | None = None
        """Every batch that ended since then was told about."""
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def add(
        self,
        topic: Topic,
        read: Callable[[], Awaitable[Mapping[str, Any] | None]],
        *,
        seconds: float,
        reduce: Reduce | None = None,
    ) -> None:
        """Look at something else too (`Source`), every so many seconds; its state is told when it changes."""
        self._sources.append(Source(topic, read, seconds, reduce))

    def start(self) -> None:
        """Begin to poll; without open streams nothing is read."""
        self._task = asyncio.get_running_loop().create_task(self._poll(), name="events")

    async def close(self) -> None:
        """End all streams, and the poller."""
        self._is_closed = True
        for subscriber in self._subscribers:
            subscriber.end()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def nudge(self, batch_id: str | None = None) -> None:
        """Look at once, because a request has changed something, such as a batch."""
        if batch_id is not None and self._subscribers:  # without streams nobody looks, and nothing would remove it
            self._asked.add(batch_id)
        self._nudged.set()

    async def subscribe(self, caller: Caller, *, batch_id: str | None, since: int | None) -> Subscriber | None:
        """Open a stream, on which the present states wait, or what changed since a time; None if there are too many."""
        if since is not None and since > _ms(self._time()) + _OVERLAP_MS:
            since = None  # it is no id of ours
        await self._refresh(since, batch_id)
        if self._is_closed or len(self._subscribers) >= self._most:
            return None
        subscriber = Subscriber(caller, batch_id)
        for event in sorted(self._latest.values(), key=lambda event: event.number):
            # What was read a little earlier, too: it may have been told after the event of that id.
            changed = event.is_open() if since is None else event.at > since - _OVERLAP_MS
            if changed or event.key == batch_id:
                subscriber.offer(event)
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a stream that has ended."""
        self._subscribers.discard(subscriber)

    async def _refresh(self, since: int | None, batch_id: str | None) -> None:
        """Have the states be fresh, reach back to a time, and hold a batch, unless the record is away."""
        loop = asyncio.get_running_loop()
        back = None
        if since is not None:
            back = max(datetime.fromtimestamp(since / 1000, UTC) - _OVERLAP, self._time() - _LONGEST_AGO)
        async with self._looking:
            is_old = loop.time() - self._looked_at > _FRESH
            if batch_id is not None and ("batch", batch_id) not in self._latest:
                self._asked.add(batch_id)
                is_old = True
            is_short = back is not None and self._horizon is not None and back < self._horizon
            # While the record is away each look takes seconds, and many streams may be opened meanwhile.
            if (is_old or is_short) and loop.time() - self._failed_at > _SORE:
                try:
                    await self._look(back)
                except (SampleMindError, RedisError):
                    self._failed_at = loop.time()

    async def _poll(self) -> None:
        pause = _LEAST_PAUSE
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), pause)
            self._nudged.clear()
            if not self._subscribers:
                continue
            loop = asyncio.get_running_loop()
            began = loop.time()
            try:
                async with self._looking:
                    await self._look(None)
            except (SampleMindError, RedisError) as error:
                logger.warning("events_not_read", fields={"error": str(error)})
            except Exception as error:  # noqa: BLE001 -- the next look may succeed; the streams must not stand still
                logger.opt(exception=error).error("events_failed")
            pause = min(max(_LEAST_PAUSE, _SHARE * (loop.time() - began)), _MOST_PAUSE)

    async def _look(self, back: datetime | None) -> None:
        """Read what is open and what has changed, and tell it."""
        # Which services answer is told even if the record is one that does not.
        await self._look_at_sources()
        now = await mongo.now.aio()
        since = (self._now or now) - _OVERLAP
        if back is not None:
            since = min(since, back)
        asked, self._asked = self._asked, set()
        were_open = [batch_id for batch_id, said in self._said.items() if said.status in UNFINISHED]
        try:
            jobs = await batch_lists.watched.aio([*were_open, *asked], since=since)
            told = await details(jobs, self._notes)
        except BaseException:
            self._asked |= asked  # the next look tells of them
            raise
        at = _ms(now)
        for job, batch in zip(reversed(jobs), reversed(told), strict=True):
            self._tell_batch(job, batch, at)
        self._horizon = since if self._horizon is None else min(self._horizon, since)
        self._now, self._looked_at = now, asyncio.get_running_loop().time()
        self._forget()

    def _tell_batch(self, job: BatchJob, batch: BatchDetail, at: int) -> None:
        said, before = self._said.get(job.id), self._latest.get(("batch", job.id))
        if said is not None and before is not None:
            left_out = set(_RESTLESS) if at - before.at < _RESTLESS_MS else set[str]()
            if said.model_dump(exclude=left_out) == batch.model_dump(exclude=left_out):
                return
        self._said[job.id] = batch
        # What ended before the poller began counts from its end, for clients that come back.
        ended = job.finished_at if before is None and job.finished_at is not None else None
        at = at if ended is None else min(at, _ms(ended))
        self._publish("batch", job.id, batch.model_dump_json().encode(), at, job)

    async def _look_at_sources(self) -> None:
        time = asyncio.get_running_loop().time
        due = [source for source in self._sources if time() - source.looked_at >= source.seconds]
        for source in due:
            source.looked_at = time()
            state = await source.read()
            if state is None:
                continue
            said = orjson.dumps(state)
            if said != source.said:
                source.said = said
                reduced = None if source.reduce is None else orjson.dumps(source.reduce(state))
                self._publish(source.topic, "", said, _ms(self._time()), None, reduced=reduced)

    def _time(self) -> datetime:
        """Return the time by the record's clock, as it was read last, or by this machine's."""
        if self._now is None:
            return datetime.now(UTC)
        return self._now + timedelta(seconds=asyncio.get_running_loop().time() - self._looked_at)

    def _publish(
        self, topic: Topic, key: str, data: bytes, at: int, job: BatchJob | None, *, reduced: bytes | None = None
    ) -> None:
        event = Event(topic, key, at, next(self._numbers), data, job, reduced)
        self._latest[topic, key] = event
        for subscriber in self._subscribers:
            subscriber.offer(event)

    def _forget(self) -> None:
        """Keep the newest states alone; what is open is kept longest."""
        surplus = len(self._latest) - _MOST_KEPT
        if surplus > 0:
            oldest = sorted(self._latest.values(), key=lambda event: (event.is_open(), event.number))[:surplus]
            for event in oldest:
                del self._latest[event.topic, event.key]
                self._said.pop(event.key, None)
            self._horizon = self._now


@dataclass(frozen=True, slots=True)
class EventId:
    """What the id of an event says."""

    at: int
    """Milliseconds since the epoch."""
    ended: bool
    """Whether the event told that a batch has ended."""

    @property
    def time(self) -> datetime:
        """The time, by the record's clock."""
        return datetime.fromtimestamp(self.at / 1000, UTC)


def parse_id(text: str | None) -> EventId | None:
    """Return what the id of an event says; None if there is none, or it is no id of ours."""
    found = _ID.fullmatch(text or "")
    return None if found is None else EventId(min(int(found["time"]), _LATEST), found["ended"] is not None)


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
