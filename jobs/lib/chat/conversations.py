"""Conversations with a chat model, turn by turn: a turn is asked when the one before it has its answer.

What is on record in the journal is not asked again, by a restart as little as by a later attempt, nor is what another
stage was answered; equal requests are asked once. A call that will fail every time is its conversation's affair; an
endpoint that is not answering fails the attempt.
"""

from collections.abc import Sequence
from typing import Protocol

from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.request_scheduler import Observer, RequestScheduler
from jobs.lib.chat.reuse import Reuse
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from polyglot.core.errors import Interrupted, PolyglotError


class Conversation(Protocol):
    """One conversation as far as it has come."""

    @property
    def open(self) -> bool:
        """Whether there is a turn to be asked."""
        ...

    @property
    def label(self) -> str:
        """The next turn, for people: "DE 101 turn 2"."""
        ...

    def request(self) -> Request:
        """What is asked next."""
        ...

    def take(self, result: Reply | Failure) -> None:
        """Take the result of it."""
        ...


def converse(
    context: Context,
    endpoint: Endpoint,
    settings: CallSettings,
    usage: UsageLog,
    conversations: Sequence[Conversation],
    unit: str,
) -> None:
    """Ask until no conversation is open; progress counts `unit` by turn. Raises Interrupted, PolyglotError."""
    turn = 0
    with Reuse(context, usage, settings, built_in=endpoint.ours) as reuse:
        while waiting := [conversation for conversation in conversations if conversation.open]:
            turn += 1
            requests = [conversation.request() for conversation in waiting]
            reuse.take(requests)
            _ask(context, endpoint, settings, usage, waiting, requests, f"{unit} to turn {turn}")


def _ask(
    context: Context,
    endpoint: Endpoint,
    settings: CallSettings,
    usage: UsageLog,
    waiting: Sequence[Conversation],
    requests: Sequence[Request],
    unit: str,
) -> None:
    """Ask the next turn of every conversation, what is on record aside."""
    results = {request.id: usage.results[request.id] for request in requests if request.id in usage.results}
    pending = list({request.id: request for request in requests if request.id not in results}.values())
    labels = {request.id: waits.label for request, waits in zip(requests, waiting, strict=True)}
    total = len(results) + len(pending)

    def settled(request: Request, result: Reply | Failure) -> None:
        if isinstance(result, Failure) and result.error is not ErrorClass.FINAL:
            raise PolyglotError(
                f"{endpoint.base_url} is not answering: {labels[request.id]}: {result.reason}: {result.detail}. "
                "Answered calls are kept"
            )
        results[request.id] = result
        figures = {"usd": round(usage.spent_usd, 4)} if usage.spent_usd else {}
        context.progress(len(results), total, unit, **figures)

    if pending:
        observer = Observer(settled=settled, stopping=context.stopping, remark=context.remark)
        scheduler = RequestScheduler(endpoint, settings, usage, observer)
        if not scheduler.run(pending):
            raise Interrupted("asked to stop; what was answered is on record")
    for request, conversation in zip(requests, waiting, strict=True):
        conversation.take(results[request.id])
