"""A large batch: how long making it and collecting its results takes, and how much memory.

    python -m tests.bench.batch_collect [--calls 50000]

One batch through the job's own way, with a durable journal in a directory store. The provider is a loopback in a
process of its own. `made`: from the first line of the input file to a batch that was created and journalled;
`collected`: from the first byte of the result to the last record that is durable. Memory is this process's resident
set: before (with the requests), and at its peak.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from jobs.lib.chat.batch.scheduler import BatchScheduler
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import Observer
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from polyglot.attempts.journal import StoredJournal
from polyglot.core.stage import Stage
from polyglot.store.locate import open_store
from tests.bench.judge_throughput import requests
from tests.kit.batch_server import BatchServer, answered

_REPLY = "The answer is helpful, complete, and says what it does not know. " * 12 + "Rating: [[7]]"  # 200 tokens


def serve(channel: Connection) -> None:
    """A provider: sends its URL, and at the end the bytes of each file."""
    with BatchServer(answer=lambda line: answered(_REPLY)) as server:
        channel.send(server.base_url)
        channel.recv()
        channel.send({name: len(content) for name, content in server.files.items()})


def resident_mib() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=50_000)
    calls = parser.parse_args().calls
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    process.start()
    base_url = here.recv()
    settings = CallSettings(mode="batch", batch_poll_seconds=1.0, timeout_seconds=600.0)
    asked, moments, settled = requests(calls), dict[str, float](), 0
    for request in asked:  # what every way of asking needs
        _ = request.id

    def count(*_: object) -> None:
        nonlocal settled
        settled += 1

    def remark(text: str) -> None:
        moments.setdefault(text.split(" ")[0], time.perf_counter())

    before = resident_mib()
    stage = Stage(kind="judge", version=1, params={})
    with tempfile.TemporaryDirectory() as folder, StoredJournal(open_store(f"file://{folder}"), stage, 1, 1) as journal:
        observer = Observer(settled=count, stopping=lambda: False, remark=remark)
        usage, where = UsageLog(journal, settings), Path(folder)
        batches = BatchScheduler(
            Endpoint(base_url=base_url), settings, usage, observer, stage_key="0" * 64, folder=where
        )
        started = time.perf_counter()
        batches.run(asked)
        journal.flush()
        ended = time.perf_counter()
    here.send(None)
    files = here.recv()
    process.join()
    made = min(moments[word] for word in moments if word) - started
    collected = ended - moments["collecting"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"calls": calls, "settled": settled, "files_mb": [round(size / 1e6) for size in files.values()]}))
    print(f"made       {made:6.1f} s")
    print(f"collected  {collected:6.1f} s, {calls / collected:,.0f} lines a second")
    print(f"memory     {before:6.0f} MiB before, {peak:.0f} MiB at the peak")


if __name__ == "__main__":
    main()
