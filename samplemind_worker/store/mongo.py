"""The connection to MongoDB, and the one place where its errors become ours.

Every query lives in this package, as a plain function: `batches` (jobs and their items), `ledger` (who holds what),
`parcels` (what is dispatched and taken back), `results` (files and analyses), `places` (where files lie), `packs`
(what was taken from an inbox), `vector_index` (where the vectors are in Chroma).
"""

import os
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from beanie import init_beanie
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from samplemind_worker.documents.ai_job import AiJob
from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.documents.audio_file import AudioFile, FileLocation, MountPoint, User
from samplemind_worker.documents.batch import BatchItem, BatchJob
from samplemind_worker.documents.pack import Pack, Turn
from samplemind_worker.documents.spend import AiCall, Purse
from samplemind_worker.documents.vector_index import VectorIndex
from samplemind_worker.errors import ServiceUnavailableError, SetupError
from samplemind_worker.store import _loop

T = TypeVar("T")

DOCUMENTS = [
    AudioFile,
    FileLocation,
    MountPoint,
    User,
    Analysis,
    BatchJob,
    BatchItem,
    Pack,
    Turn,
    AiCall,
    Purse,
    AiJob,
    VectorIndex,
]

_SELECT_MS = 5_000  # how long to look for a server that answers
_SOCKET_MS = 20_000  # how long one command may take: a silently cut connection must not hang a worker

_DISK_FULL_CODES = {14031, 50}  # OutOfDiskSpace; MaxTimeMSExpired while the disk is stuck

Database = AsyncDatabase[dict[str, Any]]
_client: AsyncMongoClient[dict[str, Any]] | None = None
_database: Database | None = None
_owner: int | None = None
_connecting = threading.Lock()  # the io worker's threads share one connection


def connect(url: str, *, database: str, create_indexes: bool = True) -> None:
    """Open the connection of this process and make the documents usable; does nothing if it is open.

    Raises
    ------
    ServiceUnavailableError
        If no server answers.
    SetupError
        If the server refuses (credentials, version), or the URL is none.
    """
    global _client, _database, _owner  # noqa: PLW0603 -- one connection a process
    with _connecting:
        if _client is not None and _owner == os.getpid():
            return
        try:
            _client, _database = run(_open(url, database, create_indexes=create_indexes))
        except OperationFailure as error:
            raise SetupError(f"MongoDB refuses: {_first_line(error)}") from error
        except (InvalidURI, ValueError):
            # Without the parser's words, which may quote the password; also in a traceback.
            raise SetupError(
                "SAMPLEMIND_MONGODB_URL is no URL of MongoDB: wanted mongodb://[user:password@]host[:port]/, "
                "with special characters written as %XX"
            ) from None
        except ConfigurationError as error:
            raise SetupError(f"SAMPLEMIND_MONGODB_URL cannot be used: {_first_line(error)}") from error
        _owner = os.getpid()


async def _open(url: str, name: str, *, create_indexes: bool) -> tuple[AsyncMongoClient[dict[str, Any]], Database]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        url,
        serverSelectionTimeoutMS=_SELECT_MS,
        connectTimeoutMS=_SELECT_MS,
        socketTimeoutMS=_SOCKET_MS,
        tz_aware=True,
        tzinfo=UTC,
        appname="samplemind",
    )
    try:
        handle = client[name]
        await init_beanie(database=handle, document_models=DOCUMENTS, skip_indexes=not create_indexes)
    except BaseException:
        await client.close()
        raise
    return client, handle


def make_indexes() -> None:
    """Make the indexes that are missing: for a process that connected without, and is the first to record anything."""

    async def _make() -> None:
        for document in DOCUMENTS:
            indexes = getattr(document.Settings, "indexes", [])
            if indexes:
                await document.get_pymongo_collection().create_indexes(indexes)

    run(_make())


def close() -> None:
    """Close the connection of this process, if it is open."""
    global _client, _database, _owner  # noqa: PLW0603 -- one connection a process
    client, owner = _client, _owner
    _client = _database = _owner = None
    if client is not None and owner == os.getpid():
        _loop.run(client.close())
        _loop.shutdown()


def database() -> Database:
    """Return the open database.

    Raises
    ------
    ServiceUnavailableError
        If `connect` was not called, or the connection was closed.
    """
    if _database is None:
        raise ServiceUnavailableError("MongoDB is not connected")
    return _database


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run one query and translate the driver's errors.

    Raises
    ------
    ServiceUnavailableError
        If the server cannot be reached or does not answer in time.
    """
    try:
        return _loop.run(coroutine)
    except (ConnectionFailure, ExecutionTimeout) as error:
        raise ServiceUnavailableError(f"MongoDB does not answer: {_first_line(error)}") from error
    except OperationFailure as error:
        # A bulk write has a code of its own, whatever its writes met.
        codes = {fault.get("code") for fault in (error.details or {}).get("writeErrors", [])} | {error.code}
        if codes & _DISK_FULL_CODES:
            raise ServiceUnavailableError(f"MongoDB cannot write: {_first_line(error)}") from error
        raise


def create_indexes() -> None:
    """Create the indexes that are missing: of a database that an older version made, say."""
    run(init_beanie(database=database(), document_models=DOCUMENTS))


def now() -> datetime:
    """Return the database's clock: the one clock that leases and times are measured with."""
    return run(read_clock())


async def read_clock() -> datetime:
    """Return the database's clock, within a query."""
    reply = await database().command("hello")
    return reply["localTime"].replace(tzinfo=UTC)  # commands do not see the client's tz_aware


def ping() -> None:
    """Ask the server for a sign of life.

    Raises
    ------
    ServiceUnavailableError
        If it gives none.
    """

    async def _ping() -> None:
        await database().command("ping")

    run(_ping())


def _first_line(error: PyMongoError) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.split(", Timeout:")[0].split(", full error:")[0]
