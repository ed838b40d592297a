"""The record of every attempt at every call, and what all of it cost.

Two journal records an attempt: `{"id", "attempt", "final": false, "outcome": "sent", …}`, durable before a paid call
leaves, and its end, `{…, "outcome": "reply" | "failure", …}`. The first reply to an id is its result, whatever comes
later; what has none is asked again after a restart, and so is what failed for good: the endpoint may have been mended.
A reply that another stage paid for is on record too: `{"id", "outcome": "reused", "from": "<kind>/<key>", …}`.
Every record's cost counts, repeats too. An attempt that broke off after it was sent may have been billed without our
seeing the bill, and so was a reply whose tokens nobody counted: such records carry `cost_usd_at_most`, which counts
against the budget and is shown apart. One that was sent and has no end was in flight when the job was killed: it counts
as "lost", at the most that it can cost; one that went out in a batch, as long as that is open, is not lost: its answer
is still to be had.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

import msgspec

from jobs.lib.chat.batch.log import BatchLog
from jobs.lib.chat.call_record import CallRecord
from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.completion import known_end
from jobs.lib.chat.settings import CallSettings
from jobs.lib.context import Journal
from polyglot.core.canonical import Json

_UNHEARD = (
    "unreachable",
    "connection",
    "timeout",
    "cancelled",
    "batch-not-created",
)  # failures in which nothing was heard of the endpoint


class UsageLog:
    """Reads what earlier attempts of the stage recorded, then appends."""

    def __init__(self, journal: Journal, settings: CallSettings) -> None:
        self._journal, self._settings = journal, settings
        self.results: dict[str, Reply | Failure] = {}
        self.cost_usd = self.cost_usd_unseen = 0.0
        self.prompt_tokens = self.completion_tokens = 0
        self.reached = False  # the endpoint has answered at some time, in whichever attempt
        self.uncounted = 0  # replies whose tokens nobody counted
        self.attempts: Counter[str] = Counter()  # by outcome: "reply", "timeout", "http-500", …
        self._open: dict[str, float] = {}  # id of an attempt in flight -> the most that it can cost
        self.sendings: Counter[str] = Counter()  # by id, in whichever attempt at the stage
        self.batches = BatchLog()
        self.reused: dict[str, str] = {}  # of what other stages paid for, by id: whose it is, as "judge/ab12…"
        self._reading = True
        for record in journal.read():
            self._count(record)
        self._reading = False
        for id_ in [id_ for id_ in self._open if id_ not in self.batches.holding]:
            self._lose(id_)
        self.resumed = len(self.results)

    @property
    def spent_usd(self) -> float:
        """What the budget counts: costs seen and the most that unseen ones may be."""
        return self.cost_usd + self.cost_usd_unseen

    @property
    def in_batches_usd(self) -> float:
        """The most that what open batches hold can cost."""
        return sum(self._open[id_] for id_ in self.batches.holding)

    def account(self) -> dict[str, Json]:
        """Cost and tokens of all attempts, earlier and repeated ones too: for the volatile part of a manifest."""
        return {
            "cost_usd": round(self.cost_usd, 6),
            "cost_usd_unseen_at_most": round(self.cost_usd_unseen, 6),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            **({"replies_without_usage": self.uncounted} if self.uncounted else {}),
            "attempts": dict(sorted(self.attempts.items())),
            **({"reused_calls": len(self.reused), "reused_from": self._origins()} if self.reused else {}),
            "resumed_calls": self.resumed,
        }

    def _origins(self) -> dict[str, int]:
        """How many replies each other stage has given."""
        return dict(sorted(Counter(self.reused.values()).items()))

    def reuse(self, request: Request, reply: Reply, origin: str) -> None:
        """Have the reply that another stage ("judge/ab12…") got to the same request."""
        record: dict[str, Json] = {
            "id": request.id,
            "outcome": "reused",
            "final": True,
            "from": origin,
            "cost_usd": 0.0,
        }
        self._append(record | asdict(reply))

    def most_usd(self, request: Request, *, batched: bool = False) -> float:
        """The most that one attempt at this request can cost."""
        most = self._settings.cost_usd(request.prompt_tokens_most, request.max_tokens)
        return most * self._settings.batch_price_factor if batched else most

    def sent(self, request: Request, *, attempt: int, batch: str = "") -> None:
        """Say that an attempt is about to leave, perhaps in a batch of that name. Durable after `flush`."""
        record: dict[str, Json] = {"id": request.id, "attempt": attempt, "outcome": "sent", "final": False}
        record |= {"cost_usd": 0.0, "cost_usd_at_most": self.most_usd(request, batched=bool(batch))}
        self._append(record | {"batch": batch} if batch else record)

    def say_of_batch(self, name: str, status: str, **said: Json) -> None:
        """Say how far a batch is: see `batch.log`. Durable after `flush`."""
        self._append({"id": name, "outcome": "batch", "final": False, "status": status, **said})

    def collected(self, id_: str, outcome: Reply | Failure) -> None:
        """Append the end of what an open batch holds, at the price of batches; who asked may be of another start."""
        most, share = self._open[id_], self._settings.batch_price_factor
        record: dict[str, Json] = {"id": id_, "attempt": self.sendings[id_], "batch": self.batches.holding[id_]}
        if isinstance(outcome, Reply):
            prompt, completion = outcome.prompt_tokens, outcome.completion_tokens
            seen = share * self._settings.cost_usd(prompt or 0, completion or 0)
            record |= {"outcome": "reply", "final": True, "cost_usd": seen, **asdict(outcome)}
            if None in (prompt, completion):
                record["cost_usd_at_most"] = max(0.0, most - seen)
        else:
            record |= _failed(outcome) | ({"cost_usd_at_most": most} if outcome.may_be_billed else {})
        self._append(record)

    def flush(self) -> None:
        """Return when every record is durable; blocks."""
        self._journal.flush()

    def record(self, request: Request, outcome: Reply | Failure, *, attempt: int, latency_seconds: float) -> None:
        """Append one attempt; a final one becomes the result of its request."""
        record: dict[str, Json] = {"id": request.id, "attempt": attempt, "latency_seconds": round(latency_seconds, 4)}
        if isinstance(outcome, Reply):
            record |= {"outcome": "reply", "final": True, **self._cost(request, outcome), **asdict(outcome)}
        else:
            record |= _failed(outcome)
            if outcome.may_be_billed:
                record["cost_usd_at_most"] = self.most_usd(request)
        self._append(record)

    def _append(self, record: Mapping[str, Json]) -> None:
        self._count(record)
        self._journal.append(record)

    def _cost(self, request: Request, reply: Reply) -> dict[str, Json]:
        """What a reply cost; tokens that nobody counted are as many as there can be."""
        prompt, completion = reply.prompt_tokens, reply.completion_tokens
        unseen = self._settings.cost_usd(
            request.prompt_tokens_most if prompt is None else 0, request.max_tokens if completion is None else 0
        )
        seen: dict[str, Json] = {"cost_usd": self._settings.cost_usd(prompt or 0, completion or 0)}
        return seen | {"cost_usd_at_most": unseen} if unseen else seen

    def _count(self, told: Mapping[str, Json]) -> None:
        record = msgspec.convert(told, CallRecord)
        if record.outcome == "batch":
            self.batches.take(record)
            return
        if record.outcome == "reused":
            if record.id not in self.results:
                self.results[record.id] = record.reply(record.finish_reason or "")
                self.reused[record.id] = record.origin
            return
        if record.outcome == "sent":
            self._lose(record.id)  # an earlier one of this id was still open
            self._open[record.id] = record.cost_usd_at_most
            self.sendings[record.id] += 1
            self.batches.hold(record.id, record.batch)
            return
        self._open.pop(record.id, None)
        self.batches.release(record.id)
        is_reply = record.outcome == "reply"
        self.attempts["reply" if is_reply else record.reason] += 1
        self.reached |= is_reply or record.reason not in _UNHEARD
        self.cost_usd += record.cost_usd
        self.cost_usd_unseen += record.cost_usd_at_most
        if is_reply:
            self.prompt_tokens += record.prompt_tokens or 0
            self.completion_tokens += record.completion_tokens or 0
            self.uncounted += not record.prompt_tokens or record.completion_tokens is None
        if not record.final or record.id in self.results:
            return
        if is_reply:
            end = known_end(record.finish_reason)
            if end is not None:  # else it was written before such replies were asked for again
                self.results[record.id] = record.reply(end)
        elif not self._reading:  # an earlier start's failure is asked again: the endpoint may have been mended since
            self.results[record.id] = Failure(reason=record.reason, error=ErrorClass.FINAL, detail=record.detail)

    def _lose(self, id_: str) -> None:
        """Give up on an attempt that was sent and never heard of again."""
        if id_ in self._open:
            self.attempts["lost"] += 1
            self.cost_usd_unseen += self._open.pop(id_)
            self.batches.release(id_)


def _failed(failure: Failure) -> dict[str, Json]:
    """What a record says of a failure, its most cost aside."""
    said: dict[str, Json] = {"outcome": "failure", "reason": failure.reason, "detail": failure.detail, "cost_usd": 0.0}
    return said | {"final": failure.error is ErrorClass.FINAL}
