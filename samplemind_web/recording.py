"""Records submissions in threads: the id of a batch is known long before its folders are walked to the end."""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from threading import Event
from typing import Final

from loguru import logger

from config.locations import Location
from config.settings import Settings
from samplemind_web.problems import ProblemError
from samplemind_web.threads import Threads
from samplemind_worker.errors import SampleMindError, ServiceUnavailableError, UsageError
from samplemind_worker.submission import scan
from samplemind_worker.submission.listing import Listing
from samplemind_worker.submission.options import SubmitOptions

_MOST: Final = 8  # submissions that are recorded at once


class _StoppedError(Exception):
    """The server ends; the batch is given up, as if its command had been interrupted."""


class Recorder:
    """The submissions that are being recorded."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = Threads("recordings", most=_MOST)
        self._stopping = Event()

    async def submit(
        self, find: Callable[[], Sequence[Location]], options: SubmitOptions, *, then: Callable[[], None]
    ) -> str:
        """Return the id of a batch as soon as there is audio in it; the recording goes on, and queues it.

        ``find`` returns the paths, ``then`` is called when the recording has ended.

        Raises
        ------
        ProblemError
            If a path may not be named, does not exist, or nothing in them is audio; nothing is recorded then.
        ServiceUnavailableError
            If the record does not answer.
        """
        loop = asyncio.get_running_loop()
        created: asyncio.Future[str] = loop.create_future()

        def _created(batch_id: str) -> None:
            loop.call_soon_threadsafe(_resolve, created, batch_id)

        recording = self._threads.start(lambda: self._record(find, options, _created))
        recording.add_done_callback(lambda _: then())
        recording.add_done_callback(_log)
        await asyncio.wait({created, recording}, return_when=asyncio.FIRST_COMPLETED)
        if not created.done():
            # It has failed before there was a batch; or it was so fast that the id is still on its way.
            recording.result()
        return await created

    def _record(
        self, find: Callable[[], Sequence[Location]], options: SubmitOptions, created: Callable[[str], None]
    ) -> None:
        def _go_on(_total: int) -> None:
            if self._stopping.is_set():
                raise _StoppedError

        listing = _listing(find)
        job = scan.submit(listing, options, settings=self._settings, on_created=created, on_progress=_go_on)
        queue(self._settings, job.id)

    async def close(self) -> None:
        """Let recordings end within a moment, and give up those that do not."""
        await self._threads.close()
        self._stopping.set()
        await self._threads.close()


def _listing(find: Callable[[], Sequence[Location]]) -> Listing:
    """Return what is to be recorded; raises ProblemError if that is nothing."""
    invalid = HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        paths = find()
    except UsageError as error:
        raise ProblemError(invalid, "outside_roots", str(error)) from error
    try:
        listing = Listing(paths)
    except UsageError as error:
        raise ProblemError(invalid, "no_such_path", str(error)) from error
    try:
        listing.require_audio()
    except UsageError as error:
        raise ProblemError(invalid, "no_audio", str(error)) from error
    return listing


def queue(settings: Settings, batch_id: str) -> None:
    """Queue the first parcels of a recorded batch; if Redis is away, beat does it later."""
    from tasks.submit import dispatch  # noqa: PLC0415 -- slow import

    try:
        dispatch(settings)
    except ServiceUnavailableError as error:
        logger.warning("batch_queued_later", fields={"batch": batch_id, "error": str(error)})


def _resolve(future: "asyncio.Future[str]", value: str) -> None:
    if not future.done():
        future.set_result(value)


def _log(recording: "asyncio.Future[None]") -> None:
    if recording.cancelled():
        return
    error = recording.exception()
    if isinstance(error, ProblemError):  # the request has answered it
        return
    if isinstance(error, (SampleMindError, _StoppedError)):
        logger.warning("recording_given_up", fields={"error": str(error) or "the server ended"})
    elif error is not None:
        logger.opt(exception=error).error("recording_failed")
