"""One call, one price: what any stage of the store was answered is not asked again, and what this one is, is left.

Taken is a reply to exactly the same request: model, temperature, limit, seed, effort, format of the reply, messages,
and the number of the sample; the address of the endpoint is in it as little as in a stage's key. Taken and left are
whole replies and those that were cut at their limit, which another call would be as well; none that a model or a
filter withheld, as a filter may have been loosened since, and no failures. The built-in endpoints cost nothing: there
nothing is taken and nothing left.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from types import TracebackType

import msgspec

from jobs.lib.chat.calls import Reply, Request
from jobs.lib.chat.completion import known_end
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from polyglot.attempts.reply_files import KeptReply
from polyglot.core.records import UNSET


class Reuse:
    """Use as a context manager around the asking: what has been answered is left at its end, however that comes."""

    def __init__(self, context: Context, usage: UsageLog, settings: CallSettings, *, built_in: bool = False) -> None:
        """`built_in`: the program's own endpoint is asked."""
        self._replies = context.replies if settings.reuse and not built_in else None
        self._usage, self._log = usage, context.log
        self._forms: dict[str, str] = {}  # of each request of this stage, by its id

    def take(self, requests: Iterable[Request]) -> None:
        """Have the results of requests that are not on record, of which no batch may still bring a reply."""
        if self._replies is None:
            return
        wanted: dict[str, dict[str, Request]] = defaultdict(dict)
        for request in requests:
            self._forms[request.id] = request.form
            if request.id not in self._usage.results and request.id not in self._usage.batches.holding:
                wanted[request.form][request.id] = request
        origins = Counter[str]()
        for form, by_id in wanted.items():
            for id_, (kept, origin) in self._replies.find(form, by_id).items():
                said = {name: value for name, value in msgspec.structs.asdict(kept).items() if name != "id"}
                reply = Reply(**{name: value for name, value in said.items() if value is not UNSET})
                if _usable(reply):
                    self._usage.reuse(by_id[id_], reply, origin)
                    origins[origin] += 1
        if origins:
            told = ", ".join(f"{_shown(origin)}: {number}" for origin, number in origins.most_common(3))
            more = f" and {len(origins) - 3} more stages" if len(origins) > 3 else ""
            self._log.info("%d calls were answered for other stages and are reused (%s%s)", origins.total(), told, more)

    def __enter__(self) -> "Reuse":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.offer()

    def offer(self) -> None:
        """Leave the replies that this stage paid for, in whichever of its attempts."""
        if self._replies is None:
            return
        by_form: dict[str, list[KeptReply]] = defaultdict(list)
        for id_, form in self._forms.items():  # in the order of asking, in which others ask, too
            result = self._usage.results.get(id_)
            if isinstance(result, Reply) and id_ not in self._usage.reused and _usable(result):
                by_form[form].append(
                    KeptReply(id=id_, **{**asdict(result), "fingerprint": result.fingerprint or UNSET})
                )
        for form, replies in by_form.items():
            self._replies.offer(form, replies)


def _usable(reply: Reply) -> bool:
    return reply.withheld is None and known_end(reply.finish_reason) is not None


def _shown(origin: str) -> str:
    kind, _, key = origin.partition("/")
    return f"{kind} {key[:12]}"
