"""Reading what an ended batch answered: both of its files line by line, in whatever order, into the journal.

Never more than a part of a file is in memory. A line whose request has its end already is passed over, so a file that
broke off is read again from its beginning, in this start or the next. What has no line gets its end too.
"""

import asyncio
import json
from collections.abc import Callable

from openai import NotFoundError
from openai.types import Batch

from jobs.lib.chat.batch.log import OpenBatch
from jobs.lib.chat.batch.provider import Provider
from jobs.lib.chat.calls import ErrorClass, Failure, Reply
from jobs.lib.chat.usage_log import UsageLog

_GROUP = 2000  # lines between two waits for the journal, which bound what it queues
_READINGS = 3  # of a file that has fewer lines than the batch says


class Collector:
    """Of one batch."""

    def __init__(self, provider: Provider, usage: UsageLog, settle: Callable[[str, Reply | Failure], None]) -> None:
        """`settle` hears of every end, once it is on its way into the journal, and may raise."""
        self._provider, self._usage, self._settle = provider, usage, settle
        self.hopeless: Failure | None = None  # what every call would get

    async def collect(self, batch: OpenBatch, seen: Batch) -> None:
        """Give every request of the batch its end."""
        whole = True
        if seen.output_file_id:  # first, as an answer says that no field is refused for good
            expected = seen.request_counts.completed if seen.request_counts else 0
            for _ in range(_READINGS):
                lines = await self._read(batch, seen.output_file_id)
                whole = lines is not None
                if lines is None or lines >= expected:
                    break
        if seen.error_file_id and batch.ids:
            whole &= await self._read(batch, seen.error_file_id) is not None
        for id_ in list(batch.ids):
            self._end(id_, _missing(seen.status, files=whole))

    async def _read(self, batch: OpenBatch, file_id: str) -> int | None:
        """The number of lines of a file; None when it is not there any more."""

        async def read() -> int | Failure:
            num_lines = 0
            try:
                async for line in self._provider.chat.lines(file_id):
                    num_lines += self._take(batch, line)
                    if num_lines % _GROUP == 0:
                        await asyncio.to_thread(self._usage.flush)
            except Exception as error:
                if isinstance(error, NotFoundError):
                    return -1
                return self._provider.chat.failure(error)
            return num_lines

        found = await self._provider.ask(read, "reading the results of a batch")
        return None if found < 0 else found

    def _take(self, batch: OpenBatch, line: bytes) -> bool:
        """Take in one line; False for what is none."""
        try:
            document = json.loads(line)
            id_ = document["custom_id"]
        except (ValueError, KeyError, TypeError):
            return False
        if id_ in batch.ids:
            self._end(id_, self._provider.chat.read_line(document, batch.limit))
        return True

    def _end(self, id_: str, outcome: Reply | Failure) -> None:
        self._usage.collected(id_, outcome)
        if isinstance(outcome, Failure) and outcome.error is ErrorClass.FATAL:
            self.hopeless = self.hopeless or outcome
        self._settle(id_, outcome)


def _missing(status: str, *, files: bool) -> Failure:
    """Of a request that no line is there for."""
    if not files:
        detail = "the file with its result is not there any more"
        return Failure(reason="batch-file-gone", error=ErrorClass.TRANSIENT, detail=detail, may_be_billed=True)
    unfinished = status in ("expired", "cancelled")
    reason = f"batch-{status}" if unfinished else "batch-missing"
    detail = f"the batch is {status} and has no line for it"
    return Failure(reason=reason, error=ErrorClass.TRANSIENT, detail=detail, may_be_billed=not unfinished)
