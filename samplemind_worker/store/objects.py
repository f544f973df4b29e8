"""Objects of a bucket by the S3 protocol: listed page by page, copied to this machine, or read in ranges.

Credentials, region and endpoint come from boto3's own chain alone: the environment, the shared files of AWS, the role
of the machine. Nothing of a path or a request chooses a server. A request that fails is repeated with back-off; a body
that breaks off goes on where it broke.

Listings give the key, size, time and ETag of an object, which tell that it is unchanged without reading it. The record
has 63 bits of a digest of the ETag where it has the ctime of a file. boto3 is loaded on first use.
"""

import hashlib
import os
import random
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from io import BufferedReader
from typing import IO, Any, Final

from config.locations import ObjectPath
from samplemind_worker.errors import (
    BucketNotReachedError,
    MissingFileError,
    PermanentError,
    PermissionDeniedError,
    SampleMindError,
    ServiceUnavailableError,
    TooLargeError,
    UnreadableError,
    how_to_add,
)
from samplemind_worker.store.landing import Landing
from samplemind_worker.text import one_line

_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 30.0
_ATTEMPTS: Final = 5  # of a request: with back-off they take up to 15 s
_CONNECTIONS: Final = 32
_RESUMES: Final = 5  # of a body that breaks off without a byte
_LONGEST_PAUSE: Final = 8.0
_BLOCK: Final = 1 << 20
_HEAD: Final = 64
_PAGE: Final = 1000  # objects, the most that S3 lists at once

_LONGEST_WORDS: Final = 300

_ABOUT_THE_OBJECT: Final[Mapping[str, tuple[type[PermanentError], str]]] = {
    "NoSuchKey": (MissingFileError, "the object is not there any more"),
    "PreconditionFailed": (MissingFileError, "the object changed while it was read; submit it again"),
    "InvalidObjectState": (PermissionDeniedError, "the object is archived; restore it to a class that can be read"),
}
_UNREACHED: Final = frozenset(
    {"NoSuchBucket", "AccountProblem", "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId", "InvalidSecurity"}
    | {"InvalidToken", "NotSignedUp", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired"}
    | {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidBucketName", "PermanentRedirect"}
    | {"XAmzContentSHA256Mismatch", "ExpiredTokenException", "UnrecognizedClientException"}
)
"""Error codes that say nothing about the object: the bucket, the credentials or the region are wrong."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it."""

    key: str
    size: int
    mtime_ns: int
    """Whole seconds, as not all requests tell more."""
    tag: int
    """63 bits of a digest of the ETag."""


@dataclass(frozen=True, slots=True)
class Content:
    """What lies directly below a prefix."""

    folders: list[str]
    objects: list[str]
    complete: bool


def listed(place: ObjectPath) -> Iterator[Listed]:
    """Yield the objects below a prefix in the order of their keys' bytes; a page of them is held at a time.

    Raises
    ------
    BucketNotReachedError
        If the bucket cannot be listed.
    ServiceUnavailableError
        If the service refuses requests for now.
    """
    with _translated(place, listing=True) as client:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=place.bucket, Prefix=place.prefix, PaginationConfig={"PageSize": _PAGE}
        )
        for page in pages:
            yield from map(_listed, page.get("Contents", ()))


def look(place: ObjectPath) -> Listed | None:
    """Return the object of exactly this key; None if there is none.

    Raises
    ------
    BucketNotReachedError, ServiceUnavailableError
        As `listed` does.
    """
    with _translated(place, listing=True) as client:
        # It would be the first, and unlike HEAD this tells a bucket that is missing from a key that is.
        page = client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
        return next((_listed(row) for row in page.get("Contents", ()) if row["Key"] == place.key), None)


def require(place: ObjectPath) -> bool:
    """Check that a bucket can be listed, and return whether anything lies below the prefix.

    Raises
    ------
    BucketNotReachedError, ServiceUnavailableError
        As `listed` does.
    """
    with _translated(place, listing=True) as client:
        page = client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1)
        return bool(page.get("KeyCount") or page.get("Contents"))


