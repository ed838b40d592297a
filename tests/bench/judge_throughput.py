"""Calls to a judge: ours against the plain ways of using the SDK, on one loopback server.

    python -m tests.bench.judge_throughput [--calls 400] [--pairs] [--rounds 5] [--latency 0.5] [--only ours threads-40]

Sides: `ours` (the job's asking with its default settings: adaptive, journalled), `loop` (one SDK call after the other,
as MT-Bench's own scripts ask without `--parallel`), `loop-40` (the same scripts with `--parallel 40`: no retries of the
SDK, at each error a wait of 10 s, 16 tries), `threads-N` (the SDK in N threads with its own two retries).
With `--pairs` a call shows two answers, and each pair is asked in both orders: twice the calls, twice the text.
Servers: no limit; 429 above 16 calls in flight, with and without a Retry-After of 1 s; 1,200 calls or 120,000 tokens
a minute (a bucket of one second without headers, of five with OpenAI's); no latency (the cost of the client alone).
`least_s` is the least time in which a client of 64 in flight could have had all answers, `ratio` the wall time over it;
`most_refused` is the most refusals within a second. Sides alternate within a round; median and range are printed, one
line a figure. The server is a process of its own, so that it takes no time from the clients' interpreter.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection

from openai import DEFAULT_MAX_RETRIES, OpenAI, OpenAIError

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
_REPLY = json.dumps(js.completion("Fine.\n\nRating: [[7]]")).encode()
_REPLY_TOKENS = js.Usage().prompt + js.Usage().completion
PROMPT = "Rate the answer of the assistant to the question of the user from 1 to 10. " * 20


@dataclass(frozen=True, kw_only=True)
class Served:
    """What a server takes. `per_minute` counts calls, or tokens (those of a reply of js.Usage) where `tokens`."""

    latency: float
    in_flight: int = 10**6
    retry_after: str | None = None
    per_minute: float | None = None
    tokens: bool = False
    tells: bool = False

    def least_seconds(self, calls: int) -> float:
        """The least time that a client with 64 calls in flight needs."""
        rounds = -(-calls // min(64, self.in_flight)) * self.latency
        if self.per_minute is None:
            return rounds
        cost, per_second = (_REPLY_TOKENS if self.tokens else 1), self.per_minute / 60
        return max(rounds, calls * cost / per_second - self.bucket_seconds + self.latency)

    @property
    def bucket_seconds(self) -> int:
        """How much of its rate it takes at once."""
        return 5 if self.tells else 1


class Metered:
    """A script: 429 for what its bucket of one second has not, with OpenAI's headers or without."""

    def __init__(self, served: Served) -> None:
        self._served, self.refused = served, list[float]()
        self._per_second = (served.per_minute or 0.0) / 60
        self._most = self._per_second * served.bucket_seconds
        self._level, self._at = self._most, time.monotonic()

    def __call__(self, call: js.Call) -> js.Step:
        served, now = self._served, time.monotonic()
        cost = _REPLY_TOKENS if served.tokens else 1
        over = call.in_flight > served.in_flight
        if served.per_minute is not None:
            self._level, self._at = min(self._most, self._level + (now - self._at) * self._per_second), now
            over = self._level < cost
            self._level -= 0 if over else cost
        told = {"Retry-After": served.retry_after} if over and served.retry_after else {}
        if served.tells:
            unit, reset = "tokens" if served.tokens else "requests", (self._most - self._level) / self._per_second
            told |= {
                f"x-ratelimit-limit-{unit}": f"{self._most:.0f}",
                f"x-ratelimit-reset-{unit}": f"{reset * 1e3:.0f}ms",
            }
            told[f"x-ratelimit-remaining-{unit}"] = str(int(self._level))
        if over:
            self.refused.append(now)
            return js.raw(js.http("429 X", b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}', told))
        return js.slow(served.latency, js.raw(js.http("200 OK", _REPLY, told)))


def serve(channel: Connection, served: Served) -> None:
    """A server process: sends its URL, and at the end how many calls it saw and when it refused some."""
    script = Metered(served)
    with js.ScriptedJudge(script) as server:
        channel.send(server.base_url)
        channel.recv()
        channel.send((len(server.calls), script.refused))


def requests(count: int, pairs: bool = False) -> list[Request]:
    """Different requests of the size of a benchmark's: `count` answers, or as many pairs in both orders."""
    shown = [f"{PROMPT}{index}" for index in range(count)]
    if pairs:
        shown = [f"{first}\n{second}" for index in range(count) for first, second in _both_orders(index)]
    return [
        Request(
            model="m",
            messages=({"role": "system", "content": "You rate."}, {"role": "user", "content": text}),
            temperature=0.0,
            max_tokens=2048,
        )
        for text in shown
    ]


def _both_orders(index: int) -> list[tuple[str, str]]:
    one, other = f"{PROMPT}one {index}", f"{PROMPT}other {index}"
    return [(one, other), (other, one)]


def ours(base_url: str, asked: Sequence[Request]) -> int:
    """The job's own way, with a durable journal in a directory store."""
    settings, arrived = CallSettings(), 0

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


def threads(count: int, *, tries: int = 1, wait: float = 0.0, retries: int = DEFAULT_MAX_RETRIES) -> Side:
    """The SDK's blocking client in `count` threads: `tries` of each call, `wait` seconds after a failed one.

    `retries` are the SDK's own within one try.
    """

    def side(base_url: str, asked: Sequence[Request]) -> int:
        with (
            OpenAI(base_url=base_url, api_key="none", max_retries=retries) as client,
            ThreadPoolExecutor(count) as pool,
        ):

            def one(request: Request) -> bool:
                for _ in range(tries):
                    try:
                        reply = client.chat.completions.create(
                            model=request.model,
                            messages=list(request.messages),  # type: ignore[arg-type]
                            temperature=request.temperature,
                            max_tokens=request.max_tokens,
                        )
                    except OpenAIError:
                        time.sleep(wait)
                    else:
                        return reply.choices[0].message.content is not None
                return False

            return sum(pool.map(one, asked))

    return side


def timed(side: Side, asked: Sequence[Request], served: Served) -> dict[str, float]:
    """One side, once, on a fresh server."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, served))
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
    least = served.least_seconds(len(asked))
    found = {"wall_s": wall, "cpu_s": cpu, "calls": calls, "refused": len(refused), "lost": len(asked) - arrived}
    found["most_refused"] = max((sum(0 <= later - at < 1 for later in refused) for at in refused), default=0)
    return found | ({"least_s": least, "ratio": wall / least} if least else {})


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--pairs", action="store_true", help="pairs in both orders instead of answers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds of one reply")
    parser.add_argument("--only", nargs="*", help="sides, of those named above")
    options = parser.parse_args()
    asked, latency = requests(options.calls, options.pairs), options.latency
    sides: dict[str, Side] = {"ours": ours, "threads-8": threads(8), "threads-40": threads(40), "loop": threads(1)}
    sides["loop-40"] = threads(40, tries=16, wait=10, retries=0)
    servers = {
        "no limit": Served(latency=latency),
        "429 above 16": Served(latency=latency, in_flight=16),
        "429 above 16, Retry-After 1": Served(latency=latency, in_flight=16, retry_after="1"),
        "1,200 calls a minute": Served(latency=latency, per_minute=1200),
        "1,200 calls a minute, told": Served(latency=latency, per_minute=1200, tells=True),
        "120,000 tokens a minute, told": Served(latency=latency, per_minute=120_000, tokens=True, tells=True),
        "no latency": Served(latency=0.0),
    }
    for server, served in servers.items():
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in options.only or sides}
        for number in range(options.rounds):
            for name, measured in runs.items():
                if name != "loop" or (number == 0 and server == "no limit"):  # waiting says the same every time
                    measured.append(timed(sides[name], asked, served))
        for name, measured in runs.items():
            figures = []
            for figure in measured[0] if measured else ():
                values = [run[figure] for run in measured]
                form = ".2f" if figure.endswith(("_s", "ratio")) else ".0f"
                spread = f"{min(values):{form}}..{max(values):{form}}"
                figures.append(f"{figure} {statistics.median(values):{form}} ({spread})")
            if figures:
                sys.stdout.write(
                    f"judge, {len(asked)} calls of {latency:g} s, {server}: {name}: {', '.join(figures)}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
