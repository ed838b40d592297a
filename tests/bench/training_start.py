"""From a model in the store to its first optimiser step: ours on 1 and 2 ranks, and boto3 with `from_pretrained`.

    python -m tests.bench.training_start [MODEL] [--rounds 3]

The store is a real S3 server on this machine (versitygw). Ours fetches and verifies what the manifest says, loads what
each rank holds and tries the model as a training does; the other side downloads the same files, hashes them and loads
them whole. Seconds from the first request to the end of the first step, imports left out; sides alternate, and ranks
share this machine's cores.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from polyglot.store.blobs import blob_path
from tests.bench._said import said_by_ranks
from tests.bench.cost_estimate import child as in_process
from tests.kit.stages import commit, stage
from tests.kit.versitygw import Bucket, fresh_bucket, serve

SIDES = ("ours, 1 rank", "ours, 2 ranks", "boto3 and from_pretrained")


def main() -> None:
    """Print a line a side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="60M-32k")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=4, help="a root, a folder, a side and a rank")
    options = parser.parse_args()
    if options.child:
        root, folder, side, rank = options.child
        work(Path(root), Path(folder) / rank, side)
        return
    with tempfile.TemporaryDirectory(prefix="training-start-") as folder:
        root = Path(folder)
        in_process("prepare", folder, options.model)
        with serve(root / "server") as gateway, fresh_bucket(gateway) as bucket:
            commit(bucket.store(), stage(kind="base"), root / "base")
            size = sum(path.stat().st_size for path in (root / "base").rglob("*") if path.is_file())
            print(f"{options.model}: {size / 2**20:,.0f} MiB")
            found: dict[str, list[float]] = {side: [] for side in SIDES}
            for number in range(options.rounds):
                for side in SIDES:
                    found[side].append(run(root, root / f"{number}-{SIDES.index(side)}", side, bucket))
        for side, seconds in found.items():
            print(f"{side:28} {statistics.median(seconds):6.1f} s   [{min(seconds):.1f} .. {max(seconds):.1f}]")


def run(root: Path, folder: Path, side: str, bucket: Bucket) -> float:
    """The slowest rank's seconds."""
    environment = {**bucket.gateway.environment(), "STORE": bucket.url}
    ranks = 2 if "2 ranks" in side else 1
    arguments = ["--child", str(root), str(folder), side]
    seconds: list[float] = said_by_ranks(ranks, "tests.bench.training_start", *arguments, environment=environment)
    return max(seconds)


def work(root: Path, folder: Path, side: str) -> None:
    """Be one rank of ours, or the other side; print the seconds to the end of the first step."""
    from tests.bench import cost_estimate  # what both sides import late is there before the clock starts

    folder.mkdir(parents=True)
    measure = theirs if side.startswith("boto3") else ours
    del cost_estimate
    print(json.dumps(measure(root, folder)), flush=True)


def ours(root: Path, folder: Path) -> float:
    """The train job, with its base model in the store."""
    from jobs.lib.ranks import Ranks
    from jobs.train import job
    from polyglot.kinds.train import TrainParams
    from polyglot.store.artifact import StoredArtifact
    from polyglot.store.committed import committed
    from polyglot.store.locate import open_store
    from tests.kit.model_jobs import model_context

    os.environ.update(Ranks.read().for_torch())
    params = TrainParams(steps=1, batch_size=16, learning_rate=1e-4, precision="float32")
    inputs = {"base": root / "base", "mix": root / "mix", "tokens:EN": root / "tokens" / "out"}
    context = model_context(folder, params, inputs, settings={"threads": 1})
    began = time.perf_counter()
    store, base = open_store(os.environ["STORE"]), stage(kind="base")
    manifest = committed(store, "base", base.key)
    assert manifest is not None  # noqa: S101
    context.inputs = {**context.inputs, "base": StoredArtifact(store, manifest, folder.parent / "cache")}
    ends: list[float] = []
    context.progress = lambda *_, **__: ends.append(time.perf_counter())  # type: ignore[method-assign]
    job.run(context)
    return ends[0] - began


def theirs(root: Path, folder: Path) -> float:
    """What one would write: download, hash, load, and a step over the same rows."""
    import boto3
    import torch
    from transformers import AutoModelForCausalLM

    from jobs.lib.token_set import TokenSet
    from polyglot.core.canonical import sha256_file
    from polyglot.store.committed import committed
    from polyglot.store.locate import open_store

    store = open_store(os.environ["STORE"])
    manifest = committed(store, "base", stage(kind="base").key)
    assert manifest is not None  # noqa: S101
    torch.set_num_threads(1)
    tokens = TokenSet(root / "tokens" / "out" / "tokens.arrow")
    rows = [torch.tensor(tokens.sample(number)[0], dtype=torch.int64) for number in range(16)]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    bucket = os.environ["STORE"].removeprefix("s3://").partition("?")[0]
    began = time.perf_counter()
    client = boto3.client("s3")
    for record in manifest.files:
        path = folder / record.path
        path.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, blob_path(record.sha256), str(path))
        if sha256_file(path) != record.sha256:
            raise RuntimeError(f"{path.name} is damaged")
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    for part in ids.split(8):
        model(input_ids=part, labels=part, use_cache=False).loss.backward()
    optimizer.step()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