def content(place: ObjectPath, *, most: int) -> Content:
    """Return the names of the folders and objects directly below a prefix, up to so many.

    Raises
    ------
    BucketNotReachedError, ServiceUnavailableError
        As `listed` does.
    """
    found = Content([], [], complete=True)
    with _translated(place, listing=True) as client:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=place.bucket, Prefix=place.prefix, Delimiter="/"
        )
        for page in pages:
            found.folders.extend(row["Prefix"][len(place.prefix) : -1] for row in page.get("CommonPrefixes", ()))
            found.objects.extend(row["Key"][len(place.prefix) :] for row in page.get("Contents", ()))
            if len(found.folders) + len(found.objects) > most:
                return Content(found.folders[:most], found.objects[:most], complete=False)
    return found


def put(place: ObjectPath, file: IO[bytes]) -> None:
    """Write an object, as a whole or not at all; one of this key is replaced.

    Raises
    ------
    BucketNotReachedError, ServiceUnavailableError
        As `listed` does.
    """
    # A refusal says something about the bucket, as of a listing: there is no object yet.
    with _translated(place, listing=True) as client:
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 -- slow import

        client.upload_fileobj(file, place.bucket, place.key, Config=TransferConfig(use_threads=False))


class ObjectReader:
    """An object, read in ranges while it stays as it was when it was opened. One thread at a time may use it.

    Reading on from where the last reading ended needs no new request.
    """

    def __init__(self, place: ObjectPath, *, max_bytes: int) -> None:
        """Ask for the object.

        Raises
        ------
        MissingFileError, PermissionDeniedError, UnreadableError, TooLargeError
            If it cannot be read, or is larger than ``max_bytes``.
        BucketNotReachedError, ServiceUnavailableError
            If that says nothing about the object.
        """
        self.place = place
        self._etag = ""
        self._body: Any = None
        self._at = 0
        self._head = b""
        """The first bytes if only these were read: what follows them needs no new request."""
        with _translated(place) as client:
            answer = self._ask(client, 0)
        self.size: int = answer["ContentLength"]
        self.mtime_ns = _whole_seconds(answer["LastModified"])
        self.tag = _tag(answer.get("ETag", ""))
        self._etag = answer.get("ETag", "")
        if self.size > max_bytes:
            self.close()
            raise TooLargeError(f"{self.size} bytes; SAMPLEMIND_MAX_FILE_BYTES allows {max_bytes}")

    def read(self, size: int, at: int) -> bytes:
        """Return up to ``size`` bytes from a position on, fewer than that at the end alone.

        Raises
        ------
        MissingFileError
            If the object was deleted or replaced.
        BucketNotReachedError, ServiceUnavailableError
            If it cannot be read now.
        """
        wanted = min(size, self.size - at)
        got = bytearray(self._head[at : at + max(wanted, 0)])
        failed = 0
        while len(got) < wanted:
            if self._body is None or self._at != at + len(got):
                with _translated(self.place) as client:
                    self._ask(client, at + len(got))
            block = self._block(wanted - len(got))
            if block:
                got += block
                failed = 0
            elif failed == _RESUMES:
                raise ServiceUnavailableError(f"{self.place.whole} breaks off while an object is read")
            else:
                self.close()
                failed += 1
                time.sleep(min(_LONGEST_PAUSE, 2.0**failed * random.uniform(0.05, 0.15)))  # noqa: S311 -- jitter
        if not at and len(got) <= _HEAD:
            self._head = bytes(got)
        return bytes(got)

    def _block(self, size: int) -> bytes:
        """Return the next bytes of the body; none if it has broken off."""
        from botocore.exceptions import BotoCoreError, FlexibleChecksumError  # noqa: PLC0415 -- slow import
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- slow import

        try:
            block: bytes = self._body.read(size)
        except FlexibleChecksumError as error:
            raise ServiceUnavailableError(f"an object of {self.place.whole} arrived damaged") from error
        except (BotoCoreError, HTTPError, OSError):
            return b""
        self._at += len(block)
        return block

    def close(self) -> None:
        """Give up the connection; it is opened again where more is read."""
        body, self._body = self._body, None
        if body is not None:
            body.close()

    def _ask(self, client: Any, start: int) -> dict[str, Any]:
        self.close()
        # Not even an empty object has a range, so the first request is for the whole.
        bounds = {"Range": f"bytes={start}-"} if start else {}
        same = {"IfMatch": self._etag} if self._etag else {}
        answer = client.get_object(Bucket=self.place.bucket, Key=self.place.key, **bounds, **same)
        if start and answer["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PARTIAL_CONTENT:
            answer["Body"].close()
            raise UnreadableError("the service of this bucket does not answer ranges")
        self._body, self._at = answer["Body"], start
        return answer


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of an object, open and without a name on this machine, and what the object was."""

    file: BufferedReader
    sha256: str
    size: int
    mtime_ns: int
    tag: int


def copy(place: ObjectPath, *, max_bytes: int) -> Copied:
    """Copy an object to this machine; the copy goes when it is closed, or when this process ends.

    Raises
    ------
    MissingFileError, PermissionDeniedError, UnreadableError, TooLargeError
        If it cannot be read, changes meanwhile, or is larger than ``max_bytes``.
    TransientError
        If that says nothing about the object, or this machine has no room for the copy now.
    """
    reader = ObjectReader(place, max_bytes=max_bytes)
    try:
        digest = hashlib.sha256()
        with Landing(reader.size) as landing:
            for at in range(0, reader.size, _BLOCK):
                block = reader.read(_BLOCK, at)
                digest.update(block)
                landing.write(block)
            return Copied(landing.finish(), digest.hexdigest(), reader.size, reader.mtime_ns, reader.tag)
    finally:
        reader.close()


def disconnect() -> None:
    """Give up this process's connections; the next request reads the environment anew."""
    with _making:
        _client_of.cache_clear()


def _listed(row: dict[str, Any]) -> Listed:
    return Listed(row["Key"], row["Size"], _whole_seconds(row["LastModified"]), _tag(row.get("ETag", "")))


def _whole_seconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


def _tag(etag: str) -> int:
    return int.from_bytes(hashlib.blake2b(etag.strip('"').encode(), digest_size=8).digest()) >> 1


_making = threading.Lock()


def _forget_lock() -> None:
    # Another thread of the parent may have held it.
    global _making  # noqa: PLW0603 -- one per process
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget_lock)


