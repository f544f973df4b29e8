"""A library in a bucket, over the API: listed, submitted and played, and never any other bucket."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import soundfile as sf

from config.locations import ObjectPath
from config.settings import Settings
from samplemind_worker.pipeline.workspace import Workspace
from tests.bucket import BucketServer
from tests.chain import analyse
from tests.factories import write_audio
from tests.web.test_audio import content_of, sound, url
from tests.web.work import API, recorded
from training import signals

pytestmark = pytest.mark.services

BUCKET = "played"
LIBRARY = ObjectPath(BUCKET, "lib")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a home of this test alone, and a root in the bucket."""
    return settings.model_copy(update={"home": tmp_path / "home", "roots": {"library": LIBRARY}})


@pytest.fixture
def folder(bucket_server: BucketServer, tmp_path: Path) -> Iterator[Path]:
    """Two sounds, and the same in the bucket."""
    made = tmp_path / "library"
    write_audio(made / "kick.wav", signals.kick())
    write_audio(made / "kits" / "808" / "kick.aiff", signals.snare())
    bucket_server.fill(BUCKET, made, "lib/")
    yield made
    bucket_server.reset()
    bucket_server.empty(BUCKET)


@pytest.fixture
def analysed(workspace: Workspace, folder: Path, bucket_server: BucketServer) -> Path:
    assert analyse(workspace, LIBRARY)["completed"] == 2
    bucket_server.reset()
    return folder


def test_a_wav_is_sent_whole_or_in_ranges(web: httpx.Client, analysed: Path):
    body = (analysed / "kick.wav").read_bytes()
    address = url(content_of(analysed / "kick.wav"))

    assert web.get(address).content == body
    part = web.get(address, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, body[1000:2000])
    assert web.head(address).headers["content-length"] == str(len(body))
    assert web.get(address, headers={"Range": f"bytes={len(body)}-"}).status_code == 416


def test_what_browsers_cannot_play_is_sent_as_a_copy(web: httpx.Client, analysed: Path, bucket_server: BucketServer):
    path = analysed / "kits" / "808" / "kick.aiff"

    y, _ = sound(web.get(url(content_of(path))))

    assert len(y) == sf.info(path).frames
    before = bucket_server.seen["GET"]
    assert web.get(url(content_of(path))).status_code == 200
    assert bucket_server.seen["GET"] == before


def test_an_object_that_was_replaced_is_not_sent(web: httpx.Client, analysed: Path, bucket_server: BucketServer):
    body = (analysed / "kick.wav").read_bytes()
    bucket_server.client.put_object(Bucket=BUCKET, Key="lib/kick.wav", Body=body[:-1] + b"x")

    answer = web.get(url(hashlib.sha256(body).hexdigest()))

    assert (answer.status_code, answer.json()["code"]) == (410, "missing")


def test_a_bucket_that_is_away_is_told_as_such(web: httpx.Client, analysed: Path, bucket_server: BucketServer):
    bucket_server.fault = lambda _: ("404 Not Found", "NoSuchBucket")

    answer = web.get(url(content_of(analysed / "kick.wav")))

    assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
    assert "s3://played is not reached" in answer.json()["detail"]
    assert web.get(f"{API}/roots/library/folders").status_code == 503


def test_its_folders_are_listed_and_submitted(web: httpx.Client, folder: Path):
    assert folder.is_dir()
    assert web.get(f"{API}/roots").json()["items"] == [{"name": "library", "path": "s3://played/lib", "start": ""}]
    listed = [
        web.get(f"{API}/roots/library/folders", params={"path": path}).json() for path in ("", "kits", "kits/808")
    ]
    assert [(each["folders"], each["audio"]) for each in listed] == [(["kits"], 1), (["808"], 0), ([], 1)]
    assert web.get(f"{API}/roots/library/folders", params={"path": "none"}).status_code == 404

    answer = web.post(f"{API}/batches", json={"root": "library", "paths": ["kits"]})

    assert answer.status_code == 202
    assert recorded(web, answer.json()["batch_id"])["total_files"] == 1


@pytest.mark.parametrize("path", ["s3://played/lib", "s3://169.254.169.254/latest", "/played/lib", "../lib", "a/../.."])
def test_no_bucket_is_named_but_by_a_root(web: httpx.Client, bucket_server: BucketServer, folder: Path, path: str):
    assert folder.is_dir()
    bucket_server.reset()

    for body in ({"paths": [path]}, {"root": "library", "paths": [path]}):
        answer = web.post(f"{API}/batches", json=body)
        assert answer.status_code == 422
    assert bucket_server.seen["GET"] == 0


@pytest.mark.parametrize("served", [{"roots": {}}], indirect=True)
def test_without_named_roots_no_bucket_is_read(web: httpx.Client, bucket_server: BucketServer):
    answer = web.post(f"{API}/batches", json={"paths": ["s3://played/lib"]})

    assert answer.status_code == 422
    assert bucket_server.seen == {}
