"""Having everything judged: each request is asked once, whatever hangs on it, and what it says is read as it comes.

Every attempt at a call is in the journal under the content of its request, before it leaves and when it ends: a killed
job goes on where it was and asks for nothing that is on record. The few calls that were in flight are asked again, and
counted at the most that they may have cost. When more fails than `max_failed_share` allows the job fails; its answered
calls stay in the journal.
"""

import contextlib
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from jobs.lib.chat.asking import Asking
from jobs.lib.chat.calls import Failure, FailureCount, Reply, Request
from jobs.lib.chat.endpoint import Endpoint, announced
from jobs.lib.chat.request_scheduler import Observer
from jobs.lib.chat.reuse import Reuse
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from jobs.lib.judging.structured import parse_structured
from jobs.lib.judging.targets import Target
from jobs.lib.judging.verdict import Reading, parse
from polyglot.core.errors import Permanent, PolyglotError
from polyglot.core.records import UNSET, UnsetType
from polyglot.kinds.judge_prompts import Mode
from polyglot.kinds.judging import JudgingParams

_PROGRESS_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of one request: its verdict, and the reply that it was read from, where there was one."""

    reading: Reading
    reply: Reply | None

    @property
    def text(self) -> str:
        """What the judge wrote."""
        return self.reply.text if self.reply else ""

    @property
    def prompt_tokens(self) -> int:
        """As the endpoint counted them; 0 where it did not."""
        return (self.reply.prompt_tokens or 0) if self.reply else 0

    @property
    def completion_tokens(self) -> int:
        """As the endpoint counted them; 0 where it did not."""
        return (self.reply.completion_tokens or 0) if self.reply else 0


class Server(Protocol):
    """A judge of our own that runs for as long as it is asked."""

    base_url: str


BuiltIn = Callable[[], AbstractContextManager[Server]]


def grade(
    context: Context, params: JudgingParams, targets: Sequence[Target], built_in: BuiltIn, mode: Mode
) -> dict[str, Judged]:
    """Ask for everything and return the results by the id of the request. `built_in` starts the built-in judge.

    Raises Permanent, or PolyglotError for an outage of the endpoint.
    """
    settings = CallSettings.of(context.settings)
    if params.endpoint != "built-in":
        settings.require_prices()
    usage = UsageLog(context.journal, settings)
    by_id: dict[str, list[Target]] = defaultdict(list)
    requests: dict[str, Request] = {}
    for target in targets:
        for request in target.requests:
            requests.setdefault(request.id, request)
            by_id[request.id].append(target)
    what = "%s: %d verdicts, %d calls, %d of them on record"
    context.log.info(what, params.kind, len(targets), len(by_id), usage.resumed)
    with Reuse(context, usage, settings, built_in=params.endpoint == "built-in") as reuse:
        reuse.take(requests.values())
        pending = [request for id_, request in requests.items() if id_ not in usage.results]
        grading = GradingProgress(
            context=context, usage=usage, by_id=by_id, allowed_share=settings.max_failed_share, mode=mode
        )
        try:
            if pending:
                with _endpoint(context, params, settings, built_in) as endpoint:
                    observer = Observer(settled=grading.settled, stopping=context.stopping, remark=context.remark)
                    _ask(context, Asking(context, endpoint, settings, usage, observer), usage, pending)
            else:
                _account(context, usage, None)
        finally:
            grading.show()
    grading.check(final=True)
    return grading.results


def _ask(context: Context, scheduler: Asking, usage: UsageLog, pending: Sequence[Request]) -> None:
    """Ask for all of it. Raises Interrupted when asked to stop first."""
    try:
        complete = scheduler.run(pending)
    finally:
        context.journal.flush()
        _account(context, usage, scheduler)
    if not complete:
        context.raise_if_stopping()


class GradingProgress:
    """What has come in so far: counts for the progress line, and the early end when too much fails."""

    def __init__(
        self,
        *,
        context: Context,
        usage: UsageLog,
        by_id: Mapping[str, Sequence[Target]],
        allowed_share: float,
        mode: Mode,
    ) -> None:
        self._context, self._usage, self._by_id, self._share = context, usage, by_id, allowed_share
        self._mode = mode
        self._total = sum(len(group) for group in by_id.values())
        self._failures = FailureCount(self._total, allowed_share)
        self.results: dict[str, Judged] = {}
        self._done = 0
        self._details: dict[str, str] = {}
        self._started, self._shown = time.monotonic(), 0.0
        for id_ in by_id:
            if id_ in usage.results:
                self._take(id_, usage.results[id_])
        self._resumed = self._done
        self.check()

    def settled(self, request: Request, result: Reply | Failure) -> None:
        """One call has come to its end. Raises as soon as too many have failed, whatever the rest would bring."""
        self._take(request.id, result)
        self.check()
        if time.monotonic() - self._shown > _PROGRESS_SECONDS:
            self.show()

    def show(self) -> None:
        """Say how far it is."""
        self._shown = time.monotonic()
        rate = (self._done - self._resumed) / max(1e-3, self._shown - self._started)
        figures = {"per_second": round(rate, 1), "failed": float(self._failures.failed)}
        if self._usage.spent_usd:
            figures["usd"] = round(self._usage.spent_usd, 4)
        self._context.progress(self._done, self._total, "verdicts", **figures)

    def check(self, *, final: bool = False) -> None:
        """Raise when more than the allowed share of all verdicts has failed."""
        if not self._failures.too_many:
            return
        first = next(iter(self._details.values()), "")
        so_far = "" if final else " so far"
        line = (
            f"{self._failures.failed} of {self._total} verdicts failed{so_far}, more than max-failed-share "
            f"{self._share:g} allows: {self._failures.commonest()}; first {first}. Answered calls are kept"
        )
        if self._failures.is_outage:
            raise PolyglotError(f"the judge is not answering: {line}")
        raise Permanent(f"{line}. {self._failures.remedy()}")

    def _take(self, id_: str, result: Reply | Failure) -> None:
        group = self._by_id[id_]
        request = next(request for request in group[0].requests if request.id == id_)
        reading = _read(request, result, self._mode)
        self.results[id_] = Judged(reading=reading, reply=result if isinstance(result, Reply) else None)
        self._done += len(group)
        reason = reading.reason
        if reason is None:
            return
        self._failures.count(reason, result, len(group))
        detail = result.detail if isinstance(result, Failure) else ""
        self._details.setdefault(reason, f"{group[0].label}: {reason}" + (f" ({detail})" if detail else ""))


@contextlib.contextmanager
def _endpoint(context: Context, params: JudgingParams, settings: CallSettings, built_in: BuiltIn) -> Iterator[Endpoint]:
    """The endpoint to ask: the study's, or the built-in judge, which runs as long as it is needed."""
    if params.endpoint == "built-in":
        with built_in() as server:
            yield Endpoint(base_url=server.base_url, ours=True)
        return
    yield announced(settings, os.environ, context.log, asker=params.kind, asks=params.endpoint)


