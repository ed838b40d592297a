"""Proves that a store can carry a study: real requests, racing writers, nothing left behind.

    polyglot doctor --store s3://bucket/prefix

What is proved is proved for this moment and these credentials. A store that lets a second writer replace the first
one's object is refused by name: with it, two drivers could overwrite each other's results.
"""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from polyglot.core.errors import Missing, PolyglotError, Refused
from polyglot.store.environment import Finding, examine_environment
from polyglot.store.store import Store

__all__ = ["Finding", "examine", "examine_environment", "require_conditional_writes"]

_WRITERS = 16
_ROUNDS = 4
_MAX_SKEW_SECONDS = 300  # S3 refuses requests at 900; half a grace of doubt is too much long before that
_LARGE_BYTES = 17 * 2**20  # more than one part and more than one range
_USE_ANOTHER = "Use a store with conditional writes (AWS S3, MinIO, Ceph, versitygw, a directory)"


class _Failed(Exception):  # noqa: N818 - a finding, not an error of the program
    """A check that came out wrong: what was seen, and the remedy."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.detail, self.remedy = detail, remedy


def examine(store: Store) -> list[Finding]:
    """Run every check below `doctor/<random>/` of the store and clean up. After a refusal the rest is not tried."""
    base = f"doctor/{uuid.uuid4().hex}/"
    findings: list[Finding] = []
    try:
        for name, check in _CHECKS:
            try:
                findings.append(Finding(name=f"store: {name}", ok=True, detail=check(store, base)))
            except _Failed as failed:
                findings.append(Finding(name=f"store: {name}", ok=False, detail=failed.detail, remedy=failed.remedy))
            except PolyglotError as error:
                last = isinstance(error, Refused) or not any(finding.ok for finding in findings)
                remedy = (store.advice() if last else "") or "See the message; then repeat"
                findings.append(Finding(name=f"store: {name}", ok=False, detail=str(error), remedy=remedy))
                if last:
                    break
    finally:
        with suppress(PolyglotError):
            for entry in list(store.list(base)):
                store.delete(entry.path)
    return findings


def require_conditional_writes(store: Store) -> None:
    """Refuse a store that lets a second writer win. Three requests: cheap enough before every run."""
    path = f"doctor/{uuid.uuid4().hex}/probe"
    try:
        _refuses_second_write(store, path)
    except _Failed as failed:
        raise Refused(f"{failed.detail}. {failed.remedy}") from failed
    finally:
        with suppress(PolyglotError):
            store.delete(path)


def _reachable(store: Store, base: str) -> str:
    return f"{store.url} answers; {len(list(store.list(base)))} objects below {base}"


def _clock(store: Store, base: str) -> str:
    skew = (datetime.now(UTC) - store.now()).total_seconds()
    if abs(skew) > _MAX_SKEW_SECONDS:
        raise _Failed(
            f"the clock here is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the store's",
            "Set the clock of this machine (timedatectl, chrony)",
        )
    return f"within {max(1, round(abs(skew)))} s of the store's clock"


def _write(store: Store, base: str) -> str:
    path, data = f"{base}write", uuid.uuid4().bytes
    if not store.create(path, data):
        raise _Failed(f"{store.url}: a free path was said to be taken", _USE_ANOTHER)
    if store.read(path) != data:
        raise _Failed(f"{store.url}: other bytes came back than were written", _USE_ANOTHER)
    found = store.head(path)
    if found is None or found.bytes != len(data):
        raise _Failed(f"{store.url}: a fresh object is not seen, or has the wrong size", _USE_ANOTHER)
    return "an object is there, whole, right after its write"


def _overwrite(store: Store, base: str) -> str:
    _refuses_second_write(store, f"{base}twice")
    return "a second conditional write was refused, and the first one's bytes stay"


def _refuses_second_write(store: Store, path: str) -> None:
    first = store.create(path, b"first")
    second = store.create(path, b"second")
    if not first or second or store.read(path) != b"first":
        raise _Failed(
            f"{store.url} ignores preconditions: a second writer replaced the first one's object", _USE_ANOTHER
        )


def _race(store: Store, base: str) -> str:
    for turn in range(_ROUNDS):
        path, barrier = f"{base}race-{turn}", threading.Barrier(_WRITERS)

        def write(number: int, path: str = path, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            return store.create(path, b"%d" % number)

        with ThreadPoolExecutor(_WRITERS) as pool:
            won = [number for number, first in enumerate(pool.map(write, range(_WRITERS))) if first]
        if len(won) != 1 or store.read(path) != b"%d" % won[0]:
            raise _Failed(f"{store.url} let {len(won)} of {_WRITERS} racing writers win", _USE_ANOTHER)
    return f"{_WRITERS} racing writers, {_ROUNDS} rounds: one winner each"


def _list(store: Store, base: str) -> str:
    wanted = sorted(f"{base}list/{name}" for name in ("a/x", "a-b", "b", "c/d/e"))
    for path in wanted:
        store.create(path, b"")
    found = [entry.path for entry in store.list(f"{base}list/")]
    if found != wanted:
        raise _Failed(f"{store.url}: a listing is not complete, or not in order", _USE_ANOTHER)
    if list(store.folders(f"{base}list/")) != ["a", "c"]:
        raise _Failed(f"{store.url}: a listing with a delimiter is wrong", _USE_ANOTHER)
    return "complete, in order, right after the writes"


def _large(store: Store, base: str) -> str:
    block = uuid.uuid4().bytes * 65536  # 1 MiB that no earlier run has written
    with TemporaryDirectory(prefix="polyglot-") as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        with source.open("wb") as file:
            for number in range(_LARGE_BYTES // len(block)):
                file.write(number.to_bytes(16, "big") + block[16:])
        store.upload(f"{base}large", source)
        store.download(f"{base}large", target)
        same = source.read_bytes() == target.read_bytes()
    if not same:
        raise _Failed(f"{store.url}: a file of {_LARGE_BYTES} bytes came back changed", _USE_ANOTHER)
    return f"{_LARGE_BYTES // 2**20} MiB went there in parts and came back by ranges, unchanged"


def _delete(store: Store, base: str) -> str:
    path = f"{base}delete"
    store.create(path, b"x")
    store.delete(path)
    store.delete(path)
    try:
        store.read(path)
    except Missing:
        return "a deleted object is gone; deleting it again is no error"
    raise _Failed(
        f"{store.url}: an object is still there after its deletion", "Grant deletion; `gc` and `retract` need it"
    )


_CHECKS: tuple[tuple[str, Callable[[Store, str], str]], ...] = (
    ("reachable", _reachable),
    ("clock", _clock),
    ("write and read back", _write),
    ("overwrite refused", _overwrite),
    ("race", _race),
    ("list", _list),
    ("large file", _large),
    ("delete", _delete),
)
