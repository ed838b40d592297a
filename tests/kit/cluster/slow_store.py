"""The cluster's store behind a line that a test can make slow, for the pods that are told its address.

    with slow_store(target) as slow:
        … AWS_ENDPOINT_URL_S3 = slow.inside …
        slow.throttle(4000)      # bytes a second that go to the store, over each connection
        slow.throttle(None)      # as fast as it can

A relay of bytes at a node's address, inside the cluster's network namespace: signatures hold, as what a client signs is
the address that it was told. Run as a program (`slow_store.py ADDRESS TARGET-ADDRESS:PORT FILE`) it is that relay, says
its port, looks for the speed in FILE, and imports nothing of the checkout.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kit.cluster.target import Target

_CHUNK_BYTES = 1 << 16
_SLICE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowStore:
    """`inside` is the endpoint for pods."""

    inside: str
    file: Path

    def throttle(self, bytes_per_second: int | None) -> None:
        """Let so many bytes a second through to the store from now on; None: all."""
        part = self.file.with_suffix(".part")
        part.write_text("" if bytes_per_second is None else str(bytes_per_second))
        part.replace(self.file)


@contextmanager
def slow_store(target: "Target") -> Iterator[SlowStore]:
    """Run the relay until the block ends. Our own cluster only: another's network is not ours to enter."""
    from tools.cluster import network, places

    assert target.own
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speed"
        arguments = (places.API_ADDRESS, f"{places.STORE_SERVICE}:{places.STORE_PORT}", file)
        command = network.entered(sys.executable, "-I", Path(__file__), *arguments)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
            try:
                assert relay.stdout is not None
                port = int(relay.stdout.readline())
                yield SlowStore(inside=f"http://{places.API_ADDRESS}:{port}", file=file)
            finally:
                relay.terminate()


async def _main(address: str, target: str, file: str) -> None:
    host, _, port = target.rpartition(":")

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port), limit=_CHUNK_BYTES)
        await asyncio.gather(_pass_on(reader, inner_writer, Path(file)), _pass_on(inner_reader, writer, None))

    server = await asyncio.start_server(accept, address, 0, limit=_CHUNK_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speed: Path | None) -> None:
    """Copy until the end, piece by piece; the speed may change between two pieces."""
    with contextlib.suppress(OSError):
        while True:
            limit = _limit(speed)
            size = _CHUNK_BYTES if limit is None else max(1, int(limit * _SLICE_SECONDS))
            data = await reader.read(size)
            if not data:
                break
            writer.write(data)
            await writer.drain()
            if limit is not None:
                await asyncio.sleep(_SLICE_SECONDS)
    with contextlib.suppress(OSError):
        writer.close()


def _limit(speed: Path | None) -> int | None:
    text = speed.read_text() if speed is not None and speed.exists() else ""
    return int(text) if text else None


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
