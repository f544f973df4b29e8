"""What the routes share: the settings, and the connections of this process."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request
from redis.asyncio import Redis

from config.settings import Settings
from samplemind_web.answers import Answers
from samplemind_web.batch_reports import Notes
from samplemind_web.duplicates import Duplicates
from samplemind_web.events import Events
from samplemind_web.ingestion import Ingestion
from samplemind_web.maps import Maps, look_as_json, reduced
from samplemind_web.recording import Recorder
from samplemind_web.sound_index import SoundIndex
from samplemind_web.sounds import Sounds
from samplemind_web.system_state import SystemState
from samplemind_web.threads import Threads
from samplemind_worker.errors import SetupError
from samplemind_worker.store import entries, mongo

_TIMEOUT = 5.0  # s
_SERVICES = 5.0  # s between two looks at the services
_LIBRARY = 2.0
_MAP = 3.0  # s between two looks at the map


@dataclass(frozen=True)
class Context:
    """The connections of one server; the record is reached through `samplemind_worker.store`."""

    settings: Settings
    redis: Redis
    answers: Answers
    sound_index: SoundIndex
    duplicates: Duplicates
    events: Events
    notes: Notes
    recorder: Recorder
    ingestion: Ingestion
    system: SystemState
    maps: Maps
    disks: Threads
    """For looking into folders, and writing into the inbox."""
    services: Threads
    """For asking services that have no asynchronous client here."""
    sounds: Sounds

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connect.

        Raises
        ------
        SetupError, ServiceUnavailableError
            If a URL is missing or refused, or MongoDB does not answer.
        """
        if settings.mongodb_url is None or settings.redis_url is None or settings.chroma_url is None:
            raise SetupError("the web server needs the URLs of Redis, MongoDB and Chroma")
        await mongo.connect_here(settings.mongodb_url.get_secret_value(), database=settings.database)
        redis: Redis = Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
        )
        services = Threads("services", most=8)
        notes = Notes(settings, services)
        system = SystemState(settings, redis, services)
        events = Events(notes, most=settings.web_streams)
        events.add("services", system.as_json, seconds=_SERVICES, reduce=system.as_json_without_roots)
        events.add("library", _library, seconds=_LIBRARY)
        events.add("map", look_as_json, seconds=_MAP, reduce=reduced)
        events.start()
        recorder, disks = Recorder(settings), Threads("disks", most=16)
        answers = Answers(redis, prefix=f"{settings.database}:web:answer")
        sound_index = SoundIndex(settings, services)
        duplicates = Duplicates(settings, Threads("comparisons", most=2))
        return cls(
            settings,
            redis,
            answers,
            sound_index,
            duplicates,
            events,
            notes,
            recorder,
            Ingestion(settings),
            system,
            Maps(),
            disks,
            services,
            Sounds(settings),
        )

    async def close(self) -> None:
        """End what runs, and close the connections."""
        await self.events.close()
        await asyncio.gather(
            self.recorder.close(),
            asyncio.to_thread(self.ingestion.close),
            self.disks.close(),
            self.services.close(),
            self.duplicates.close(),
        )
        self.sounds.close()
        await self.sound_index.close()
        await self.redis.aclose()

    def key(self, name: str) -> str:
        """Return the name of a key in Redis, which begins with the name of the deployment's database."""
        return f"{self.settings.database}:web:{name}"


async def _library() -> dict[str, int]:
    """Return what tells whether lists of samples are still as they were."""
    return {"generation": await entries.generation.aio()}


async def _context(request: Request) -> Context:
    return request.app.state.context


ContextDep = Annotated[Context, Depends(_context)]
