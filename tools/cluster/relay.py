"""Passes connections from the host's 127.0.0.1 on into the cluster's network namespace.

    nsenter --net=… python relay.py FD=ADDRESS:PORT …

Each FD is a listening socket that was opened on the host before this process entered the namespace: a socket stays in
the namespace where it was made, and what is connected from here is inside. It imports nothing of the checkout.
"""

import asyncio
import contextlib
import socket
import sys

CHUNK_BYTES = 1 << 18


async def main(routes: list[str]) -> None:
    """Serve every route until the process ends."""
    servers = [await _serve(*route.split("=")) for route in routes]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _serve(descriptor: str, target: str) -> asyncio.Server:
    host, _, port = target.rpartition(":")

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(host, int(port), limit=CHUNK_BYTES)
        except OSError:
            writer.transport.abort()  # what a closed port looks like from a distance
            return
        await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))

    return await asyncio.start_server(accept, sock=socket.socket(fileno=int(descriptor)), limit=CHUNK_BYTES)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, which is passed on as well; a reset is passed on as a reset."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
    finally:
        with contextlib.suppress(OSError):
            if reader.at_eof() and writer.transport.is_closing():
                await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
