"""The judge job: every (question, sample, turn) of the answers is rated once, by one chat completion.

Reads `answers`, `questions` and, where the benchmark has them, `references`; writes verdicts/<LANG>.jsonl and
card.json. Every attempt at a call is in the journal under the content of its request, before it leaves and when it
ends: a killed job goes on where it was and asks for nothing that is on record. The few calls that were in flight are
asked again, and counted at the most that they may have cost. A verdict that could not be had is a record with a reason:
it is counted, and never averaged. When more calls fail than `max_failed_share` allows the job fails; its answered calls
stay in the journal.
"""

import contextlib
import os
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jobs.builtin.grader import templates
from jobs.builtin.server import JudgeServer
from jobs.judge.targets import Target, collect
from jobs.judge.verdict import Reading, parse
from jobs.lib.chat.asking import Asking
from jobs.lib.chat.calls import Failure, FailureCount, Reply, Request
from jobs.lib.chat.endpoint import Endpoint, announced
from jobs.lib.chat.request_scheduler import Observer
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from polyglot.core import records
from polyglot.core.errors import Permanent, PolyglotError
from polyglot.kinds.judge import JudgeCard, JudgeParams, Verdict, VerdictCounts

_PROGRESS_SECONDS = 0.5


def run(context: Context) -> None:
    """Rate everything, then write the verdicts. Raises Permanent, or PolyglotError for an outage of the endpoint."""
    params: JudgeParams = JudgeParams.of(context.stage)
    settings = CallSettings.of(context.settings)
    if params.endpoint != "built-in":
        settings.require_prices()
    prompt_files = {language: context.blob(params.prompts_sha256[language]) for language in params.languages}
    targets = collect(context.inputs, params, prompt_files)
    usage = UsageLog(context.journal, settings)
    by_id: dict[str, list[Target]] = defaultdict(list)
    for target in targets:
        if target.request is not None:
            by_id[target.request.id].append(target)
    pending = [group[0].request for id_, group in by_id.items() if id_ not in usage.results and group[0].request]
    grading = GradingProgress(context=context, usage=usage, by_id=by_id, allowed_share=settings.max_failed_share)
    context.log.info("judge: %d verdicts, %d calls, %d of them on record", len(targets), len(by_id), usage.resumed)
    try:
        if pending:
            with _endpoint(context, params, settings, prompt_files) as endpoint:
                observer = Observer(settled=grading.settled, stopping=context.stopping, remark=context.remark)
                scheduler = Asking(context, endpoint, settings, usage, observer)
                try:
                    complete = scheduler.run(pending)
                finally:
                    context.journal.flush()
                    _account(context, usage, scheduler)
            if not complete:
                context.raise_if_stopping()
        else:
            _account(context, usage, None)
    finally:
        grading.show()
    grading.check(final=True)
    _write(context, params, targets, grading.results)


class GradingProgress:
    """What has come in so far: counts for the progress line, and the early end when too much fails."""

    def __init__(
        self, *, context: Context, usage: UsageLog, by_id: Mapping[str, Sequence[Target]], allowed_share: float
    ) -> None:
        self._context, self._usage, self._by_id, self._share = context, usage, by_id, allowed_share
        self._total = sum(len(group) for group in by_id.values())
        self._failures = FailureCount(self._total, allowed_share)
        self.results: dict[str, tuple[Reading, Reply | Failure]] = {}
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
        reading = _read(result)
        self.results[id_] = reading, result
        self._done += len(group)
        reason = reading.reason
        if reason is None:
            return
        self._failures.count(reason, result, len(group))
        detail = result.detail if isinstance(result, Failure) else ""
        self._details.setdefault(reason, f"{group[0].label}: {reason}" + (f" ({detail})" if detail else ""))


@contextlib.contextmanager
def _endpoint(
    context: Context, params: JudgeParams, settings: CallSettings, prompt_files: Mapping[str, Path]
) -> Iterator[Endpoint]:
    """The endpoint to ask: the study's, or the built-in judge, which runs as long as it is needed."""
    if params.endpoint == "built-in":
        with JudgeServer(templates(prompt_files)) as server:
            yield Endpoint(base_url=server.base_url, ours=True)
        return
    yield announced(settings, os.environ, context.log, asker="judge", asks=params.endpoint)


def _account(context: Context, usage: UsageLog, scheduler: Asking | None) -> None:
    """Cost, tokens and times into the volatile part, those of earlier and repeated attempts too."""
    context.volatile |= usage.account()
    if scheduler is not None:
        context.volatile |= {"calls_in_flight_at_most": scheduler.peak, "slow_downs": scheduler.cuts}
        if scheduler.latencies:
            context.volatile["latency_seconds_median"] = round(statistics.median(scheduler.latencies), 4)


def _read(result: Reply | Failure) -> Reading:
    if isinstance(result, Failure):
        return Reading(reason=result.reason)
    return parse(result.text, result.finish_reason, refused=result.refused)


def _write(
    context: Context,
    params: JudgeParams,
    targets: Sequence[Target],
    results: Mapping[str, tuple[Reading, Reply | Failure]],
) -> None:
    """Write verdicts/<LANG>.jsonl in the order of questions, samples and turns, and card.json."""
    (context.out / "verdicts").mkdir(parents=True, exist_ok=True)
    replies = {id_: result for id_, (_, result) in results.items() if isinstance(result, Reply)}
    languages = {}
    for language in params.languages:
        verdicts = [
            _verdict(target, results[target.request.id][0], replies.get(target.request.id))
            if target.request is not None
            else _verdict(target, Reading(reason="no-answer"), None)
            for target in targets
            if target.language == language
        ]
        lines = b"".join(records.to_json(verdict) + b"\n" for verdict in verdicts)
        (context.out / "verdicts" / f"{language}.jsonl").write_bytes(lines)
        languages[language] = counted(verdicts)
    card = JudgeCard(
        endpoint=params.endpoint,
        model=params.model,
        served_by=tuple(sorted({reply.served_by for reply in replies.values() if reply.served_by})),
        languages=languages,
    )
    (context.out / "card.json").write_bytes(records.to_json(card) + b"\n")
    context.metrics["verdicts"] = sum(entry.verdicts for entry in languages.values())
    context.metrics["failed"] = sum(entry.failed for entry in languages.values())


def counted(verdicts: Sequence[Verdict]) -> VerdictCounts:
    """Count the verdicts in one language."""
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.reason is not None)
    fallbacks = Counter(verdict.fallback for verdict in verdicts if verdict.fallback is not None)
    failed = reasons.total()
    return VerdictCounts(
        verdicts=len(verdicts),
        failed=failed,
        failed_share=round(failed / len(verdicts), 6) if verdicts else 0.0,
        reasons=dict(sorted(reasons.items())),
        fallbacks=dict(sorted(fallbacks.items())),
        conflicting=sum(verdict.conflicting for verdict in verdicts),
    )


def _verdict(target: Target, reading: Reading, reply: Reply | None) -> Verdict:
    return Verdict(
        id=target.id,
        language=target.language,
        category=target.category,
        sample=target.sample,
        turn=target.turn,
        prompt=target.prompt,
        fallback=target.fallback,
        score=reading.score,
        reason=reading.reason,
        conflicting=reading.conflicting,
        text=reply.text if reply else "",
        prompt_tokens=(reply.prompt_tokens or 0) if reply else 0,
        completion_tokens=(reply.completion_tokens or 0) if reply else 0,
    )
