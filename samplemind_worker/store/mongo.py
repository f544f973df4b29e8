"""The connection to MongoDB. The driver's errors are translated here and nowhere else.

All queries live in this package. They are written as coroutines, of which `synchronous` makes a `Query`: called, it
waits for its result; the web server awaits its ``aio`` instead. The modules are
`batches` (jobs and their items), `ledger` (claims and leases of items), `parcels` (dispatching items and taking them
back), `results` (files and analyses), `places` (where files lie), `packs` (what was taken from an inbox),
`vector_index` (which Chroma collection holds the vectors), `entries` (what searches read), `stale` (which entries to
make anew).

Beanie takes longer to load than a command may take to answer. Modules that such a command uses therefore name their
collections (`collection`) and load no documents. Documents are bound to the connection when the first query runs after
Beanie was loaded.
"""

import os
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

from bson import MinKey
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from samplemind_worker.errors import ServiceUnavailableError, SetupError
from samplemind_worker.store import _loop

P = ParamSpec("P")
T = TypeVar("T")

_SELECT_MS = 5_000  # how long the driver looks for a server that answers
_SOCKET_MS = 20_000  # how long one command may take, so that a silently cut connection does not hang a worker

_COUNTED = 1000  # documents that are counted in a millisecond

_DISK_FULL_CODES = {14031, 50}  # OutOfDiskSpace; MaxTimeMSExpired while the disk is stuck

Database = AsyncDatabase[dict[str, Any]]
_client: AsyncMongoClient[dict[str, Any]] | None = None
_database: Database | None = None
_bound: Database | None = None
"""The database that the documents are bound to."""
_owner: int | None = None
_connecting = threading.RLock()  # the io worker's threads share one connection


def connect(url: str, *, database: str, create_indexes: bool = True) -> None:
    """Open the connection of this process, unless it is open.

    Raises
    ------
    ServiceUnavailableError
        If no server answers.
    SetupError
        If the server refuses the connection (credentials, version), or the URL is invalid.
    """
    global _client, _database, _owner  # noqa: PLW0603 -- one connection per process
    with _connecting:
        if _client is not None and _owner == os.getpid():
            return
        with _explained():
            _loop.start()
            try:
                _client, _database = _run(_open(url, database))
            except BaseException:
                _loop.shutdown()
                raise
            _owner = os.getpid()
            if create_indexes:
                make_indexes()


async def connect_here(url: str, *, database: str) -> None:
    """Open the connection of this process on the running loop, with documents and indexes, for queries by ``aio``.

    Other threads of the process may call queries as plain functions. `close_here` closes it.

    Raises
    ------
    ServiceUnavailableError, SetupError
        What `connect` raises.
    """
    global _client, _database, _owner  # noqa: PLW0603 -- one connection per process
    from samplemind_worker.documents.collections import DOCUMENTS  # noqa: PLC0415 -- slow import

    _loop.adopt()
    try:
        with _explained(), _translated():
            _client, _database = await _open(url, database)
            _owner = os.getpid()
            await _bind(_database)
            await _make_indexes(DOCUMENTS)
    except BaseException:
        await close_here()
        raise


async def close_here() -> None:
    """Close the connection that `connect_here` opened."""
    global _client, _database, _bound, _owner  # noqa: PLW0603 -- one connection per process
    client = _client
    _client = _database = _bound = _owner = None
    if client is not None:
        await client.close()
    _loop.shutdown()


@contextmanager
def _explained() -> Generator[None]:
    """Translate what the driver says of a URL or of a server that refuses the connection."""
    try:
        yield
    except OperationFailure as error:
        raise SetupError(f"MongoDB refuses: {_first_line(error)}") from error
    except (InvalidURI, ValueError):
        # The parser's message may quote the password, so it must not reach a traceback.
        raise SetupError(
            "SAMPLEMIND_MONGODB_URL is no URL of MongoDB: wanted mongodb://[user:password@]host[:port]/, "
            "with special characters written as %XX"
        ) from None
    except ConfigurationError as error:
        raise SetupError(f"SAMPLEMIND_MONGODB_URL cannot be used: {_first_line(error)}") from error


async def _open(url: str, name: str) -> tuple[AsyncMongoClient[dict[str, Any]], Database]:
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
        await client.admin.command("ping")
    except BaseException:
        await client.close()
        raise
    return client, client[name]


def make_indexes() -> None:
    """Create the missing indexes. A process calls this if it connected without indexes and records something."""
    from samplemind_worker.documents.collections import DOCUMENTS  # noqa: PLC0415 -- slow import

    run(_make_indexes(DOCUMENTS))


