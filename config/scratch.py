"""Where decoded signals wait between two steps; derived from the settings."""

import hashlib
import os
import tempfile
from pathlib import Path

from config.settings import Settings


def scratch_folder(settings: Settings) -> Path:
    """Return the folder of one record: below the folder that is set, else in shared memory or the temporary folder.

    Each record has a folder of its own, because all that it holds is swept: two records on one machine must not sweep
    each other's files. A record is named by its URL, which must be filled in, and its database.
    """
    base = settings.scratch
    if base is None:
        shared = Path("/dev/shm")  # noqa: S108 -- the folder below it is ours alone: 0700, and checked by its owner
        base = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    url = settings.mongodb_url.get_secret_value() if settings.mongodb_url else ""
    digest = hashlib.blake2b(f"{url} {settings.database}".encode(), digest_size=6).hexdigest()
    return base / f"samplemind-{os.getuid()}-{digest}"
