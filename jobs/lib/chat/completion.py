"""A completion as an endpoint sent it, read strictly: what is known to be whole, or cut at its limit, is a reply.

An end that is not known (`abort`, `error`, none at all) or a message without content is a state of the server that may
pass. Tokens that nobody counted, or that cannot be right, are None: what they cost is unknown, not nothing.
"""

import json
from collections.abc import Mapping
from typing import Any

from jobs.lib.chat.calls import ErrorClass, Failure, Reply

_MOST_TOKENS = 10**9  # a count above it is none
# As servers of several makes name the end of a text, its limit, and their filter.
_ENDS = {
    "stop": "stop eos eos_token end_turn end_of_turn stop_sequence stop_token complete completed",
    "length": "length max_tokens max_length model_length max_output_tokens",
    "content_filter": "content_filter content_filtered safety recitation blocklist prohibited_content spii "
    "guardrail_intervened sensitive",
    "refusal": "refusal",
}
_END = {name: end for end, names in _ENDS.items() for name in names.split()}


def known_end(finish_reason: object) -> str | None:
    """The finish reason as "stop", "length", "content_filter" or "refusal"; None for one that says no such thing.

    Some servers say more behind a colon ("content_filter: SAFETY").
    """
    return _END.get(finish_reason.partition(":")[0].lower()) if isinstance(finish_reason, str) else None


def read_completion(body: bytes) -> Reply | Failure:
    """Read the body of a 200. A failure is a passing one, and may be billed."""
    try:
        document = json.loads(body)
        error = _error(document)
        if error is not None:
            return _passing("error-in-reply", error)
        choice = document["choices"][0]
        error, finish = _error(choice), choice.get("finish_reason")
        end = known_end(finish)
        if error is not None or end is None:
            said = f"finish_reason {json.dumps(finish)[:80]} is none of a reply that is whole, or cut at its limit"
            return _passing(f"finish-{_slug(finish)}", said if error is None else f"{said}: {error}")
        message = choice.get("message") if end == "content_filter" else choice["message"]  # some have none then
        return _reply(document, message or {}, end)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        detail = f"{type(error).__name__}: {error}; got {body[:120].decode(errors='replace')!r}"
        return _passing("bad-json", detail)


def text_of(content: object) -> str:
    """The text of a message, which may be a list of parts. Raises TypeError and KeyError for anything else."""
    if isinstance(content, list):
        parts = [part if isinstance(part, str) else part["text"] for part in content if _is_text(part)]
        content = "".join(text_of(part) for part in parts)
    if content is not None and not isinstance(content, str):
        raise TypeError(f"content is {type(content).__name__}")
    return (content or "").encode(errors="replace").decode()  # lone surrogates are no text


def _is_text(part: Any) -> bool:
    return isinstance(part, str) or part.get("type", "text") in ("text", "output_text")


def _is_refusal(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "refusal" and bool(part.get("refusal"))


def _reply(document: Mapping[str, Any], message: Mapping[str, Any], end: str) -> Reply | Failure:
    content, refusal = message.get("content"), message.get("refusal")
    if isinstance(content, list) and refusal is None:
        refusal = next((str(part["refusal"]) for part in content if _is_refusal(part)), None)
    thought = message.get("reasoning_content") or message.get("reasoning")
    if content is None and refusal is None and end == "stop" and not thought:
        return _passing("no-content", "a message without content")
    text = text_of(content if content is not None else refusal)
    prompt, completion = _tokens(document.get("usage"))
    if completion == 0 and (text or prompt is None):
        completion = None
    return Reply(
        text=text,
        finish_reason="stop" if end == "refusal" else end,
        refused=end == "refusal" or (bool(refusal) and not text_of(content)),
        prompt_tokens=prompt,
        completion_tokens=completion,
        served_by=str(document.get("model") or ""),
        fingerprint=str(document.get("system_fingerprint") or ""),
    )


def _tokens(usage: object) -> tuple[int | None, int | None]:
    if not isinstance(usage, Mapping):
        return None, None
    prompt = _count(usage, "prompt_tokens", "input_tokens")
    completion = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    details = usage.get("completion_tokens_details")
    thought = _count(details, "reasoning_tokens") if isinstance(details, Mapping) else None
    if completion is not None and thought is not None and thought > completion:
        completion += thought  # it is counted beside what was said: else it is a part of it
    if prompt and completion is not None and total is not None:
        completion = max(completion, total - prompt)  # some count what was thought in the total alone, and bill it
    return prompt or None, completion


def _count(usage: Mapping[str, object], *names: str) -> int | None:
    value = next((usage[name] for name in names if usage.get(name) is not None), None)
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _error(document: object) -> str | None:
    """What an error that came in a 200 says."""
    error = document.get("error") if isinstance(document, Mapping) else None
    if not error:
        return None
    return str(error.get("message") or error) if isinstance(error, Mapping) else str(error)


def _slug(finish: object) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in str(finish or "unknown").lower())[:24].strip("-")


def _passing(reason: str, detail: str) -> Failure:
    return Failure(reason=reason, error=ErrorClass.TRANSIENT, detail=detail, may_be_billed=True)
