"""Checks of this machine's disks and shared memory, where each place is written and read, and of buckets."""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from config.locations import ObjectPath
from config.settings import Settings
from samplemind_worker import kernel_cache
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.local_services.checks import Check
from samplemind_worker.local_services.home import MIN_FREE_BYTES, Home
from samplemind_worker.store import objects, probes

LOW_DISK_BYTES = 2 * 2**30


def places(settings: Settings, home: Home) -> list[Check]:
    """Check all places that the services and the analysis write to."""
    return [_home(home), _disk(home), _semaphores(), _scratch(settings), _numba_cache(), *_buckets(settings)]


def _buckets(settings: Settings) -> Iterator[Check]:
    """Ask whether each root that lies in a bucket is reached from here."""
    for root, place in sorted(settings.roots.items()):
        if isinstance(place, ObjectPath):
            try:
                detail = f"{place} answers" if objects.require(place) else f"{place} answers, and is empty"
            except ServiceUnavailableError as error:
                mend = "set the endpoint and the credentials as docs/deployment.md says"
                yield Check(f"root {root}", ok=False, detail=str(error), mend=mend)
            else:
                yield Check(f"root {root}", ok=True, detail=detail)


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _home(home: Home) -> Check:
    nearest = _nearest(home.root)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        mend = "set SAMPLEMIND_HOME to a folder of yours"
        return Check("home", ok=False, detail=f"{home.root} cannot be written", mend=mend)
    if (trouble := _trouble_with(nearest)) is not None:
        mend = "mend that disk, or set SAMPLEMIND_HOME to a folder on another"
        return Check("home", ok=False, detail=f"{home.root} cannot be used: {trouble}", mend=mend)
    if nearest == home.root and home.root.stat().st_mode & 0o077:
        return Check("home", ok=True, detail=f"{home.root} is open to others", mend=f"chmod 700 '{home.root}'")
    return Check("home", ok=True, detail=str(home.root))


def _disk(home: Home) -> Check:
    free = shutil.disk_usage(_nearest(home.root)).free
    return Check(
        "disk",
        ok=free >= MIN_FREE_BYTES,
        detail=f"{free / 2**30:.1f} GB free",
        mend="" if free >= LOW_DISK_BYTES else "free some space, or set SAMPLEMIND_HOME to another disk",
    )


def _trouble_with(folder: Path) -> str | None:
    """Write and read a file in a folder; return what is wrong."""
    try:
        probes.folder(folder)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _semaphores() -> Check:
    """Make a lock as the processes of a cpu worker share it: on Linux it is a file in /dev/shm."""
    try:
        multiprocessing.get_context().Lock()
    except OSError as error:
        mend = "mount a tmpfs that can be written on /dev/shm (`--shm-size` for a container): no cpu worker starts"
        return Check("semaphores", ok=False, detail=f"none can be made: {error.strerror}", mend=mend)
    return Check("semaphores", ok=True, detail="can be made")


def _scratch(settings: Settings) -> Check:
    shared = Path("/dev/shm")  # noqa: S108 -- only its size is asked
    folder = settings.scratch or (shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir()))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        mend = "set SAMPLEMIND_SCRATCH to a folder of yours"
        return Check("scratch", ok=False, detail=f"{folder} cannot be written", mend=mend)
    if (trouble := _trouble_with(folder)) is not None:
        mend = "mend it, or set SAMPLEMIND_SCRATCH to another folder: every step decodes its files again"
        return Check("scratch", ok=False, detail=f"{folder} cannot be used: {trouble}", mend=mend)
    free = shutil.disk_usage(folder).free
    enough = free >= settings.scratch_bytes
    return Check(
        "scratch",
        ok=True,
        detail=f"{folder}, {free / 2**20:.0f} MB free, up to {settings.scratch_bytes / 2**20:.0f} MB used",
        mend="" if enough else "lower SAMPLEMIND_SCRATCH_BYTES, or set SAMPLEMIND_SCRATCH to a larger folder",
    )


def _numba_cache() -> Check:
    candidates = kernel_cache.candidates()
    fit = [folder for folder in candidates if _may_be_ours(folder)]
    if not fit:
        mend = f"set {kernel_cache.VARIABLE} to a folder of yours"
        return Check("numba cache", ok=False, detail="there is no folder that is yours alone", mend=mend)
    detail = str(fit[0]) + ("; a process compiles kernels" if kernel_cache.is_compiling(fit[0]) else "")
    ignored = fit[0] != candidates[0] and os.environ.get(kernel_cache.VARIABLE)
    mend = (
        f"{candidates[0]} cannot be written, or others can write to it: mend {kernel_cache.VARIABLE}" if ignored else ""
    )
    return Check("numba cache", ok=True, detail=detail, mend=mend)


def _may_be_ours(folder: Path) -> bool:
    nearest = _nearest(folder)
    return kernel_cache.is_ours(folder) if nearest == folder else os.access(nearest, os.W_OK | os.X_OK)
