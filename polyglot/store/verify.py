"""SHA-256 of files of any size, in bounded memory and on several cores.

A file larger than CHUNK_BYTES is verified by the digests of its pieces in parallel; the SHA-256 of the whole, which
only one core can compute, is taken once, when the file is recorded.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Corrupt
from polyglot.store.store import CHUNK_BYTES

_READ_BYTES = 2**20


def hash_file(path: Path) -> tuple[str, int, tuple[str, ...]]:
    """Return (SHA-256, bytes, SHA-256 per chunk) of a file, read once; no chunk digests up to CHUNK_BYTES."""
    size = path.stat().st_size
    if size <= CHUNK_BYTES:
        return sha256_file(path), size, ()
    whole, piece, chunks, read = hashlib.sha256(), hashlib.sha256(), [], 0
    # hashlib releases the interpreter lock, so the second digest of the same buffer runs on another core
    with path.open("rb") as file, ThreadPoolExecutor(1) as other:
        while buffer := file.read(4 * _READ_BYTES):
            pending = other.submit(piece.update, buffer)
            whole.update(buffer)
            pending.result()
            read += len(buffer)
            if read % CHUNK_BYTES == 0:
                chunks.append(piece.hexdigest())
                piece = hashlib.sha256()
    if read % CHUNK_BYTES:
        chunks.append(piece.hexdigest())
    return whole.hexdigest(), read, tuple(chunks)


def sha256_range(path: Path, offset: int, length: int) -> str:
    """Return the SHA-256 of a piece of a file; shorter at the file's end."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(offset)
        while length > 0 and (buffer := file.read(min(_READ_BYTES, length))):
            found.update(buffer)
            length -= len(buffer)
    return found.hexdigest()


def verify_chunks(path: Path, chunks: Sequence[str], name: str) -> None:
    """Check every CHUNK_BYTES of a file, on all cores. Raises Corrupt with the number of the first bad piece."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda i: sha256_range(path, i * CHUNK_BYTES, CHUNK_BYTES), range(len(chunks)))
        for number, (got, expected) in enumerate(zip(found, chunks, strict=True)):
            if got != expected:
                raise Corrupt(f"{name}: bytes from {number * CHUNK_BYTES} on are not what was recorded")


def verify_file(path: Path, *, sha256: str, size: int | None, chunks: Sequence[str], name: str) -> None:
    """Check size and digest of a file. `size` None means unknown. Raises Corrupt; `name` is told to the user."""
    found = path.stat().st_size
    if size is not None and found != size:
        raise Corrupt(f"{name}: {found} bytes; {size} were recorded")
    if chunks:
        verify_chunks(path, chunks, name)
    elif (got := sha256_file(path)) != sha256:
        raise Corrupt(f"{name}: its SHA-256 is {got[:12]}…; {sha256[:12]}… was recorded")
