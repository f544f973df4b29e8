"""The Celery app: ``celery -A samplemind_worker.app worker``.

``python -m samplemind_worker.app worker --role cpu|io|store|ai``, ``... beat`` and ``... flower`` run it with safe
defaults.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from celery import Celery, signals
from kombu import Queue

from config.celery_options import celery_options
from config.queues import ROLES
from config.scratch import scratch_folder
from config.settings import Settings, get_settings
from samplemind_worker.logs import take_over_logging
from samplemind_worker.metrics import counting, endpoint
from samplemind_worker.metrics.definitions import BEAT_PUBLISHED, SCRATCH_BYTES, SCRATCH_LIMIT
from samplemind_worker.tracing import sending
from tasks import wire

_IO_TASKS: Final = ("tasks.ai", "tasks.io", "tasks.nightly")
_TASK_MODULES: Final = {"cpu": ("tasks.audio",), "io": _IO_TASKS, "store": _IO_TASKS, "ai": ("tasks.ai",)}


def create_app(settings: Settings, *, role: str | None = None) -> Celery:
    """Return the app with the task modules of a role, or of all roles; beat and Flower need none."""
    roles = _TASK_MODULES if role is None else [role]
    made = Celery("samplemind", include=[module for name in roles for module in _TASK_MODULES.get(name, ())])
    made.conf.update(celery_options(settings))
    wire.install()
    if role in (None, *_TASK_MODULES):
        from samplemind_worker import broker  # noqa: PLC0415 -- slow import
        from samplemind_worker.lifecycle import connect_signals  # noqa: PLC0415 -- slow import

        broker.install()
        connect_signals(made)
    return made


def _worker_arguments(role: str, concurrency: int | None, settings: Settings) -> list[str]:
    arguments = [
        "--quiet",  # no banner, because a log has one event per line
        "worker",
        "--hostname",
        f"{role}-{os.getpid()}@{settings.host}",
        "--without-gossip",
        "--without-mingle",
    ]
    if role == "cpu":
        arguments += ["--pool", "prefork", "--concurrency", str(concurrency or settings.concurrency)]
    else:
        threads = settings.ai_concurrency if role == "ai" else settings.io_concurrency
        arguments += ["--pool", "threads", "--concurrency", str(concurrency or threads)]
    return [
        *arguments,
        "--queues",
        ",".join(settings.queues.read_by(role)),
        "--loglevel",
        settings.log_level,
        "--task-events",
    ]


def _leave_signs(sign: Path) -> None:
    """Touch a file whenever beat queues a task, so that a health check can detect a stuck beat."""

    def _touch(**_: Any) -> None:
        sign.touch()

    signals.after_task_publish.connect(_touch, weak=False)


def _count_published() -> None:
    """Count what beat queues."""

    def _count(sender: Any = None, **_: Any) -> None:
        counting.add(BEAT_PUBLISHED, task=str(sender))

    signals.after_task_publish.connect(_count, weak=False)


def _scratch(settings: Settings) -> Callable[[], list[endpoint.Sample]]:
    """Return what looks up how full the scratch memory of this machine is."""
    from samplemind_worker.store.scratch import Scratch  # noqa: PLC0415 -- slow import

    scratch = Scratch(scratch_folder(settings), budget=settings.scratch_bytes)
    return lambda: [(SCRATCH_BYTES, {}, scratch.used()), (SCRATCH_LIMIT, {}, scratch.budget)]


def main(arguments: list[str]) -> None:
    """Run a worker, beat or Flower in this process."""
    parser = argparse.ArgumentParser(prog="python -m samplemind_worker.app")
    commands = parser.add_subparsers(dest="command", required=True)
    worker = commands.add_parser("worker")
    worker.add_argument("--role", choices=sorted(ROLES), required=True)
    worker.add_argument("--concurrency", type=int)
    commands.add_parser("beat")
    flower = commands.add_parser("flower")
    flower.add_argument("--address", required=True)
    flower.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    settings = get_settings()
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{name}_NUM_THREADS", "1")
    role = options.role if options.command == "worker" else options.command
    os.environ["SAMPLEMIND_PROCESS"] = role
    take_over_logging(settings, role)
    celery_app = create_app(settings, role=role)
    if role != "flower":  # it has metrics of its own
        endpoint.serve(settings, role, live=_scratch(settings) if role == "cpu" else tuple)

    if role in ("io", "store", "ai"):  # of a cpu worker the children do it
        sending.turn_on(settings, role)

    if role == "beat":
        state = settings.home / "beat"
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        _leave_signs(state / "published")
        _count_published()
        celery_app.Beat(schedule=str(state / "schedule"), loglevel=settings.log_level, pidfile=None).run()
    elif role == "flower":
        # Flower's broker page needs Queue objects, not names.
        celery_app.conf.task_queues = [Queue(name) for name in celery_app.conf.task_queues]
        from samplemind_worker import dashboard  # noqa: PLC0415 -- slow import

        dashboard.serve(celery_app, settings, address=options.address, port=options.port)
    else:
        # billiard would create a folder for files that it unlinks at once; a killed worker would leave it behind.
        process: Any = multiprocessing.current_process()
        process._config["tempdir"] = tempfile.gettempdir()  # noqa: SLF001 -- nothing public sets it
        celery_app.worker_main(_worker_arguments(role, options.concurrency, settings))


if __name__ == "__main__":
    main(sys.argv[1:])
else:
    app = create_app(get_settings())