def _client(place: ObjectPath) -> Any:
    # A forked child must not share its parent's connections.
    with _making:
        try:
            return _client_of(os.getpid())
        except ImportError as error:
            raise BucketNotReachedError(str(place.whole), f"buckets need the extra s3: {how_to_add('s3')}") from error
        except ValueError as error:
            raise BucketNotReachedError(str(place.whole), _words(error)) from error


@lru_cache(maxsize=1)
def _client_of(_process: int) -> Any:
    from boto3.session import Session  # noqa: PLC0415 -- slow import
    from botocore.config import Config  # noqa: PLC0415 -- slow import
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 -- slow import

    options = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", "max_attempts": _ATTEMPTS},
        tcp_keepalive=True,
    )
    try:
        return Session().client("s3", config=options)
    except BotoCoreError as error:  # an unknown profile, a damaged file
        raise ValueError(_words(error)) from error


@contextmanager
def _translated(place: ObjectPath, *, listing: bool = False) -> Generator[Any]:
    """Give the client, and raise our errors for those of boto3."""
    client = _client(place)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- slow import

    try:
        yield client
    except ClientError as error:
        raise _refusal(place, error.response, listing=listing) from error
    except BotoCoreError as error:  # no answer, no credentials, no region
        raise BucketNotReachedError(str(place.whole), _words(error)) from error


def _refusal(place: ObjectPath, response: Mapping[str, Any], *, listing: bool) -> SampleMindError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = one_line(f"{code}: {response.get('Error', {}).get('Message', '')}")[:_LONGEST_WORDS]
    if code in _UNREACHED or (listing and status == HTTPStatus.FORBIDDEN):
        return BucketNotReachedError(str(place.whole), said)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return ServiceUnavailableError(f"{place.whole} cannot answer now ({said})")
    if code in _ABOUT_THE_OBJECT:
        error, words = _ABOUT_THE_OBJECT[code]
        return error(words)
    if status == HTTPStatus.FORBIDDEN:
        return PermissionDeniedError(f"the bucket does not let the object be read ({said})")
    return UnreadableError(f"the bucket does not give the object ({said})")


def _words(error: Exception) -> str:
    return one_line(str(error))[:_LONGEST_WORDS]
