"""What runs: services, workers, queues; and the checks of `doctor`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.queues import KINDS, is_of_root
from config.settings import Settings
from samplemind_web.threads import Threads
from samplemind_worker.errors import SampleMindError
from samplemind_worker.store.cache import Board, WorkerSign
from samplemind_worker.store.chroma import Chroma
from samplemind_worker.store.unfinished import batch_ids

T = TypeVar("T")

_KEPT: Final = 2.0  # s
_DOCTOR_KEPT: Final = 10.0
_DOCTOR_SECONDS: Final = 90.0
_CHROMA_SECONDS: Final = 2.0
_FLOWER_SECONDS: Final = 0.5


class Worker(BaseModel):
    """A worker that has given a sign of life within 30 s."""

    name: str
    host: str
    queues: list[str]
    slots: int
    providers: list[str]
    """Providers of summaries that it can ask."""


class Queue(BaseModel):
    """A queue of tasks."""

    name: str
    waiting: int
    """Messages in it."""
    read_by: int
    """Workers that take from it."""


class System(BaseModel):
    """What runs."""

    version: str
    services: dict[Literal["mongodb", "redis", "chroma"], bool]
    """Whether each answers."""
    workers: list[Worker]
    queues: list[Queue]
    open_batches: int | None
    """Batches that have not ended; null while the record does not answer."""
    flower_url: str | None
    nightly: str | None
    """The local time at which the inbox is taken in, as ``HH:MM``."""

    def without_roots(self) -> "System":
        """Return it without the queues of roots, whose names say what lies on the disks."""
        workers = [
            one.model_copy(update={"queues": [name for name in one.queues if not is_of_root(name)]})
            for one in self.workers
        ]
        queues = [one for one in self.queues if not is_of_root(one.name)]
        return self.model_copy(update={"workers": workers, "queues": queues})


class Check(BaseModel):
    """The result of one check."""

    name: str
    state: Literal["ok", "warn", "fail"]
    detail: str
    mend: str
    """What to do about it."""


class Diagnosis(BaseModel):
    """The results of `doctor`."""

    ok: bool
    checks: list[Check]


class Kept(Generic[T]):
    """A value that is looked up once for all who ask within some seconds, or while it is being looked up."""

    def __init__(self, look: Callable[[], Awaitable[T]], *, seconds: float) -> None:
        self._look = look
        self._seconds = seconds
        self._at = float("-inf")
        self._value: T | None = None
        self._coming: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Return it."""
        if self._value is not None and asyncio.get_running_loop().time() - self._at < self._seconds:
            return self._value
        if self._coming is None:
            self._coming = asyncio.create_task(self._fetch())
        # Who asks may leave; the others wait on.
        return await asyncio.shield(self._coming)

    async def _fetch(self) -> T:
        try:
            self._value = await self._look()
            self._at = asyncio.get_running_loop().time()
            return self._value
        finally:
            self._coming = None


class SystemState:
    """What runs, as this server sees it."""

    def __init__(self, settings: Settings, redis: Redis, threads: Threads) -> None:
        self._settings = settings
        self._redis = redis
        self._threads = threads
        self._system = Kept(self._look, seconds=_KEPT)
        self._diagnosis = Kept(self._diagnose, seconds=_DOCTOR_KEPT)

    async def get(self) -> System:
        """Return what runs; it may be two seconds old."""
        return await self._system.get()

    async def diagnosis(self) -> Diagnosis:
        """Return the results of `doctor`, which runs once at a time; they may be ten seconds old."""
        return await self._diagnosis.get()

    async def as_json(self) -> dict[str, Any]:
        """Return what runs, as an event tells it."""
        return (await self.get()).model_dump(mode="json")

    @staticmethod
    def as_json_without_roots(state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same for callers with roots of their own."""
        return System.model_validate(state).without_roots().model_dump(mode="json")

    async def _look(self) -> System:
        batches, redis, chroma, board, flower = await asyncio.gather(
            self._open_batches(), self._redis_answers(), self._chroma_answers(), self._board(), self._flower()
        )
        workers, queues = board
        return System(
            version=version("samplemind"),
            services={"mongodb": batches is not None, "redis": redis, "chroma": chroma},
            workers=workers,
            queues=queues,
            open_batches=batches,
            flower_url=flower,
            nightly=self._settings.nightly,
        )

    async def _open_batches(self) -> int | None:
        try:
            return len(await batch_ids.aio())
        except SampleMindError:
            return None

    async def _redis_answers(self) -> bool:
        try:
            await self._redis.ping()
        except (RedisError, OSError):
            return False
        return True

    async def _chroma_answers(self) -> bool:
        try:
            return await asyncio.to_thread(self._ask_chroma)
        except SampleMindError:
            return False

    def _ask_chroma(self) -> bool:
        url = self._settings.chroma_url
        if url is None:
            return False
        with Chroma(url.get_secret_value(), seconds=_CHROMA_SECONDS) as chroma:
            chroma.require()
        return True

    async def _board(self) -> tuple[list[Worker], list[Queue]]:
        try:
            return await asyncio.to_thread(self._read_board)
        except SampleMindError:
            return [], []

    def _read_board(self) -> tuple[list[Worker], list[Queue]]:
        settings = self._settings
        if settings.redis_url is None:
            return [], []
        board = Board(settings.redis_url.get_secret_value(), settings.database)
        try:
            signs = sorted(board.workers(), key=lambda sign: sign.name)
            read = [queue for sign in signs for queue in sign.queues]
            names = sorted({*map(settings.queues.of, KINDS), *read})
            return list(map(_worker, signs)), [
                Queue(name=name, waiting=board.depth(name), read_by=read.count(name)) for name in names
            ]
        finally:
            board.close()

    async def _flower(self) -> str | None:
        if self._settings.flower_url is not None:
            return self._settings.flower_url
        port = self._settings.flower_port
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), _FLOWER_SECONDS)
        except (OSError, TimeoutError):
            return None
        writer.close()
        return f"http://127.0.0.1:{port}"

    async def _diagnose(self) -> Diagnosis:
        from samplemind_worker.local_services.doctor import diagnose  # noqa: PLC0415 -- slow import

        found = await self._threads.run(lambda: diagnose(self._settings), seconds=_DOCTOR_SECONDS)
        checks = [Check(name=one.name, state=one.state, detail=one.detail, mend=one.mend) for one in found]
        return Diagnosis(ok=all(check.state != "fail" for check in checks), checks=checks)


def _worker(sign: WorkerSign) -> Worker:
    return Worker(
        name=sign.name,
        host=sign.host,
        queues=list(sign.queues),
        slots=sign.slots,
        providers=list(sign.providers),
    )
