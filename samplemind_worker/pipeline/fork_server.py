"""``python -m samplemind_worker.pipeline.fork_server PARENT LOBBY``: the server that forks the processes of `pool`.

It loads the engine once. For each pair of sockets that it gets through the lobby it forks a process that analyses: one
is the pipe to the caller, the other one leads to the caller's decoders.
"""

import gc
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final, Never

from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.sandbox import confine

_DEAF_TO: Final = (signal.SIGINT, signal.SIGQUIT)
_LOOK_SECONDS: Final = 0.5


def main(arguments: list[str]) -> None:
    """Load the engine, fork a process for each request, and at the end wait for all of them."""
    # A terminal sends these to the whole process group, and the caller acts on them.
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    parent, number = map(int, arguments)
    confine.die_with_parent(parent)
    with suppress(Exception):  # a forked process tries again, and reports what is wrong
        from samplemind_worker.pipeline import analyze  # noqa: PLC0415 -- slow import, which may fail

        analyze.load()
    # Memory that no collection touches stays shared with the forked processes.
    gc.collect()
    gc.freeze()
    lobby, own = socket.socket(fileno=number), os.getpid()
    while (request := socket.recv_fds(lobby, 1, 2))[0]:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        pipe, decoders = request[1]
        if os.fork() == 0:
            lobby.close()
            confine.die_with_parent(own)
            _analyse(Connection(pipe), socket.socket(fileno=decoders))
        os.close(pipe)
        os.close(decoders)
    # So their CPU time counts as that of the caller's children.
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _analyse(pipe: "Connection[Any, Any]", decoders: socket.socket) -> Never:
    """Answer each chunk of files with its reports, or with what was raised, until the caller closes the pipe."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    code = 1
    try:
        audio_sandbox().adopt(decoders)
        settings = pipe.recv()
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


if __name__ == "__main__":
    main(sys.argv[1:])
