"""How a stage asks many things that need nothing of each other: live or by batches, as its settings say.

Both read and write the same journal, so that a stage whose mode is changed half-way goes on: what the other way has
answered is not asked again, and what batches still hold when a stage is asked live is cancelled, and collected, first.
The program's own endpoint has no batches and costs nothing: it is always asked live.
"""

from collections.abc import Sequence

from jobs.lib.chat.batch.scheduler import BatchScheduler
from jobs.lib.chat.calls import Request
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import Observer, RequestScheduler
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context


class Asking:
    """One run over a list of requests with different ids, as RequestScheduler has it."""

    def __init__(
        self, context: Context, endpoint: Endpoint, settings: CallSettings, usage: UsageLog, observer: Observer
    ) -> None:
        self._live = RequestScheduler(endpoint, settings, usage, observer)
        self._batches = BatchScheduler(
            endpoint,
            settings,
            usage,
            observer,
            stage_key=context.stage.key,
            folder=context.work,
            label=context.label,
        )
        self._usage, self._by_batches = usage, settings.mode == "batch" and not endpoint.ours
        if settings.mode == "batch" and endpoint.ours:
            context.log.info("mode: batch: the built-in endpoint has no batches and is asked live")
        elif usage.batches.open and not self._by_batches:
            context.log.info("mode: live: %d open batches are cancelled and collected first", len(usage.batches.open))

    def run(self, requests: Sequence[Request]) -> bool:
        """Ask for everything; False when it was asked to stop before all was settled. Raises what `settled` raises."""
        if self._by_batches:
            return self._batches.run(requests)
        left: Sequence[Request] | None = requests
        if self._usage.batches.open:
            left = self._batches.take_back(requests)
        return left is not None and (not left or self._live.run(left))

    @property
    def latencies(self) -> list[float]:
        """Seconds of each call that was answered live."""
        return self._live.latencies

    @property
    def peak(self) -> int:
        """The most calls in flight, those in batches too."""
        return max(self._live.peak, self._batches.peak)

    @property
    def cuts(self) -> int:
        """How often the endpoint asked to slow down."""
        return self._live.cuts