def _account(context: Context, usage: UsageLog, scheduler: Asking | None) -> None:
    """Cost, tokens and times into the volatile part, those of earlier and repeated attempts too."""
    context.volatile |= usage.account()
    if scheduler is not None:
        context.volatile |= {"calls_in_flight_at_most": scheduler.peak, "slow_downs": scheduler.cuts}
        if scheduler.latencies:
            context.volatile["latency_seconds_median"] = round(statistics.median(scheduler.latencies), 4)


def _read(request: Request, result: Reply | Failure, mode: Mode) -> Reading:
    if isinstance(result, Failure):
        return Reading(reason=result.reason)
    if result.withheld:
        return Reading(reason=result.withheld)
    if request.response_format is not None:
        return parse_structured(result.text, result.finish_reason, request.response_format)
    return parse(result.text, result.finish_reason, mode=mode)


def served_by(results: Mapping[str, Judged]) -> tuple[str, ...]:
    """The names that the endpoint gave of itself, sorted."""
    return tuple(sorted({one.reply.served_by for one in results.values() if one.reply and one.reply.served_by}))


def fingerprints(results: Mapping[str, Judged]) -> tuple[str, ...] | UnsetType:
    """The fingerprints that the endpoint gave, sorted; UNSET where it gave none."""
    return tuple(sorted({one.reply.fingerprint for one in results.values() if one.reply} - {""})) or UNSET
