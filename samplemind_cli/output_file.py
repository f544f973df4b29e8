"""An output file that replaces the target in one step, once it is complete."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from samplemind_worker.errors import SetupError, UsageError


def require_place_for(target: Path) -> Path:
    """Check that a file can be written to a target, and return its path without links.

    Raises
    ------
    UsageError
        If the target's folder does not exist, or the target is a folder or a device.
    """
    try:
        real = Path(os.path.realpath(target))
        if real.exists() and not real.is_file():
            raise UsageError(f"{target} is no file that can be replaced; leave out -o to write to stdout")
        if not real.parent.is_dir():
            raise UsageError(f"cannot write {target}: there is no folder {real.parent}; make it, or name another file")
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    return real


@contextmanager
def replacing(target: Path) -> Generator[BinaryIO]:
    """Open a draft that replaces the target when the block ends without an error, and is removed otherwise.

    Raises
    ------
    UsageError
        If there cannot be a file at the target.
    SetupError
        If the draft cannot be written.
    """
    real = require_place_for(target)
    draft = real.with_name(f".{real.name[:200]}.{os.getpid()}.part")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(real)
    except OSError as error:
        raise SetupError(f"cannot write {target}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
