"""Injects faults into every Python process of a stack: its folder is on their PYTHONPATH.

- A file that ends in a mark (from `stack.write_files`) and `segv`, `memory` or `endless` makes the process that decodes
  it crash, allocate without end, or hang.
- A file whose name begins with `crash`, `parent` or `slow` kills the worker's process that hashes it, kills that
  process's parent, or slows it down.
- ``CHAOS_DEATHS`` is a folder of files named ``before.TASK.N`` and ``after.TASK.N``; each is removed by one process,
  which dies just before or just after it publishes that task.
- ``CHAOS_READS`` is a file to which each reading of a sound appends a line: the host, and the sound's name.
- ``CHAOS_PAUSE`` is how many seconds this process takes longer for each reading.
- ``CHAOS_PREFETCH`` is a file to which a worker's main process appends a line of JSON every half second: its host, how
  many messages it may hold (`allowed`), how many it holds (`held`), and how many of those are begun (`reserved`).
  ``CHAOS_NO_PREFETCH`` turns `worker_disable_prefetch` on.
- ``CHAOS_CLOCK`` is how many seconds this process's clock is ahead.
"""

import ctypes
import importlib.util
import json
import os
import signal
import sys
import threading
import time
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

_BETWEEN_SAMPLES = 0.5  # s
_SLOWNESS = 0.2  # s that a slow file takes longer
_MARK = b"\0poison:"
_TAIL = 32


def _segv() -> None:
    ctypes.string_at(0)


def _memory() -> None:
    hoard: list[bytearray] = []
    while True:
        hoard.append(bytearray(64 << 20))


def _endless() -> None:
    while True:
        time.sleep(0.05)


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _parent() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(5)


def _slow() -> None:
    time.sleep(_SLOWNESS)


_OF_DECODERS = {b"segv": _segv, b"memory": _memory, b"endless": _endless}
_OF_WORKERS = {"crash": _crash, "parent": _parent, "slow": _slow}


def _poison_decoders(soundfile: Any) -> None:
    class SoundFile(soundfile.SoundFile):
        def __init__(self, file: Any, *args: Any, **options: Any) -> None:
            if isinstance(file, int):
                size = os.fstat(file).st_size
                _, mark, word = os.pread(file, _TAIL, max(0, size - _TAIL)).rpartition(_MARK)
                if mark and word in _OF_DECODERS:
                    _OF_DECODERS[word]()
            super().__init__(file, *args, **options)

    soundfile.SoundFile = SoundFile


def _poison_workers(hashlib: Any) -> None:
    digest = hashlib.file_digest

    def file_digest(file: Any, *args: Any) -> Any:
        name = Path(f"/proc/self/fd/{file.fileno()}").readlink().name
        act = _OF_WORKERS.get(name.partition("-")[0])
        if act is not None:
            act()
        time.sleep(float(os.environ.get("CHAOS_PAUSE", "0")))
        if "CHAOS_READS" in os.environ:
            with Path(os.environ["CHAOS_READS"]).open("a") as reads:
                reads.write(f"{os.environ.get('SAMPLEMIND_HOST', '')} {name}\n")
        return digest(file, *args)

    hashlib.file_digest = file_digest


def _die_at_publish(signals: Any) -> None:
    folder = Path(os.environ["CHAOS_DEATHS"])

    def die(moment: str) -> Any:
        def handler(sender: str = "", **_: Any) -> None:
            for token in sorted(folder.glob(f"{moment}.{sender}.*")):
                try:
                    token.unlink()
                except FileNotFoundError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)

        return handler

    signals.before_task_publish.connect(die("before"), weak=False)
    signals.after_task_publish.connect(die("after"), weak=False)


def _watch_prefetch(tasks: Any) -> None:
    start = tasks.Tasks.start
    consumers: list[Any] = []

    def _start(step: Any, consumer: Any) -> None:
        if os.environ.get("CHAOS_NO_PREFETCH"):
            consumer.app.conf.worker_disable_prefetch = True
        start(step, consumer)
        if not consumers:
            threading.Thread(target=_sample, args=(consumers,), daemon=True).start()
        consumers[:] = [consumer]

    tasks.Tasks.start = _start


def _sample(consumers: list[Any]) -> None:
    from celery.worker import state  # noqa: PLC0415 -- slow import

    while True:
        time.sleep(_BETWEEN_SAMPLES)
        try:
            qos = consumers[0].task_consumer.channel.qos
            line = {
                "at": time.time(),
                "worker": os.environ["SAMPLEMIND_HOST"] + "/" + os.environ["SAMPLEMIND_PROCESS"],
                "allowed": qos.prefetch_count,
                "held": len(qos._delivered) - len(qos._dirty),  # noqa: SLF001 -- nothing else tells it
                "reserved": len(state.reserved_requests),
            }
        except AttributeError:  # it has no connection at the moment
            continue
        with Path(os.environ["CHAOS_PREFETCH"]).open("a") as samples:
            samples.write(json.dumps(line) + "\n")


class _Hook(MetaPathFinder):
    """Calls a function with a module that has just been loaded."""

    def __init__(self, name: str, then: Any) -> None:
        self._name, self._then = name, then

    def find_spec(self, fullname: str, _path: Any = None, _target: Any = None) -> Any:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        loader: Any = spec.loader
        load = loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            self._then(module)

        loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Hook("soundfile", _poison_decoders))
sys.meta_path.insert(0, _Hook("hashlib", _poison_workers))
if "CHAOS_DEATHS" in os.environ:
    sys.meta_path.insert(0, _Hook("celery.signals", _die_at_publish))
if "CHAOS_PREFETCH" in os.environ:
    sys.meta_path.insert(0, _Hook("celery.worker.consumer.tasks", _watch_prefetch))
if "CHAOS_CLOCK" in os.environ:
    from datetime import UTC, datetime, timedelta

    import time_machine

    time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(os.environ["CHAOS_CLOCK"])), tick=True).start()
