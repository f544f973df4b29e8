"""Serves the metrics of a process at ``/metrics`` on a port of its own, which is meant for Prometheus alone.

A prefork worker counts in its children. Each of them writes to memory that is mapped to files of its slot in the pool
(prometheus_client's multiprocess mode), and the parent adds them up when it is asked. A replaced child goes on with the
files of its predecessor. So the number of files is that of the slots, nothing has to be cleaned up after a dead child,
and a count is there as soon as it is made, even if the child is killed in the next moment. Results that children report
to their parent could not do that: a killed child reports nothing. The files lie in the home of the process, so that the
counts also go on after the whole process was killed and started anew.

Metrics never stop work: what cannot be served or written is logged, and the process goes on without.
"""

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from config.settings import Settings
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import BUILD, COUNTED, DISK_FREE, DISK_SIZE, Metric, port_of
from samplemind_worker.metrics.labels import known

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric as Family

_MAPPED_BYTES: Final = 2**18
"""Size of a file of counts. Its blocks are reserved: on a full disk, a write to a mapped hole would end the process."""

_USED: Final = Struct("i")
_MAIN: Final = "main"

Sample = tuple[Metric, Mapping[str, str], float]
"""A value that is looked up when it is asked for."""


def serve(settings: Settings, role: str, *, live: Callable[[], Iterable[Sample]] = tuple) -> bool:
    """Count from now on in this process and its children, and serve the counts; False if that is off or impossible.

    Call it before the process forks. ``live`` returns what is not counted but looked up.
    """
    if settings.metrics_port is None:
        return False
    folder = settings.home / "metrics" / role
    try:
        lock = _take(folder)
        counters = _Counters(folder)
    except OSError as error:
        logger.warning("metrics.not_counted", fields=f"{error.strerror or error}: {folder}")
        return False
    _kept.append(lock)
    registry = looked_up(settings, role, live)
    counters.add_to(registry)
    if not listen(registry, address=settings.metrics_address, port=port_of(role, first=settings.metrics_port)):
        return False
    counting.turn_on(counters)
    for metric, labels in known(role):
        counters.make(metric, labels)
    return True


def prepare_child() -> None:
    """Reserve the files of this child's slot; call it in each child before it counts."""
    if _kept and not _prepare(_folder(), _slot()):
        logger.warning("metrics.not_counted", fields="the disk is full")
        counting.turn_off()


def listen(registry: "CollectorRegistry", *, address: str, port: int) -> bool:
    """Serve a registry, in a thread; False if the machine does not have the address, or the port is taken."""
    from prometheus_client import start_http_server  # noqa: PLC0415 -- slow import

    try:
        start_http_server(port, address, registry)
    except OSError as error:
        logger.warning("metrics.not_served", fields=f"{error.strerror or error}: {address}, port {port}")
        return False
    logger.info("metrics.served", fields={"address": address, "port": port})
    return True


def looked_up(settings: Settings, role: str, look: Callable[[], Iterable[Sample]]) -> "CollectorRegistry":
    """Return a registry of what is looked up when it is asked for, and of the process."""
    from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415 -- slow import

    made = CollectorRegistry()
    ProcessCollector(registry=made)
    made.register(_Live(lambda: [*_of_process(role, settings), *look()]))
    return made


def families(samples: Iterable[Sample]) -> "Iterator[Family]":
    """Yield samples as prometheus_client takes them, those of one metric together."""
    from prometheus_client.metrics_core import Metric as Family  # noqa: PLC0415 -- slow import

    found: dict[str, Family] = {}
    for metric, labels, value in samples:
        family = found.setdefault(metric.name, Family(metric.name, metric.text, metric.kind))
        family.add_sample(metric.name, dict(labels), value)
    yield from found.values()


_kept: list[int] = []
"""The lock of the folder of this process, which the system frees when it ends."""


