"""What the processes of `samplemind analyze` run: the server of their sandbox loads it, and forks them.

The server decodes for them, too. So the engine is loaded once, in a process without secrets, however many analyse.
"""

import os
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from socket import socket
from typing import TYPE_CHECKING, Any, Final, Never

from samplemind_worker.pipeline.audio_sandbox import audio_sandbox

if TYPE_CHECKING:
    from io import BufferedReader

    from samplemind_worker.errors import PermanentError

_LOOK_SECONDS: Final = 0.5


def warm_up() -> None:
    """Load the decoders and the engine."""
    with suppress(Exception):  # a forked process tries again, and reports what is wrong
        from samplemind_worker.pipeline import analyze, reader  # noqa: PLC0415 -- slow import, which may fail

        reader.warm_up()
        analyze.load()


def read(file: "BufferedReader", request: dict[str, Any]) -> "PermanentError | tuple[dict[str, Any], memoryview]":
    """Read one file, in a decoder (`reader.read`)."""
    from samplemind_worker.pipeline import reader  # noqa: PLC0415 -- slow import, if it failed

    return reader.read(file, request)


def serve(pipe_number: int, lobby_number: int) -> Never:
    """Answer each chunk of files with its reports, or with what was raised, until the caller closes the pipe.

    The first message is the caller's environment and its settings; it is answered with None.
    """
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    pipe: Connection[Any, Any] = Connection(pipe_number)
    code = 1
    try:
        audio_sandbox().adopt(socket(fileno=lobby_number))
        environment, settings = pipe.recv()
        os.environ.update(environment)
        pipe.send(None)
        while True:
            paths = pipe.recv()
            try:
                from samplemind_worker.pipeline.analyze import analyze_chunk  # noqa: PLC0415 -- slow import, if it failed

                found: Any = analyze_chunk(paths, settings)
            except Exception as error:  # noqa: BLE001 -- the caller raises it
                found = error
            pipe.send(found)
    except (EOFError, OSError):
        code = 0
    finally:
        os._exit(code)


def _end_with_parent(parent: int) -> None:
    """End this process when its server has ended, whatever it is doing; Linux does that by itself."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
