"""Ask a chat model many things by batches; the counterpart of the request scheduler, with the same journal and budget.

A batch is journalled before anything is uploaded, then made under a name of its own, looked at until it has ended, and
read line by line. Whatever kills the worker, and wherever it goes on, the journal says what is open: a batch that was
created is collected, one that may have been is looked for under its name, and only what no batch holds is put into a
new one. What failed in passing is asked again in a next batch, `attempts` times. When asked to stop it stops at once:
batches go on at the provider. What they hold is reserved of the budget, at the most that it can cost.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from openai.types import Batch

from jobs.lib.chat.batch.client import NAME, BatchChat
from jobs.lib.chat.batch.collect import Collector
from jobs.lib.chat.batch.log import OpenBatch
from jobs.lib.chat.batch.parts import Room, batch_name, same_requests
from jobs.lib.chat.batch.provider import Provider
from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import POLL_SECONDS, Observer
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from polyglot.core.errors import OverBudget, Permanent, PolyglotError

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_FIRST_LOOK_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 3600.0  # before what failed is asked again
_KEPT_SECONDS = 30 * 86_400  # that providers keep files for
_FULL = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})  # of a batch that finds no room in the queue now
_CONNECTIONS = 4
_FEWEST = 50  # requests of a batch that is made smaller, as the queue has no room for it
_NOT_CREATED = Failure(reason="batch-not-created", error=ErrorClass.TRANSIENT)


class BatchScheduler:
    """One run over a list of requests with different ids; see RequestScheduler, whose place it takes."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: CallSettings,
        usage: UsageLog,
        observer: Observer,
        *,
        stage_key: str,
        folder: Path,
        label: str = "",
    ) -> None:
        """`folder` is for input files on their way, 200 MB at most; `label` is told to the provider, for people."""
        self._endpoint, self._settings, self._usage, self._observer = endpoint, settings, usage, observer
        self._key, self._folder, self._label = stage_key, folder, label
        self._wanted: dict[str, Request] = {}
        self._fresh: deque[Request] = deque()
        self._again: list[Request] = []
        self._failed = Counter[str]()  # by id, in this run
        self._most_requests = settings.batch_requests
        self._full_since: float | None = None  # the provider's queue
        self._taking_back, self._said = False, ""
        self.latencies: list[float] = []  # there are none of single calls
        self.peak = self.cuts = 0

    def run(self, requests: Sequence[Request]) -> bool:
        """Ask for everything; False when it was asked to stop before all was settled. Raises what `settled` raises."""
        self._wanted = {request.id: request for request in requests}
        return asyncio.run(self._until_stopped())

    def take_back(self, requests: Sequence[Request]) -> list[Request] | None:
        """End what is open, and keep what it answered; what of the requests is left. None when asked to stop."""
        self._wanted = {request.id: request for request in requests}
        self._taking_back = True
        if not asyncio.run(self._until_stopped()):
            return None
        return [request for request in requests if request.id in self._wanted]

    async def _until_stopped(self) -> bool:
        async with BatchChat(
            self._endpoint, timeout_seconds=self._settings.timeout_seconds, connections=_CONNECTIONS
        ) as chat:
            chat.limit = self._usage.batches.limit
            reached = self._usage.reached or any(batch.batch_id for batch in self._open)
            provider = Provider(chat, self._settings, reached=reached, remark=self._remark)
            work = asyncio.create_task(self._take_back(provider) if self._taking_back else self._work(provider))
            try:
                while not work.done():
                    await asyncio.wait({work}, timeout=POLL_SECONDS)
                    if self._observer.stopping() and not work.done():
                        return False
                work.result()
                return True
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _work(self, provider: Provider) -> None:
        await self._find_open(provider)
        holding = self._usage.batches.holding
        self._fresh.extend(request for id_, request in self._wanted.items() if id_ not in holding)
        rounds = 0
        while self._fresh or self._again or self._open:
            if not self._fresh and not self._open:
                rounds += 1
                longest = self._settings.batch_poll_seconds * 2.0 ** (rounds - 1)
                self._remark(f"{len(self._again)} calls of batches failed and are asked again soon")
                await asyncio.sleep(min(_LONGEST_PAUSE_SECONDS, longest))
                self._fresh.extend(self._again)
                self._again.clear()
            await self._submit(provider)
            await self._until_one_ends(provider)
            if self._full_since and not self._open:
                await asyncio.sleep(self._settings.batch_poll_seconds)
        self._remark("")

    async def _take_back(self, provider: Provider) -> None:
        await self._find_open(provider)
        for batch in self._open:
            if not batch.cancelled_by_us:
                self._usage.say_of_batch(batch.name, "cancelling")
                await asyncio.to_thread(self._usage.flush)
            await provider.cancel(batch.batch_id)
        while self._open:
            await self._until_one_ends(provider)
        self._remark("")

    @property
    def _open(self) -> list[OpenBatch]:
        return list(self._usage.batches.open.values())

    def _remark(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._observer.remark(text)

    # What earlier starts left

    async def _find_open(self, provider: Provider) -> None:
        """Learn the provider's id of every open batch; end those that were never created."""
        for batch in self._open:
            if batch.batch_id:
                continue
            found = await provider.find(batch.name, batch.at) if batch.at else None
            if found is None:
                self._end_all(batch, _NOT_CREATED, "never created")
            else:
                self._usage.say_of_batch(batch.name, "created", batch=found.id)
        await asyncio.to_thread(self._usage.flush)

    # Making batches

    async def _submit(self, provider: Provider) -> None:
        """Make batches of what is to be asked, as many as the budget and the provider have room for."""
        listed: list[Batch] | None = None
        while self._fresh and not (self._full_since and self._open):
            chosen, path = self._choose(provider.chat)
            if not chosen:
                path.unlink()
                return
            if listed is None:
                listed = list(await provider.listed(time.time()))
            await self._make(provider, chosen, path, listed)

    def _choose(self, chat: BatchChat) -> tuple[list[Request], Path]:
        """Write an input file with as many requests as fit. Raises OverBudget when not one does and none is open."""
        usage, limit = self._usage, self._settings.max_usd
        left = None if limit is None else limit - usage.spent_usd - usage.in_batches_usd
        room = Room(requests=self._most_requests, usd=left)
        chosen: list[Request] = []
        path = self._folder / "batch.jsonl"
        with path.open("wb") as file:
            while self._fresh:
                line = chat.line(self._fresh[0])
                if not room.take(len(line), usage.most_usd(self._fresh[0], batched=True)):
                    break
                chosen.append(self._fresh.popleft())
                file.write(line)
        if not chosen and not self._open:
            most = usage.most_usd(self._fresh[0], batched=True)
            if left is None or most <= left:
                raise Permanent(f"a request of {len(line)} bytes is larger than the {room.num_bytes} of a batch's file")
            raise OverBudget(
                f"the budget: the next call of a batch may cost {most:.4f} USD, {usage.spent_usd:.4f} of {limit:.4f} "
                "USD are spent. Raise budget.usd in the study file and submit again; calls that were answered are kept"
            )
        return chosen, path

    async def _make(self, provider: Provider, chosen: Sequence[Request], path: Path, listed: Sequence[Batch]) -> None:
        """Journal the intent, upload, create, journal that."""
        usage, chat = self._usage, provider.chat
        attempts = [(request.id, usage.sendings[request.id] + 1) for request in chosen]
        name = batch_name(self._key, attempts)
        for request, (_, attempt) in zip(chosen, attempts, strict=True):
            usage.sent(request, attempt=attempt, batch=name)
        where, at = self._endpoint.base_url, round(time.time(), 3)
        usage.say_of_batch(name, "intended", requests=len(chosen), at=at, base_url=where, limit=chat.limit)
        await asyncio.to_thread(usage.flush)
        other = _running(name, listed)  # of another worker at the same stage, whose journal we have not seen
        if other is None:
            uploaded = False
            try:
                file_id = await provider.upload(path, name)
                usage.say_of_batch(name, "uploaded", file=file_id)
                uploaded = True
                label = {"stage": self._label[:200]} if self._label else {}
                other = (await provider.create(file_id, name, label)).id
            except PolyglotError as error:
                if not uploaded or isinstance(error, Permanent):  # else it may be there, unseen
                    self._end_all(usage.batches.open[name], _NOT_CREATED, "never created")
                raise
        usage.say_of_batch(name, "created", batch=other)
        await asyncio.to_thread(usage.flush)
        path.unlink()
        self.peak = max(self.peak, len(usage.batches.holding))

    # Waiting for them

    async def _until_one_ends(self, provider: Provider) -> None:
        """Look at the open batches, ever less often, until at least one has ended; collect those that have."""
        pause = min(_FIRST_LOOK_SECONDS, self._settings.batch_poll_seconds)
        while self._open:
            ended = False
            looks: list[Batch] = []
            for batch in self._open:
                seen = await provider.look(batch.batch_id)
                if seen is None:
                    self._lose(batch)
                    ended = True
                elif _is_over(seen):
                    await self._collect(provider, batch, seen)
                    ended = True
                else:
                    self._check_age(seen)
                    looks.append(seen)
            if looks:
                self._remark(_progress(looks))
            if ended:
                return
            await asyncio.sleep(pause)
            pause = min(self._settings.batch_poll_seconds, 1.5 * pause)

    def _check_age(self, seen: Batch) -> None:
        hours = (time.time() - seen.created_at) / 3600
        if 3600 * hours > self._settings.batch_wait_seconds:
            raise PolyglotError(
                f"batch {seen.id} at {self._endpoint.base_url} is {seen.status} after {hours:.1f} h, longer than "
                "batch-wait-seconds. Cancel it there, or raise that, then `polyglot retry`; what it answers is kept"
            )

    def _lose(self, batch: OpenBatch) -> None:
        """The endpoint does not know a batch that was created. Raises Permanent unless it is too old to be known."""
        if time.time() - batch.at < _KEPT_SECONDS:
            when = datetime.fromtimestamp(batch.at, UTC)
            raise Permanent(
                f"the endpoint at {self._endpoint.base_url} knows no batch {batch.batch_id}, which was created at "
                f"{batch.base_url} on {when:%Y-%m-%d} and holds {len(batch.ids)} calls. Give the base-url and the "
                "key of the account that has it, then `polyglot retry`"
            )
        gone = Failure(reason="batch-gone", error=ErrorClass.TRANSIENT, may_be_billed=True)
        self._end_all(batch, gone, "gone")

    # Ends

    async def _collect(self, provider: Provider, batch: OpenBatch, seen: Batch) -> None:
        """Read what an ended batch answered. Raises Permanent for one that was refused, or cancelled by others."""
        if seen.status == "failed" and not (seen.output_file_id or seen.error_file_id):
            self._take_failed(provider, batch, seen)
            return
        self._remark(f"collecting {len(batch.ids)} results of batch {seen.id}, {seen.status}")
        collector = Collector(provider, self._usage, self._settle)
        await collector.collect(batch, seen)
        self._usage.say_of_batch(batch.name, "ended", **{"as": seen.status})
        await asyncio.to_thread(self._usage.flush)
        if collector.hopeless is not None and not self._taking_back:
            failure = collector.hopeless
            raise Permanent(f"the endpoint at {self._endpoint.base_url}: {failure.reason}: {failure.detail}")
        self._full_since = None
        self._most_requests = min(self._settings.batch_requests, 2 * self._most_requests)
        if seen.status == "cancelled" and not batch.cancelled_by_us and not self._taking_back:
            raise Permanent(
                f"batch {seen.id} at {self._endpoint.base_url} was cancelled by somebody. What it answered is kept; "
                "`polyglot retry` asks for the rest"
            )

    def _take_failed(self, provider: Provider, batch: OpenBatch, seen: Batch) -> None:
        """A batch that was refused as a whole: nothing of it was executed."""
        errors = (seen.errors.data if seen.errors else None) or []
        codes = {error.code for error in errors}
        said = "; ".join(
            f"line {error.line}: {error.message}" if error.line else str(error.message) for error in errors[:3]
        )
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        detail = provider.chat.say(f"{said}{more}" if said else "no reason is given")
        ids, full = list(batch.ids), bool(codes & _FULL)
        reason = "batch-queue-full" if full else "batch-refused"
        self._end_all(batch, Failure(reason=reason, error=ErrorClass.TRANSIENT, detail=detail), "failed")
        if self._taking_back:
            return
        if not full:
            raise Permanent(
                f"the endpoint at {self._endpoint.base_url} refused batch {seen.id} of {len(ids)} calls as a whole: "
                f"{detail}. Nothing of it was asked; mend what it says, or write `mode: live`, then `polyglot retry`"
            )
        self._fresh.extendleft(self._wanted[id_] for id_ in reversed(ids) if id_ in self._wanted)
        now = time.monotonic()
        self._full_since = self._full_since or now
        if now - self._full_since > self._settings.batch_wait_seconds:
            raise PolyglotError(f"the endpoint at {self._endpoint.base_url} has no room for batches: {detail}")
        if not self._open:  # it may be too large for the queue, even alone
            self._most_requests = max(min(len(ids), _FEWEST), len(ids) // 2)
        self._remark(f"no room for another batch now: {detail}")

    def _end_all(self, batch: OpenBatch, failure: Failure, how: str) -> None:
        """Give every request of a batch that was never executed, or cannot be had, this end."""
        for id_ in list(batch.ids):
            self._usage.collected(id_, failure)
            if failure.may_be_billed:
                self._settle(id_, failure)
        self._usage.say_of_batch(batch.name, "ended", **{"as": how})

    def _settle(self, id_: str, outcome: Reply | Failure) -> None:
        """What an end means for the run: settled, or to be asked again."""
        request = self._wanted.get(id_)
        if request is None:
            return
        if isinstance(outcome, Failure):
            if outcome.error is ErrorClass.FATAL:
                return
            self._failed[id_] += outcome.error in (ErrorClass.TRANSIENT, ErrorClass.SLOW_DOWN)
            may_pass = self._taking_back or self._failed[id_] < self._settings.attempts
            if outcome.error is not ErrorClass.FINAL and may_pass:
                self._again.append(request)
                return
        del self._wanted[id_]
        self._observer.settled(request, outcome)


def _running(name: str, listed: Sequence[Batch]) -> str | None:
    """The id of a batch of the same requests that has not ended."""
    running = {(batch.metadata or {})[NAME]: batch.id for batch in listed if batch.status not in _ENDED}
    other = same_requests(name, list(running))
    return None if other is None else running[other]


def _is_over(seen: Batch) -> bool:
    """Whether a batch has ended and its files are there."""
    counts = seen.request_counts
    answered = counts is not None and counts.completed > 0
    return seen.status in _ENDED and not (answered and seen.output_file_id is None and seen.status == "completed")


def _progress(looks: Sequence[Batch]) -> str:
    """What the stage waits for: "2 batches at the provider (in_progress): 1200 of 2400 calls answered, 3 failed"."""
    counts = [seen.request_counts for seen in looks if seen.request_counts]
    statuses = ", ".join(dict.fromkeys(seen.status for seen in looks))
    done, failed, total = (sum(getattr(one, name) for one in counts) for name in ("completed", "failed", "total"))
    which = f"batch {looks[0].id}" if len(looks) == 1 else f"{len(looks)} batches"
    since = datetime.fromtimestamp(min(seen.created_at for seen in looks), UTC)
    return f"{which} ({statuses}) since {since:%Y-%m-%d %H:%M} UTC: {done} of {total} calls answered, {failed} failed"
