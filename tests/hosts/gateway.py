"""Forwards TCP ports of all addresses to unix sockets: ``python gateway.py 6379=/path/to/valkey.sock ...``.

It runs in the network namespace of the stores, and gives the private services an address there: a unix socket has none.
"""

import asyncio
import sys
from functools import partial

_CHUNK = 1 << 16


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # one side is gone: the other is closed, too
    finally:
        writer.close()


async def _forward(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await asyncio.open_unix_connection(path)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def main(routes: dict[int, str]) -> None:
    """Listen until the process is ended; prints a line when all ports are open."""
    servers = [await asyncio.start_server(partial(_forward, path), "0.0.0.0", port) for port, path in routes.items()]  # noqa: S104 -- in a namespace of its own
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main({int(port): path for port, path in (word.split("=", 1) for word in sys.argv[1:])}))
