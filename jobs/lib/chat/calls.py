"""What is asked of a chat model and what comes back: plain values, no network."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from polyglot.core.canonical import Json, canonical, digest, sha256_bytes
from polyglot.kinds.chat import ChatForm, Temperature

CHARACTERS_PER_TOKEN = 3.0  # an estimate on the safe side for European languages; only pacing uses it
_TEMPLATE_TOKENS = 64  # around a message


@dataclass(frozen=True, kw_only=True)
class Request:
    """One chat completion, named by its content: equal requests have equal ids, those of several samples others."""

    model: str
    messages: tuple[Mapping[str, str], ...]
    temperature: Temperature  # "default" is not sent: the model's own
    max_tokens: int
    seed: int | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    response_format: Mapping[str, Json] | None = None  # such as a JSON schema, in the form of the protocol
    sample: int = 0  # is not sent: the same is asked several times

    @classmethod
    def in_form(cls, form: ChatForm, messages: tuple[Mapping[str, str], ...], *, sample: int = 0) -> "Request":
        """A request of a form that a probe has tried."""
        given = form.model_dump() | {"response_format": json.loads(form.response_format or "null")}
        return cls(messages=messages, sample=sample, **given)

    def document(self) -> dict[str, Json]:
        """The JSON body, also what the id is made of."""
        document: dict[str, Json] = {
            "model": self.model,
            "messages": list(self.messages),
            "max_tokens": self.max_tokens,
        }
        if self.temperature != "default":
            document["temperature"] = self.temperature
        optional: dict[str, Json] = {
            "top_p": self.top_p,
            "seed": self.seed,
            "reasoning_effort": self.reasoning_effort,
            "response_format": self.response_format,
        }
        return document | {name: value for name, value in optional.items() if value is not None}

    @cached_property
    def body(self) -> bytes:
        """The canonical JSON body."""
        return canonical(self.document())

    @cached_property
    def id(self) -> str:
        """SHA-256 of the body, and of the number of any further sample; 64 hex digits."""
        return sha256_bytes(self.body + (b" sample %d" % self.sample if self.sample else b""))

    @cached_property
    def form(self) -> str:
        """SHA-256 of all that is sent beside the messages; 64 hex digits."""
        return digest({name: value for name, value in self.document().items() if name != "messages"})

    @cached_property
    def prompt_tokens_estimate(self) -> int:
        """A rough estimate, for pacing before the endpoint has counted."""
        return int(sum(len(message["content"]) for message in self.messages) / CHARACTERS_PER_TOKEN) + 16

    @cached_property
    def prompt_tokens_most(self) -> int:
        """More than any tokenizer makes of it: a token a byte, and what a template writes around each message."""
        texts = sum(len(message["content"].encode(errors="replace")) for message in self.messages)
        return texts + _TEMPLATE_TOKENS * len(self.messages)


PROXY_STATUSES = frozenset({502, 503, 504, *range(520, 525)})  # what a proxy says of an endpoint that it cannot reach
_MAY_BE_OUTAGE = {"unreachable", "connection", *(f"http-{code}" for code in PROXY_STATUSES)}


class ErrorClass(StrEnum):
    """What a failed attempt means for the call and for the rest."""

    SLOW_DOWN = "slow-down"  # 429: wait, go slower, ask again
    AGAIN = "again"  # ask again at once, in another form; uses up no attempt
    TRANSIENT = "transient"  # ask again, a bounded number of times
    FINAL = "final"  # this call fails in the same way every time; others may not
    FATAL = "fatal"  # every call would fail: wrong key, no such model, no money left


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A completion, whole or cut at its limit. Tokens are as the endpoint counted them, None where it did not say."""

    text: str
    finish_reason: str  # "stop", "length" or "content_filter"
    refused: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    served_by: str  # the model's name as the endpoint gives it
    fingerprint: str = ""  # of what serves it, as the endpoint gives it

    @property
    def withheld(self) -> str | None:
        """Why it is no answer, whatever its text: "refused" by the model, "content-filter" of its server, or None."""
        if self.finish_reason == "content_filter":
            return "content-filter"
        return "refused" if self.refused else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attempt without a completion. `reason` is short and countable, `detail` is for people and holds no secret."""

    reason: str
    error: ErrorClass
    detail: str = ""
    wait_seconds: float | None = None  # as the endpoint asked
    connected: bool = True  # False: the endpoint was never reached
    may_be_billed: bool = False  # the endpoint may have done the work

    @property
    def may_be_outage(self) -> bool:
        """Whether the whole endpoint may be away: nothing of it was heard, or only a proxy in front of it."""
        return self.error is ErrorClass.TRANSIENT and self.reason in _MAY_BE_OUTAGE

    @property
    def is_busy(self) -> bool:
        """Whether the endpoint says that it cannot answer anybody for now."""
        return self.error is ErrorClass.TRANSIENT and self.reason in ("http-503", "http-529")


def remedy_for(reasons: Counter[str]) -> str:
    """What would help against the commonest reason of failed calls. Another attempt asks them anew."""
    ((reason, _),) = reasons.most_common(1)
    if reason.startswith("http-"):
        what = "Mend the endpoint, or what it is asked with (model, temperature, max-tokens, seed)"
    elif reason == "truncated":
        what = "Raise max-tokens, which what a model thinks uses up too"
    elif reason == "content-filter":
        what = "Loosen the filter of the endpoint, or ask another one"
    else:
        what = "Change the prompts or the model"
    return f"{what}, or raise max-failed-share; then `polyglot retry` asks the failed ones anew"


class FailureCount:
    """Counts what hangs on failed calls, by reason. What another attempt may mend is told from what lasts."""

    def __init__(self, total: int, allowed_share: float) -> None:
        """`total` is what hangs on all calls together."""
        self._reasons, self._passing, self._allowed = Counter[str](), 0, allowed_share * total

    def count(self, reason: str, result: Reply | Failure, number: int) -> None:
        """Take in one call without a usable result, and how much hangs on it."""
        self._reasons[reason] += number
        if isinstance(result, Failure) and result.error is not ErrorClass.FINAL:
            self._passing += number

    @property
    def failed(self) -> int:
        """How much has failed so far."""
        return self._reasons.total()

    @property
    def too_many(self) -> bool:
        """True when more has failed than may."""
        return self.failed > self._allowed

    @property
    def is_outage(self) -> bool:
        """True when what lasts alone would not be too much: another attempt may well succeed."""
        return self.failed - self._passing <= self._allowed

    def remedy(self) -> str:
        """What would help against the commonest reason."""
        return remedy_for(self._reasons)

    def commonest(self) -> str:
        """The three commonest reasons, each with its number."""
        return ", ".join(f"{reason} {count}" for reason, count in self._reasons.most_common(3))
