"""Ask a chat model many things at once: the one owner of retries, pace, budget and stopping.

A call is tried until it has a completion, a failure that would repeat, `attempts` transient failures, or its deadline.
Waits double with jitter from `backoff_seconds`; an endpoint's Retry-After is obeyed in full, and being told to slow
down, or that it cannot answer for now, uses up no attempts. An outage of the endpoint uses up neither attempts nor
time: calls wait for its end, as long as the stage may run. What the budget has left is reserved before a call is sent,
at the most that it can cost.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.chat import Chat
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.outage import PROBE_SECONDS, Outage
from jobs.lib.chat.pace import FIRST, Entry, Pace
from jobs.lib.chat.rate_headers import read_limits
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from polyglot.core.errors import OverBudget, Permanent, PolyglotError

LONGEST_BACKOFF_SECONDS = 30.0
POLL_SECONDS = 0.1  # how often stopping is looked at
DRAIN_SECONDS = 3.0  # calls in flight get this long when asked to stop: they are paid for
BUILT_IN_CONCURRENCY = 8  # it answers from this machine's own cores: more only wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """What the job wants to hear and say. `settled` is called after every call with its result and may raise.

    `remark` is told that the endpoint is away, and "" when it is back.
    """

    settled: Callable[[Request, Reply | Failure], None]
    stopping: Callable[[], bool]
    remark: Callable[[str], None] = lambda text: None


class RequestScheduler:
    """One run over a list of requests with different ids. `stopped` is true afterwards when it was cut short."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: CallSettings,
        usage: UsageLog,
        observer: Observer,
        *,
        is_probe: bool = False,
    ) -> None:
        """`is_probe`: an address that has never answered is a finding, after a minute, and no outage."""
        self._is_probe = is_probe
        self._endpoint, self._settings, self._usage, self._observer = endpoint, settings, usage, observer
        self._random = random.Random()  # noqa: S311 - jitter
        self._reserved = 0.0
        self._settled = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._next_flush: asyncio.Future[None] | None = None
        self._draining = False
        self.latencies: list[float] = []
        self._replies = self._written_tokens = 0
        self._read_tokens = self._read_estimate = 0  # of the prompts that the endpoint has counted
        self.peak = self.cuts = 0

    def run(self, requests: Sequence[Request]) -> bool:
        """Ask for everything; False when it was asked to stop before all was settled. Raises what `settled` raises."""
        return asyncio.run(self._run(requests))

    async def _run(self, requests: Sequence[Request]) -> bool:
        settings = self._settings
        concurrency = min(settings.concurrency, BUILT_IN_CONCURRENCY if self._endpoint.ours else settings.concurrency)
        pace = Pace(
            ceiling=concurrency,
            start=concurrency if self._endpoint.ours else FIRST,
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
        )
        queue = iter(requests)
        workers = min(concurrency, len(requests))
        longest = settings.call_deadline_seconds
        async with Chat(self._endpoint, timeout_seconds=settings.timeout_seconds, connections=concurrency) as chat:
            outage = Outage(
                self._endpoint.base_url,
                reached=self._usage.reached,
                first_wait_seconds=settings.backoff_seconds,
                give_up_seconds=min(PROBE_SECONDS, longest) if self._is_probe else longest,
                for_good=self._is_probe,
                look=chat.is_there,
                remark=self._observer.remark,
            )
            tasks = [asyncio.create_task(self._work(queue, chat, pace, outage)) for _ in range(workers)]
            try:
                return await self._watch(tasks, pace)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self.peak, self.cuts = pace.peak, pace.cuts

    async def _watch(self, tasks: Sequence[asyncio.Task[None]], pace: Pace) -> bool:
        running, drain_until = set(tasks), float("inf")
        loop = asyncio.get_running_loop()
        while running:
            done, running = await asyncio.wait(running, timeout=POLL_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
            if not self._draining and self._observer.stopping():
                self._draining, drain_until = True, loop.time() + DRAIN_SECONDS
                pace.stop()
            if loop.time() > drain_until:
                break
        return not self._draining

    async def _work(self, queue: Iterator[Request], chat: Chat, pace: Pace, outage: Outage) -> None:
        for request in queue:
            result = await self._call(request, chat, pace, outage)
            if result is None:
                return
            self._observer.settled(request, result)

    async def _call(self, request: Request, chat: Chat, pace: Pace, outage: Outage) -> Reply | Failure | None:
        """Bring one call to its end; None when asked to stop first."""
        loop, settings = asyncio.get_running_loop(), self._settings
        deadline, attempt, counted, waited = float("inf"), 0, 0, 0
        outcome: Reply | Failure | None = None
        while not self._draining:
            await outage.wait(self._sleep, lambda: self._draining)
            entered = await self._enter(request, pace)
            if entered is None:
                return None
            if outcome is not None and entered.at > deadline:  # the gate was closed for that long
                pace.leave(entered, answered=False)
                self._release(request)
                return outcome
            deadline = min(deadline, entered.at + settings.call_deadline_seconds)
            attempt += 1
            outcome = await self._attempt(request, chat, pace, entered, attempt)
            if isinstance(outcome, Reply):
                outage.answered(entered.at)
                return outcome
            self._raise_if_hopeless(outcome)
            if outcome.may_be_outage and await outage.is_away(outcome):
                deadline, outcome = float("inf"), None
                continue
            if not outcome.may_be_outage and outcome.reason not in ("timeout", "cancelled"):
                outage.answered(entered.at)
            counted += outcome.error is ErrorClass.TRANSIENT and not outcome.is_busy
            waited += 1
            if outcome.error is ErrorClass.FINAL or counted >= settings.attempts:
                return outcome
            wait = self._wait_seconds(outcome, waited)
            if loop.time() + wait > deadline:
                return outcome
            if outcome.error is not ErrorClass.SLOW_DOWN or outcome.wait_seconds is None:
                await self._sleep(wait)  # else the pace has it wait, with all others
        return None

    def _raise_if_hopeless(self, failure: Failure) -> None:
        """Raise Permanent for what no call can pass, PolyglotError for what lasts longer than a call may."""
        if failure.error is ErrorClass.FATAL:
            raise Permanent(f"the endpoint at {self._endpoint.base_url}: {failure.reason}: {failure.detail}")
        if (failure.wait_seconds or 0.0) > self._settings.call_deadline_seconds:
            raise PolyglotError(
                f"the endpoint at {self._endpoint.base_url} asks to wait {failure.wait_seconds:.0f} s, more than "
                f"call_deadline_seconds {self._settings.call_deadline_seconds:g}: {failure.detail}"
            )

    async def _attempt(self, request: Request, chat: Chat, pace: Pace, entered: Entry, attempt: int) -> Reply | Failure:
        loop, outcome = asyncio.get_running_loop(), None
        try:
            if not self._endpoint.ours:  # a call that costs is on record before it leaves, in case of a kill
                self._usage.sent(request, attempt=attempt)
                await self._durable()
            outcome = await chat.attempt(request, hear=lambda headers: pace.hear(entered, read_limits(headers)))
            return outcome
        finally:
            latency = loop.time() - entered.at
            if outcome is None:  # cancelled while the endpoint worked
                outcome = Failure(reason="cancelled", error=ErrorClass.TRANSIENT, may_be_billed=True)
            replied = isinstance(outcome, Reply)
            if isinstance(outcome, Reply):
                self.latencies.append(latency)
                written = outcome.completion_tokens or 0
                self._replies, self._written_tokens = self._replies + 1, self._written_tokens + written
                tokens = outcome.prompt_tokens + written - entered.tokens if outcome.prompt_tokens else 0
                if outcome.prompt_tokens:
                    self._read_tokens += outcome.prompt_tokens
                    self._read_estimate += request.prompt_tokens_estimate
            else:
                tokens = 0
            self._usage.record(request, outcome, attempt=attempt, latency_seconds=latency)
            self._release(request)
            wait = outcome.wait_seconds if isinstance(outcome, Failure) else None
            pace.leave(
                entered,
                answered=replied,
                slow_down=isinstance(outcome, Failure) and outcome.error is ErrorClass.SLOW_DOWN,
                wait_seconds=min(wait or 0.0, self._settings.call_deadline_seconds),
                tokens=tokens,
            )

    async def _durable(self) -> None:
        """Wait until every record so far is durable: one thread does it for all that wait at the time."""
        if self._next_flush is None:
            self._next_flush = asyncio.ensure_future(self._flush())
        await asyncio.shield(self._next_flush)

    async def _flush(self) -> None:
        async with self._flushing:
            self._next_flush = None  # who comes from now on waits for the next
            await asyncio.to_thread(self._usage.flush)

    def _wait_seconds(self, failure: Failure, tries: int) -> float:
        if failure.wait_seconds is not None:
            return failure.wait_seconds
        doubled = self._settings.backoff_seconds * 2.0 ** max(0, tries - 1)
        longest = min(LONGEST_BACKOFF_SECONDS, doubled)
        return longest * self._random.uniform(0.5, 1.0)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake up when asked to stop."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0 and not self._draining:
            await asyncio.sleep(min(left, POLL_SECONDS))

    async def _enter(self, request: Request, pace: Pace) -> Entry | None:
        """Reserve the most that the attempt can cost, then wait for room. None when asked to stop."""
        most, limit = self._usage.most_usd(request), self._settings.max_usd
        while limit is not None and self._usage.spent_usd + self._reserved + most > limit:
            if self._draining:
                return None
            if self._reserved <= 1e-12:
                raise OverBudget(
                    f"the budget: the next call may cost {most:.4f} USD, {self._usage.spent_usd:.4f} of "
                    f"{limit:.4f} USD are spent. Raise budget.usd in the study file and submit again; "
                    "calls that were answered are kept"
                )
            self._settled.clear()
            await self._settled.wait()
        self._reserved += most
        try:
            entered = await pace.enter(self._read(request), self._written(request))
        except asyncio.CancelledError:
            self._release(request)
            raise
        if entered is None:
            self._release(request)
        return entered

    def _read(self, request: Request) -> int:
        """An estimate of what a prompt has, by what the endpoint has counted of those so far."""
        if not self._read_estimate:
            return request.prompt_tokens_estimate
        return max(1, round(request.prompt_tokens_estimate * self._read_tokens / self._read_estimate))

    def _written(self, request: Request) -> int:
        """An estimate of what a reply has, by those so far."""
        return min(request.max_tokens, self._written_tokens // self._replies) if self._replies else 0

    def _release(self, request: Request) -> None:
        self._reserved = max(0.0, self._reserved - self._usage.most_usd(request))
        self._settled.set()
