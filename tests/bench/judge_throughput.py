"""Calls to a judge: ours against the plain ways of using the SDK, on one loopback server.

    python -m tests.bench.judge_throughput [--calls 400] [--rounds 5]

Sides: `ours` (the job's asking: adaptive, journalled), `loop` (one SDK call after the other), `threads-N` (the SDK in
N threads with its own two retries). Servers: 50 ms latency; 50 ms with 429 above 16 calls in flight, with and without
Retry-After; no latency (the cost of the client alone). Sides alternate within a round; median and range are printed,
one line a figure. The server is a process of its own, so that it takes no time from the clients' interpreter.
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

from openai import OpenAI, OpenAIError

from jobs.lib.chat.calls import Reply, Request
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import Observer, RequestScheduler
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from polyglot.attempts.journal import StoredJournal
from polyglot.core.stage import Stage
from polyglot.store.locate import open_store
from tests.kit import judge_server as js

Side = Callable[[str, Sequence[Request]], int]  # base URL, requests -> completions that arrived
PROMPT = "Rate the answer of the assistant to the question of the user from 1 to 10. " * 20


def serve(channel: Connection, limit: int, latency: float, retry_after: str | None) -> None:
    """A server process: sends its URL, and at the end how many calls it saw and how many of them it refused."""
    limiter = js.Limiter(limit=limit, latency=latency, retry_after=retry_after)
    with js.ScriptedJudge(limiter) as server:
        channel.send(server.base_url)
        channel.recv()
        channel.send((len(server.calls), limiter.refused))


def requests(count: int) -> list[Request]:
    """Different requests of the size of a benchmark's."""
    return [
        Request(
            model="m",
            messages=({"role": "system", "content": "You rate."}, {"role": "user", "content": f"{PROMPT}{index}"}),
            temperature=0.0,
            max_tokens=2048,
        )
        for index in range(count)
    ]


def ours(base_url: str, asked: Sequence[Request]) -> int:
    """The job's own way, with a durable journal in a directory store."""
    settings, arrived = CallSettings(concurrency=64), 0

    def settled(request: Request, result: object) -> None:
        nonlocal arrived
        arrived += isinstance(result, Reply)

    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(kind="judge", version=1, params={})
        with StoredJournal(open_store(f"file://{folder}"), stage, 1, 1) as journal:
            observer = Observer(settled=settled, stopping=lambda: False)
            RequestScheduler(Endpoint(base_url=base_url), settings, UsageLog(journal, settings), observer).run(asked)
            journal.flush()
    return arrived


def threads(count: int) -> Side:
    """The SDK's blocking client in `count` threads."""

    def side(base_url: str, asked: Sequence[Request]) -> int:
        with OpenAI(base_url=base_url, api_key="none") as client, ThreadPoolExecutor(count) as pool:

            def one(request: Request) -> bool:
                try:
                    reply = client.chat.completions.create(
                        model=request.model,
                        messages=list(request.messages),  # type: ignore[arg-type]
                        temperature=request.temperature,
                        max_tokens=request.max_tokens,
                    )
                except OpenAIError:
                    return False
                return reply.choices[0].message.content is not None

            return sum(pool.map(one, asked))

    return side


def timed(
    side: Side, asked: Sequence[Request], limit: int, latency: float, retry_after: str | None
) -> dict[str, float]:
    """One side, once, on a fresh server."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, limit, latency, retry_after))
    process.start()
    try:
        base_url = here.recv()
        wall, cpu = time.perf_counter(), time.process_time()
        arrived = side(base_url, asked)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        here.send(None)
        calls, refused = here.recv()
    finally:
        process.join(10)
    return {"wall_s": wall, "cpu_s": cpu, "calls": calls, "refused": refused, "lost": len(asked) - arrived}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    asked = requests(options.calls)
    pooled: dict[str, Side] = {"ours": ours, "threads-8": threads(8), "threads-32": threads(32)}
    servers: dict[str, tuple[int, float, str | None, dict[str, Side]]] = {
        "50 ms": (10**6, 0.05, None, pooled | {"loop": threads(1)}),
        "50 ms, 429 above 16": (16, 0.05, None, pooled),
        "50 ms, 429 above 16, Retry-After 1": (16, 0.05, "1", pooled),
        "0 ms": (10**6, 0.0, None, pooled),
    }
    for server, (limit, latency, retry_after, sides) in servers.items():
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
        for number in range(options.rounds):
            for name, side in sides.items():
                if name != "loop" or number == 0:  # 20 s of waiting says the same every time
                    runs[name].append(timed(side, asked, limit, latency, retry_after))
        for name, measured in runs.items():
            figures = []
            for figure in measured[0]:
                values = [run[figure] for run in measured]
                form = ".2f" if figure.endswith("_s") else ".0f"
                spread = f"{min(values):{form}}..{max(values):{form}}"
                figures.append(f"{figure} {statistics.median(values):{form}} ({spread})")
            sys.stdout.write(f"judge, {options.calls} calls, {server}: {name}: {', '.join(figures)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
