"""Objects of a bucket: listed, copied and read in ranges, also where the service fails or the keys are odd."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest

from config.locations import ObjectPath
from samplemind_worker.errors import (
    BucketNotReachedError,
    MissingFileError,
    PermissionDeniedError,
    ServiceUnavailableError,
    TooLargeError,
)
from samplemind_worker.store import objects
from tests.bucket import SLOW_DOWN, BucketServer, Fault, Request

ODD = [
    "a/../b.wav",
    "a/./c.wav",
    "a//b.wav",
    "/lead.wav",
    "x.wav/",
    "ünï/ÄÖ 😀.wav",
    "k" * 1020 + ".wav",
    "sp ace+plus%41.wav",
    "q?x#y&z.wav",
    "tab\t.wav",
    "a\\b.wav",
]


@pytest.fixture
def bucket(bucket_server: BucketServer, request: pytest.FixtureRequest) -> ObjectPath:
    """An empty bucket of this test alone."""
    name = f"b-{hashlib.sha256(request.node.name.encode()).hexdigest()[:20]}"
    bucket_server.client.create_bucket(Bucket=name)
    return ObjectPath(name)


def put(server: BucketServer, bucket: ObjectPath, key: str, body: bytes) -> ObjectPath:
    server.client.put_object(Bucket=bucket.bucket, Key=key, Body=body)
    return ObjectPath(bucket.bucket, key)


def copied(place: ObjectPath, *, max_bytes: int = 2**30) -> bytes:
    with objects.copy(place, max_bytes=max_bytes).file as file:
        return file.read()


@pytest.mark.parametrize("key", ODD)
def test_a_key_is_taken_as_it_is(bucket_server: BucketServer, bucket: ObjectPath, key: str):
    put(bucket_server, bucket, key, key.encode())

    assert [each.key for each in objects.listed(bucket)] == [key]
    assert copied(ObjectPath(bucket.bucket, key)) == key.encode()
    found = objects.look(ObjectPath(bucket.bucket, key))
    assert found is not None
    assert found.key == key


def test_list_and_read_tell_the_same_of_an_object(bucket_server: BucketServer, bucket: ObjectPath):
    place = put(bucket_server, bucket, "kick.wav", b"one")
    [first] = objects.listed(bucket)
    copy = objects.copy(place, max_bytes=100)
    copy.file.close()

    assert (copy.size, copy.mtime_ns, copy.tag) == (first.size, first.mtime_ns, first.tag)
    assert copy.sha256 == hashlib.sha256(b"one").hexdigest()

    put(bucket_server, bucket, "kick.wav", b"two")

    assert next(objects.listed(bucket)).tag != first.tag


def test_a_listing_reads_one_page_at_a_time(
    bucket_server: BucketServer, bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(objects, "_PAGE", 10)
    for number in range(15):
        put(bucket_server, bucket, f"{number:04}.wav", b"")
    bucket_server.reset()

    listing = objects.listed(bucket)
    assert len(list(islice(listing, 10))) == 10
    assert bucket_server.seen["list"] == 1
    assert len(list(listing)) == 5
    assert bucket_server.seen["list"] == 2


@pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 1, 9 * 2**20])
def test_a_copy_has_the_bytes_and_cannot_be_changed(bucket_server: BucketServer, bucket: ObjectPath, size: int):
    body = Random(size).randbytes(size)  # noqa: S311 -- any bytes
    place = put(bucket_server, bucket, "long.wav", body)

    with objects.copy(place, max_bytes=size).file as file:
        assert file.read() == body
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(file.fileno(), b"x")


def test_what_is_larger_than_allowed_is_not_read(bucket_server: BucketServer, bucket: ObjectPath):
    place = put(bucket_server, bucket, "long.wav", b"x" * 101)

    with pytest.raises(TooLargeError, match="101 bytes"):
        copied(place, max_bytes=100)


def test_a_body_that_breaks_off_goes_on_where_it_broke(bucket_server: BucketServer, bucket: ObjectPath):
    body = Random(1).randbytes(3 * 2**20)  # noqa: S311 -- any bytes
    place = put(bucket_server, bucket, "long.wav", body)
    bucket_server.reset()
    ranges: list[str | None] = []

    def cut(request: Request) -> int | None:
        ranges.append(request.range)
        return 2**20 + 7 if len(ranges) < 3 else None

    bucket_server.cut = cut

    assert copied(place) == body
    assert ranges == [None, f"bytes={2**20 + 7}-", f"bytes={2 * (2**20 + 7)}-"]


def test_a_body_that_always_breaks_off_is_given_up(
    bucket_server: BucketServer, bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
):
    place = put(bucket_server, bucket, "long.wav", b"x" * 100)
    bucket_server.cut = lambda _: 0
    monkeypatch.setattr(objects.time, "sleep", lambda _: None)

    with pytest.raises(ServiceUnavailableError, match="breaks off"):
        copied(place)


def test_an_object_that_is_replaced_while_it_is_read_is_missing(bucket_server: BucketServer, bucket: ObjectPath):
    place = put(bucket_server, bucket, "long.wav", b"x" * 100)
    bucket_server.reset()
    bucket_server.cut = lambda request: 50 if request.range is None else None
    reader = objects.ObjectReader(place, max_bytes=100)
    assert reader.read(10, 0) == b"x" * 10
    put(bucket_server, bucket, "long.wav", b"y" * 100)

    with pytest.raises(MissingFileError, match="changed"):
        reader.read(90, 10)
    reader.close()


def test_ranges_are_read_in_any_order_and_one_after_the_other_by_one_request(
    bucket_server: BucketServer, bucket: ObjectPath
):
    body = Random(2).randbytes(10_000)  # noqa: S311 -- any bytes
    place = put(bucket_server, bucket, "a.wav", body)
    bucket_server.reset()
    reader = objects.ObjectReader(place, max_bytes=2**20)

    assert reader.read(16, 0) == body[:16]
    assert reader.read(4000, 0) + reader.read(4000, 4000) == body[:8000]
    assert bucket_server.seen["GET"] == 1
    assert reader.read(5000, 2000) == body[2000:7000]
    assert reader.read(5000, 9000) == body[9000:]
    assert reader.read(5000, 10_000) == b""
    reader.close()


def test_a_bucket_that_throttles_is_asked_again(bucket_server: BucketServer, bucket: ObjectPath):
    place = put(bucket_server, bucket, "kick.wav", b"one")
    refused = iter([SLOW_DOWN, SLOW_DOWN])
    bucket_server.fault = lambda _: next(refused, None)

    assert copied(place) == b"one"


@pytest.mark.usefixtures("few_attempts")
def test_one_that_always_throttles_says_nothing_about_the_object(bucket_server: BucketServer, bucket: ObjectPath):
    place = put(bucket_server, bucket, "kick.wav", b"one")
    bucket_server.fault = lambda _: SLOW_DOWN

    with pytest.raises(ServiceUnavailableError, match="SlowDown") as caught:
        copied(place)
    assert not isinstance(caught.value, BucketNotReachedError)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (("403 Forbidden", "InvalidAccessKeyId"), BucketNotReachedError),
        (("403 Forbidden", "SignatureDoesNotMatch"), BucketNotReachedError),
        (("400 Bad Request", "ExpiredToken"), BucketNotReachedError),
        (("404 Not Found", "NoSuchBucket"), BucketNotReachedError),
        (("403 Forbidden", "AccessDenied"), PermissionDeniedError),
        (("403 Forbidden", "InvalidObjectState"), PermissionDeniedError),
        (("404 Not Found", "NoSuchKey"), MissingFileError),
    ],
)
def test_a_refusal_is_about_the_object_or_about_its_bucket(
    bucket_server: BucketServer, bucket: ObjectPath, fault: Fault, error: type[Exception]
):
    place = put(bucket_server, bucket, "kick.wav", b"one")
    bucket_server.fault = lambda _: fault

    with pytest.raises(error):
        copied(place)


def test_a_bucket_that_may_not_be_listed_is_not_reached(bucket_server: BucketServer, bucket: ObjectPath):
    bucket_server.fault = lambda _: ("403 Forbidden", "AccessDenied")

    with pytest.raises(BucketNotReachedError, match="AccessDenied"):
        objects.require(bucket)


@pytest.mark.usefixtures("few_attempts")
def test_without_credentials_it_is_said_so(bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    with pytest.raises(BucketNotReachedError, match="credentials"):
        objects.require(bucket)


@pytest.mark.usefixtures("few_attempts")
def test_a_service_that_does_not_answer_is_told_by_its_address(bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")

    with pytest.raises(BucketNotReachedError, match=r"127\.0\.0\.1:9"):
        objects.require(bucket)


@pytest.fixture
def content(bucket_server: BucketServer, bucket: ObjectPath) -> Iterator[ObjectPath]:
    for key in ("kits/a/1.wav", "kits/a/2.wav", "kits/b/1.wav", "kits/top.wav", "kits.wav", "z.wav"):
        put(bucket_server, bucket, key, b"x")
    return ObjectPath(bucket.bucket, "kits")


def test_what_lies_directly_below_a_prefix(content: ObjectPath):
    assert objects.content(content, most=10) == objects.Content(["a", "b"], ["top.wav"], complete=True)
    assert not objects.content(content, most=1).complete


def test_nothing_of_boto3_is_loaded_without_a_bucket():
    program = (
        "import sys, samplemind_cli.client, samplemind_worker.store.library, samplemind_worker.reach\n"
        "import samplemind_worker.pipeline.decode, samplemind_worker.pipeline.analyze, samplemind_web.server\n"
        "print({'boto3', 'botocore', 'fsspec'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
