"""Derives the folder of decoded signals from the settings."""

import hashlib
import os
import tempfile
from pathlib import Path

from config.settings import Settings


def scratch_folder(settings: Settings) -> Path:
    """Return the scratch folder of one record: below the configured folder, in shared memory, or in the temporary one.

    Each record has a folder of its own, because a sweep deletes all that its record does not need, and would delete
    the files of another. A record is identified by its URL, which must be filled in, and its database.
    """
    base = settings.scratch
    if base is None:
        shared = Path("/dev/shm")  # noqa: S108 -- the folder below it is ours alone: 0700, and checked by its owner
        base = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    url = settings.mongodb_url.get_secret_value() if settings.mongodb_url else ""
    digest = hashlib.blake2b(f"{url} {settings.database}".encode(), digest_size=6).hexdigest()
    return base / f"samplemind-{os.getuid()}-{digest}"