def _take(folder: Path) -> int:
    """Make the folder of a process, and lock it; raises OSError if another process has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A lock of the process: its children do not inherit it.
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


class _Counters:
    """Counters and histograms in mapped files."""

    def __init__(self, folder: Path) -> None:
        """Go on with the counts of a folder, if they are of this release and can be read; raises OSError."""
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from prometheus_client import Counter, Histogram, values  # noqa: PLC0415 -- slow import

        _forget_others(folder)
        if not _prepare(folder, _MAIN):
            raise OSError("the disk is full")
        values.ValueClass = values.MultiProcessValue(_slot)
        self._folder = folder
        self._made: dict[str, Any] = {}
        for metric in COUNTED:
            if metric.kind == "histogram":
                made = Histogram(metric.name, metric.text, metric.labels, buckets=metric.buckets, registry=None)
            else:
                made = Counter(metric.name, metric.text, metric.labels, registry=None)
            self._made[metric.name] = made

    def add_to(self, registry: "CollectorRegistry") -> None:
        """Have a registry serve the sums of the counts of all slots."""
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 -- slow import

        MultiProcessCollector(registry, str(self._folder))

    def make(self, metric: Metric, labels: dict[str, str]) -> None:
        """Show a metric with these labels, though it was not counted yet."""
        self._of(metric, labels)

    def add(self, metric: Metric, amount: float, labels: dict[str, str]) -> None:
        self._of(metric, labels).inc(amount)

    def observe(self, metric: Metric, value: float, labels: dict[str, str]) -> None:
        self._of(metric, labels).observe(value)

    def _of(self, metric: Metric, labels: dict[str, str]) -> Any:
        made = self._made[metric.name]
        return made.labels(**labels) if labels else made


def _forget_others(folder: Path) -> None:
    """Delete counts of another release, whose metrics may be others, and counts that cannot be read."""
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 -- slow import

    mark, wanted = folder / "metrics", repr(COUNTED)
    files = [str(path) for path in folder.glob("*.db")]
    try:
        readable = mark.read_text("utf-8") == wanted and all(map(_has_length, files))
        if readable:
            MultiProcessCollector.merge(files)
    except Exception:  # noqa: BLE001 -- a damaged file may raise anything; its counts begin anew
        readable = False
    if not readable:
        for path in files:
            Path(path).unlink()
        mark.write_text(wanted, "utf-8")


def _has_length(path: str) -> bool:
    """Return whether the number of bytes in use, with which a file of counts begins, can be true.

    The library takes a negative one for an empty file when it reads, and fails only when it writes.
    """
    with open(path, "rb") as file:  # noqa: PTH123 -- as the library opens it
        head = file.read(_USED.size)
        return not head or (len(head) == _USED.size and 0 <= _USED.unpack(head)[0] <= file.seek(0, os.SEEK_END))


def _folder() -> Path:
    return Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])


def _prepare(folder: Path, slot: str) -> bool:
    """Reserve the files of a slot; False if the disk is full."""
    for kind in ("counter", "histogram"):
        path = folder / f"{kind}_{slot}.db"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _reserve(handle)
        except OSError:
            with suppress(OSError):
                path.unlink()
            return False
        finally:
            os.close(handle)
    return True


def _reserve(handle: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, _MAPPED_BYTES)
    else:
        os.truncate(handle, _MAPPED_BYTES)


def _slot() -> str:
    """Name this process: the main process, or the number of a child in its pool."""
    billiard: Any = sys.modules.get("billiard.process")
    index = None if billiard is None else getattr(billiard.current_process(), "index", None)
    return _MAIN if index is None else f"child-{index}"


class _Live:
    """Looks values up when they are asked for."""

    def __init__(self, look: Callable[[], Iterable[Sample]]) -> None:
        self._look = look

    def collect(self) -> "Iterator[Family]":
        yield from families(self._look())


def _of_process(role: str, settings: Settings) -> Iterator[Sample]:
    yield BUILD, {"version": version("samplemind"), "role": role}, 1.0
    with suppress(OSError):
        disk = shutil.disk_usage(settings.home)
        yield DISK_FREE, {"place": "home"}, disk.free
        yield DISK_SIZE, {"place": "home"}, disk.total
