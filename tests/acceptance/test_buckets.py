"""A library in a bucket, analysed by real workers that have no copy of it."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from samplemind_worker.local_services import stop
from tests.acceptance.conftest import Command
from tests.bucket import BucketServer
from tests.factories import write_audio
from tests.waiting import wait_until
from training import signals


@pytest.fixture
def folder(bucket_server: BucketServer, tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "library"
    write_audio(made / "kick.wav", signals.kick())
    write_audio(made / "kit" / "tom.aiff", signals.tom(0.3))
    (made / "broken.wav").write_bytes(b"no audio at all")
    bucket_server.fill("sounds", made, "lib/")
    yield made
    bucket_server.reset()
    bucket_server.empty("sounds")


@pytest.fixture
def samplemind(bucket_server: BucketServer) -> Iterator[Command]:
    """The command, whose one root lies in the bucket."""
    with tempfile.TemporaryDirectory(prefix="samplemind-test-") as home:
        roots = json.dumps({"library": "s3://sounds/lib"})
        own = Path(home) / "home"
        yield Command(own, SAMPLEMIND_ROOTS=roots, SAMPLEMIND_DISPATCH_SECONDS="1", **bucket_server.environment())
        stop(Settings(home=own, _env_file=None))


def test_workers_analyse_it_without_a_copy(samplemind: Command, folder: Path):
    assert folder.is_dir()
    done = samplemind("submit", "s3://sounds/lib", "--wait", "--json").object
    assert (done["completed"], done["failed"], done["errors"]) == (2, 1, {"not_audio": 1})
    local = {each["path"]: each["file_id"] for each in samplemind("analyze", "s3://sounds/lib", "--json").lines[1:]}
    assert sorted(local) == ["s3://sounds/lib/kick.wav", "s3://sounds/lib/kit/tom.aiff"]


@pytest.mark.chaos
def test_files_wait_while_it_is_away(samplemind: Command, folder: Path, bucket_server: BucketServer):
    assert folder.is_dir()
    samplemind("up", "--detach")
    bucket_server.fault = lambda request: ("404 Not Found", "NoSuchBucket") if request.key else None
    batch = samplemind("submit", "s3://sounds/lib", "--json").object["batch_id"]
    bucket_server.fault = lambda _: ("404 Not Found", "NoSuchBucket")

    def told() -> bool:
        return "nobody reaches the bucket of library" in str(samplemind("status", batch, "--json").object["notes"])

    wait_until(told, seconds=90)
    assert samplemind("status", batch, "--json").object["failed"] == 0
    bucket_server.reset()
    ended = json.loads(samplemind("status", batch, "--watch", "--json", timeout=180).out.splitlines()[-1])

    assert (ended["completed"], ended["failed"]) == (2, 1)
