"""A TCP proxy on loopback that delays, drops or cuts its connections to a TCP port or a unix socket."""

import asyncio
import threading
from collections.abc import Coroutine
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Address = Path | tuple[str, int]

_CHUNK = 1 << 16


class Mode(Enum):
    """What happens to connections."""

    OPEN = "open"
    SLOW = "slow"
    """Every chunk is 50 ms late."""
    CUT = "cut"
    """Open connections are reset, new ones closed at once."""
    DROP = "silent drop"
    """Sent bytes are dropped without an error; a connection that lost any stays dead afterwards."""
    BLACK_HOLE = "black hole"
    """Like DROP, and new connections never get an answer."""


class Proxy:
    """Listens on a free port of loopback, in a thread of its own, until `close`."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._mode = Mode.OPEN
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._healed = asyncio.Event()
        self._healed.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-proxy", daemon=True)
        self._thread.start()
        self.port = 0
        self._call(self._listen())

    def set(self, mode: Mode) -> None:
        """Change what happens to connections, from now on."""
        self._call(self._change(mode))

    def close(self) -> None:
        """Close all connections and stop listening."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _change(self, mode: Mode) -> None:
        if mode is Mode.CUT:
            for writer in list(self._writers):
                writer.transport.abort()
        self._mode = mode
        if mode is Mode.BLACK_HOLE:
            self._healed.clear()
        else:
            self._healed.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if self._mode is Mode.CUT:
                return
            await self._healed.wait()
            if isinstance(self._target, Path):
                far_reader, far = await asyncio.open_unix_connection(self._target)
            else:
                far_reader, far = await asyncio.open_connection(*self._target)
            self._writers.add(far)
            dead = asyncio.Event()
            pumps = [asyncio.create_task(self._pump(*pair, dead)) for pair in ((reader, far), (far_reader, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
        except OSError:  # the service is down: so is the connection
            pass
        finally:
            for one in (writer, far):
                if one is not None:
                    self._writers.discard(one)
                    one.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dead: asyncio.Event) -> None:
        try:
            while chunk := await reader.read(_CHUNK):
                if self._mode is Mode.SLOW:
                    await asyncio.sleep(0.05)
                if self._mode in (Mode.DROP, Mode.BLACK_HOLE):
                    dead.set()
                if dead.is_set():
                    continue
                writer.write(chunk)
                await writer.drain()
        except OSError:
            return

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
