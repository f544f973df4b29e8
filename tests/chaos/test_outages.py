"""Services that are gone, full or silent for some time."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis

from samplemind_worker.local_services.services import private_names
from tests.chaos.proxy import Mode, Proxy
from tests.chaos.stack import AS_SHIPPED, Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

MakeStack = Callable[..., Stack]

AGAIN = 30.0  # s after which work must have gone on


class Ways:
    """A proxy in front of each service."""

    def __init__(self, stack: Stack) -> None:
        state = stack.home.read_state()
        sockets = Path(state.sockets)
        assert private_names(stack.settings) == []
        self.proxies = {
            "redis": Proxy(sockets / "valkey.sock"),
            "mongodb": Proxy(sockets / "mongod.sock"),
            "chroma": Proxy(sockets / "chroma.sock"),
        }
        self.environment = {
            "SAMPLEMIND_REDIS_URL": f"redis://127.0.0.1:{self.proxies['redis'].port}/0",
            "SAMPLEMIND_MONGODB_URL": (
                f"mongodb://127.0.0.1:{self.proxies['mongodb'].port}/samplemind?journal=true&directConnection=true"
            ),
            "SAMPLEMIND_CHROMA_URL": f"http://127.0.0.1:{self.proxies['chroma'].port}",
        }

    def close(self) -> None:
        for proxy in self.proxies.values():
            proxy.close()


@pytest.fixture
def ways() -> Iterator[Callable[[Stack], Ways]]:
    made: list[Ways] = []

    def make(stack: Stack) -> Ways:
        made.append(Ways(stack))
        return made[-1]

    yield make
    for one in made:
        one.close()


def busy(stack: Stack, library: Path) -> str:
    """Submit a batch that takes longer than an outage."""
    write_files(library, 400, name="slow")
    batch_id = stack.submit(library, files_per_chain="2")
    stack.wait_for_progress(batch_id, more_than=0)
    return batch_id


@pytest.mark.chaos
@pytest.mark.parametrize("service", ["redis", "mongodb", "chroma"])
@pytest.mark.parametrize("mode", [Mode.CUT, Mode.DROP, Mode.BLACK_HOLE])
def test_the_way_to_a_service(
    stack: MakeStack, ways: Callable[[Stack], Ways], tmp_path: Path, service: str, mode: Mode
):
    one = stack(own_workers=True, **AS_SHIPPED)
    proxied = ways(one)
    one.add_all(**proxied.environment)
    batch_id = busy(one, tmp_path / "library")
    seconds = 60.0 if service == "redis" else 30.0

    proxied.proxies[service].set(mode)
    one.outcome.faults += 1
    time.sleep(seconds)
    done = one.progress(batch_id)
    proxied.proxies[service].set(Mode.OPEN)

    if not one.has_ended(batch_id):
        again = one.wait_for_progress(batch_id, more_than=done, seconds=AGAIN)
        one.outcome.notes.append(f"{service}, {mode.value} for {seconds:.0f} s: going on after {again:.1f} s")
    one.check(batch_id, within=240.0)
    assert [item for item in one.items(batch_id) if item.starts > 1] == []


@pytest.mark.chaos
def test_a_slow_way_to_everything(stack: MakeStack, ways: Callable[[Stack], Ways], tmp_path: Path):
    one = stack(own_workers=True)
    proxied = ways(one)
    for proxy in proxied.proxies.values():
        proxy.set(Mode.SLOW)
        one.outcome.faults += 1
    one.add_all(**proxied.environment)
    write_files(tmp_path / "library", 60)

    one.check(one.submit(tmp_path / "library", files_per_chain="10"), within=240.0)


@pytest.mark.chaos
@pytest.mark.parametrize("service", ["valkey", "mongod", "chroma"])
@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_a_service_itself(stack: MakeStack, tmp_path: Path, service: str, how: str):
    one = stack(**AS_SHIPPED)
    batch_id = busy(one, tmp_path / "library")
    process = one.process(service)

    done = one.progress(batch_id)
    if how == "frozen":
        process.send_signal(signal.SIGSTOP)
        one.outcome.faults += 1
        time.sleep(30.0)
        process.send_signal(signal.SIGCONT)
    else:
        for _ in range(3):
            one.kill(service)
            time.sleep(5.0)

    if not one.has_ended(batch_id):
        again = one.wait_for_progress(batch_id, more_than=max(done, one.progress(batch_id)), seconds=AGAIN)
        one.outcome.notes.append(f"{service} {how}: going on after {again:.1f} s")
    one.check(batch_id, within=240.0)
    assert [item for item in one.items(batch_id) if item.starts > 1] == []


def test_chroma_is_gone_for_a_while(stack: MakeStack, tmp_path: Path):
    """The short form: analysed files wait for Chroma, and none fails."""
    one = stack()
    write_files(tmp_path / "library", 100)
    one.process("chroma").send_signal(signal.SIGSTOP)
    batch_id = one.submit(tmp_path / "library", files_per_chain="20")
    time.sleep(5.0)
    one.process("chroma").send_signal(signal.SIGCONT)
    one.outcome.faults += 1

    one.check(batch_id, within=90.0)
    assert {item.starts for item in one.items(batch_id)} == {1}


def fill(folder: Path) -> Path:
    """Fill a file system to the last byte."""
    path = folder / "filler"
    # Without a buffer, whose rest would be written again when the file is closed.
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
    return path


@pytest.mark.chaos
def test_scratch_is_full(stack: MakeStack, small_disk: Callable[[str, int], Path], tmp_path: Path):
    scratch = small_disk("tiny", 1)
    filler = fill(scratch)
    one = stack(SAMPLEMIND_SCRATCH=str(scratch))
    write_files(tmp_path / "library", 200)
    batch_id = one.submit(tmp_path / "library")
    one.outcome.faults += 1
    wait_until(lambda: one.has_ended(batch_id), seconds=120.0, what="the batch ends without scratch memory")
    filler.unlink()

    one.check(batch_id, within=10.0)


@pytest.mark.chaos
def test_the_data_folder_is_full(stack: MakeStack, small_disk: Callable[[str, int], Path], tmp_path: Path):
    disk = small_disk("disk", 700)
    one = stack(SAMPLEMIND_HOME=str(disk / "home"))
    batch_id = busy(one, tmp_path / "library")
    filler = fill(disk)
    one.outcome.faults += 1
    time.sleep(20.0)
    assert not one.has_ended(batch_id)
    filler.unlink()

    one.check(batch_id, within=240.0)


@pytest.mark.chaos
def test_redis_is_at_its_memory_limit(stack: MakeStack, tmp_path: Path):
    one = stack()
    batch_id = busy(one, tmp_path / "library")
    assert one.settings.redis_url is not None
    with Redis.from_url(one.settings.redis_url.get_secret_value()) as client:
        client.config_set("maxmemory", "1")
        one.outcome.faults += 1
        time.sleep(20.0)
        client.config_set("maxmemory", "0")
    done = one.progress(batch_id)
    again = one.wait_for_progress(batch_id, more_than=done, seconds=AGAIN)

    one.outcome.notes.append(f"going on after {again:.1f} s")
    one.check(batch_id, within=240.0)
