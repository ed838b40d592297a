"""The S3 store against the client library's own transfers, on a real server (versitygw, loopback).

    python -m tests.bench.store_throughput [MIB] [ROUNDS]

All sides alternate in one run on one file of random bytes, new in each round. Prints median and range of each figure.
`bare` moves bytes (no side verifies them); `verified` is what polyglot does: the SHA-256 of the file before the upload,
and of everything that comes back; boto3 gets the same promise by hashing around its calls. Then the small requests:
puts under a condition, and the look-up of 2,000 stages.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from boto3.s3.transfer import TransferConfig

from polyglot.core.canonical import sha256_file
from polyglot.store.blobs import fetch, put_file
from polyglot.store.committed import committed_many
from polyglot.store.directory import DirectoryStore
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileRecord, Manifest
from polyglot.store.store import Store
from tests.kit.damage import random_file
from tests.kit.stages import stage
from tests.kit.versitygw import fresh_bucket, serve

STAGES = 2000
PUTS = 200


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def say(name: str, values: list[float], unit: str) -> None:
    """One line a figure: median and range."""
    middle = statistics.median(values)
    print(f"{name:46} {middle:8.1f} {unit}   [{min(values):.1f} .. {max(values):.1f}]  n={len(values)}", flush=True)


def transfers(folder: Path, mib: int, rounds: int) -> None:
    """Uploads and downloads of one large file."""
    source, target = random_file(folder / "source", mib * 2**20), folder / "target"
    one_by_one = TransferConfig(use_threads=False)
    rates: dict[str, list[float]] = {}

    with serve(folder / "server") as gateway, fresh_bucket(gateway) as bucket:
        store, client = bucket.store(), bucket.store().client

        def checked(name: str, digest: str) -> None:
            client.download_file(bucket.name, name, str(target))
            if sha256_file(target) != digest:
                raise SystemExit("damaged")

        for turn in range(rounds):
            with source.open("r+b") as file:
                file.write(turn.to_bytes(8, "big"))
            digest = sha256_file(source)
            ours, plain, slow = f"ours-{turn}", f"plain-{turn}", f"slow-{turn}"

            kept: list[FileRecord] = []
            sides: list[tuple[str, Callable[[], object]]] = [
                ("upload bare, polyglot", lambda ours=ours: store.upload(ours, source)),  # type: ignore[misc]
                ("upload bare, boto3", lambda plain=plain: client.upload_file(str(source), bucket.name, plain)),  # type: ignore[misc]
                (
                    "upload bare, boto3 one part at a time",
                    lambda slow=slow: client.upload_file(str(source), bucket.name, slow, Config=one_by_one),  # type: ignore[misc]
                ),
                ("upload verified, polyglot", lambda kept=kept: kept.append(put_file(store, source, "f"))),  # type: ignore[misc]
                (
                    "upload verified, boto3",
                    lambda plain=plain: (sha256_file(source), client.upload_file(str(source), bucket.name, plain)),  # type: ignore[misc]
                ),
                ("download bare, polyglot", lambda ours=ours: store.download(ours, target)),  # type: ignore[misc]
                ("download bare, boto3", lambda plain=plain: client.download_file(bucket.name, plain, str(target))),  # type: ignore[misc]
                (
                    "download bare, boto3 one part at a time",
                    lambda slow=slow: client.download_file(bucket.name, slow, str(target), Config=one_by_one),  # type: ignore[misc]
                ),
                ("download verified, polyglot", lambda kept=kept: fetch(store, kept[0], target)),  # type: ignore[misc]
                ("download verified, boto3", lambda plain=plain, digest=digest: checked(plain, digest)),  # type: ignore[misc]
            ]
            if turn % 2:  # neither side is always the first of its pair
                sides = [*sides[:5][::-1], *sides[5:][::-1]]
            for name, work in sides:
                rates.setdefault(name, []).append(mib / seconds(work))
            for entry in list(store.list("")):
                store.delete(entry.path)
        for name, values in rates.items():
            say(name, values, "MiB/s")


def requests(folder: Path, rounds: int) -> None:
    """Small objects: conditional puts, and the look-up that every plan begins with."""
    with serve(folder / "server") as gateway, fresh_bucket(gateway) as bucket:
        stores: dict[str, Store] = {"s3": bucket.store(), "directory": DirectoryStore(folder / "store")}
        client, stages = bucket.store().client, [stage(str(number)) for number in range(STAGES)]
        for name, store in stores.items():
            concurrently(lambda made, store=store: store.create(*_manifest(made)), stages)  # type: ignore[misc]
            times = [seconds(lambda store=store: committed_many(store, stages)) for _ in range(rounds)]  # type: ignore[misc]
            say(f"look up {STAGES} committed stages, {name}", times, "s")
            absent = [stage(f"absent {number}") for number in range(STAGES)]
            times = [seconds(lambda store=store, absent=absent: committed_many(store, absent)) for _ in range(rounds)]  # type: ignore[misc]
            say(f"look up {STAGES} stages that are not there, {name}", times, "s")
        rates: dict[str, list[float]] = {}
        for turn in range(rounds):
            sides: list[tuple[str, Callable[[str], object]]] = [
                ("conditional puts, polyglot", lambda path: stores["s3"].create(path, b"x" * 1000)),
                (
                    "conditional puts, boto3",
                    lambda path: client.put_object(Bucket=bucket.name, Key=path, Body=b"x" * 1000, IfNoneMatch="*"),
                ),
            ]
            for number, (name, put) in enumerate(sides):
                paths = [f"small/{turn}-{number}-{item}" for item in range(PUTS)]
                rates.setdefault(name, []).append(PUTS / seconds(lambda: concurrently(put, paths)))  # noqa: B023
        for name, values in rates.items():
            say(name, values, "puts/s")


def _manifest(made: object) -> tuple[str, bytes]:
    record = FileRecord(path="index.jsonl", sha256="0" * 64, bytes=1)
    manifest = Manifest(stage=made, inputs={}, files=(record,), metrics={"rows": 1})  # type: ignore[arg-type]
    return manifest.path, manifest.to_json()


def main() -> None:
    """Run both parts in a temporary folder."""
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for work in (lambda folder: transfers(folder, mib, rounds), lambda folder: requests(folder, rounds)):
        # in memory where there is room: the disk under the server is not what is compared
        memory = Path("/dev/shm")  # noqa: S108
        roomy = memory.is_dir() and shutil.disk_usage(memory).free > 8 * mib * 2**20
        with tempfile.TemporaryDirectory(prefix="polyglot-", dir=memory if roomy else None) as folder:
            work(Path(folder))


if __name__ == "__main__":
    main()