async def _make_indexes(documents: Sequence[Any]) -> None:
    for document in documents:
        if indexes := getattr(document.Settings, "indexes", []):
            await document.get_pymongo_collection().create_indexes(indexes)


def _bind_documents() -> None:
    """Bind the documents to the open database, if Beanie is loaded and they are bound to none."""
    if _bound is _database or "beanie" not in sys.modules:
        return
    with _connecting:
        if _bound is _database or _database is None:
            return
        _loop.run(_bind(_database))


async def _bind(opened: Database) -> None:
    global _bound  # noqa: PLW0603 -- one connection per process
    from beanie import init_beanie  # noqa: PLC0415 -- slow import

    from samplemind_worker.documents.collections import DOCUMENTS  # noqa: PLC0415 -- slow import

    await init_beanie(database=opened, document_models=DOCUMENTS, skip_indexes=True)
    _bound = opened


def close() -> None:
    """Close the connection of this process, if it is open."""
    global _client, _database, _bound, _owner  # noqa: PLW0603 -- one connection per process
    client, owner = _client, _owner
    _client = _database = _bound = _owner = None
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


def collection(name: str) -> AsyncCollection[dict[str, Any]]:
    """Return a collection of the open database by the name that its document gives it; raises what `database` does."""
    return database()[name]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run one query and translate the driver's errors.

    Raises
    ------
    ServiceUnavailableError
        If the server cannot be reached or does not answer in time.
    """
    try:
        _bind_documents()
    except BaseException:
        coroutine.close()
        raise
    return _run(coroutine)


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    with _translated():
        return _loop.run(coroutine)


@contextmanager
def _translated() -> Generator[None]:
    """Translate the driver's errors."""
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout) as error:
        raise ServiceUnavailableError(f"MongoDB does not answer: {_first_line(error)}") from error
    except OperationFailure as error:
        # The code of a failed bulk write says nothing; the codes of its single writes do.
        codes = {fault.get("code") for fault in (error.details or {}).get("writeErrors", [])} | {error.code}
        if codes & _DISK_FULL_CODES:
            raise ServiceUnavailableError(f"MongoDB cannot write: {_first_line(error)}") from error
        raise


class Query(Generic[P, T]):
    """A query that is written as a coroutine function. Called, it runs on the loop of this process and waits.

    One query must not call another one, because it would wait for its own loop: it awaits ``aio``, or a coroutine
    function. Both raise what `run` raises.
    """

    def __init__(self, query: Callable[P, Coroutine[Any, Any, T]]) -> None:
        self._query = query
        update_wrapper(self, query)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the query and wait for its result."""
        return run(self._query(*args, **kwargs))

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Await the result of the query, on the loop of this process."""
        with _translated():
            return await self._query(*args, **kwargs)


def synchronous(query: Callable[P, Coroutine[Any, Any, T]]) -> Query[P, T]:
    """Make a `Query` of a coroutine function."""
    return Query(query)


@synchronous
async def drop_replaced_indexes() -> None:
    """Drop the indexes that earlier versions made and that no query uses any more."""
    from samplemind_worker.documents.collections import DOCUMENTS  # noqa: PLC0415 -- slow import

    for document in DOCUMENTS:
        for name in getattr(getattr(document, "Settings", None), "replaced_indexes", ()):
            with suppress(OperationFailure):  # there is no such index
                await document.get_pymongo_collection().drop_index(name)


async def about_how_many(name: str) -> int:
    """Return about how many documents a collection holds, without counting many.

    MongoDB notes these numbers once per minute, and the note is wrong for ever after it was killed: small ones are
    counted, so that a collection that is full never seems to be empty.
    """
    noted = await collection(name).estimated_document_count()
    return noted if noted > _COUNTED else await collection(name).count_documents({"_id": {"$gt": MinKey()}})


async def read_clock() -> datetime:
    """Return the database's clock, for use within a query."""
    reply = await database().command("hello")
    return reply["localTime"].replace(tzinfo=UTC)  # commands ignore the client's tz_aware


@synchronous
async def now() -> datetime:
    """Return the database's clock, by which all leases and times are measured.

    Raises
    ------
    ServiceUnavailableError
        If the server cannot be reached or does not answer in time.
    """
    return await read_clock()


@synchronous
async def sizes() -> dict[str, int]:
    """Return the bytes of the record (``data``, ``indexes``) and of its disk (``disk_used``, ``disk_size``)."""
    reply: dict[str, Any] = await database().command("dbStats")
    names = {"data": "storageSize", "indexes": "indexSize", "disk_used": "fsUsedSize", "disk_size": "fsTotalSize"}
    return {name: int(reply[field]) for name, field in names.items() if field in reply}


def _first_line(error: PyMongoError) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.split(", Timeout:")[0].split(", full error:")[0]
