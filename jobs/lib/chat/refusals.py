"""Which field of every request an endpoint refuses, from what it says: then no call can succeed until that is mended.

`error.param` says it where nothing between has taken it out; else the message does, when it names a field beside a word
of refusal. What depends on one prompt, such as the length of a context, is no such thing.
"""

import re
from collections.abc import Collection

LIMITS = ("max_tokens", "max_completion_tokens")  # the second is the newer name
_FIELDS = (*LIMITS, "temperature", "top_p", "seed", "reasoning_effort", "response_format", "model")
_NAMED = re.compile(
    r"(?<![\w.])(max_tokens|max_completion_tokens|temperature|top_p|seed|reasoning_effort|response_format)(?!\w)"
)  # "model" is in any message
_REFUSED = re.compile(
    r"unsupported|not? (?:be )?(?:supported|permitted|allowed|accepted|recogni[sz]ed|valid)|n't support|not support|"
    r"unrecogni[sz]ed|unknown|unexpected|forbidden|extra |invalid|deprecated|renamed|only the default|must be|"
    r"should be|out of range|too (?:large|high|big)|less than|at most|greater than|exceeds?\b|"
    r"maximum allowed|not a valid|unavailable|use .{0,3}max_completion_tokens",
    re.IGNORECASE,
)
_ONE_PROMPT = re.compile(
    r"context|(?:prompt|input) (?:is too long|contains \d|has \d)|too many tokens|messages? (?:is|are) too",
    re.IGNORECASE,
)
_NO_ENTRY = re.compile(
    r"api[ _-]?key.{0,20}(?:not valid|invalid)|invalid.{0,10}api[ _-]?key|credit balance", re.IGNORECASE
)
_FILTERED = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation_blocked"}
_FILTERED |= {"data_inspection_failed", "DataInspectionFailed", "PROHIBITED_CONTENT"}
_FILTERING = re.compile(
    r"content (?:filter|management policy|exists risk)|violating our usage policy|requires moderation|was flagged|"
    r"rejected (?:by|as a result of) (?:our|the) safety",
    re.IGNORECASE,
)
_SIZE = re.compile(r"too (?:large|high|big)|at most|less than|greater than|maximum|must be|should be", re.IGNORECASE)

_REMEDIES = {
    "seed": "Take `seed` out of the study file",
    "model": "Name another `model` in the study file",
    "temperature": "Write `temperature: default` in the study file, which sends none and leaves it to the model, or a "
    "value that it takes",
    "top_p": "Write `top-p: 1` below `answers` in the study file: none is sent then",
    "reasoning_effort": "Take `reasoning-effort` out of the study file, or give it a value that the model knows",
    "response_format": "Ask a model that has structured output, or write `output: text` in the study file",
}


def refused_field(param: str | None, message: str) -> str | None:
    """The field that is refused whatever the prompt, or None."""
    if _ONE_PROMPT.search(message):
        return None
    named = next((part for part in re.split(r"[./\[\]]", param or "") if part in _FIELDS), None)
    if named is not None:
        return named
    found = _NAMED.search(message)
    return found[1] if found is not None and _REFUSED.search(message) else None


def is_no_entry(message: str) -> bool:
    """Whether a 400 says what others say by 401 and 402: a refused key, an account without credit."""
    return _NO_ENTRY.search(message) is not None


def is_filtered(codes: Collection[object], message: str) -> bool:
    """Whether who serves the model has withheld it from what was asked: a filter of contents, and no refused key."""
    return not _FILTERED.isdisjoint(codes) or _FILTERING.search(message) is not None


def is_renamed(field: str, message: str) -> bool:
    """Whether a refused limit may be known by its other name; one that is only too large is known."""
    return field in LIMITS and (LIMITS[1] in message.replace(field, "") or not _SIZE.search(message))


def remedy(field: str) -> str:
    """What a person can do about it."""
    return _REMEDIES.get(field, "Give `max-tokens` a value in the study file that it takes, or ask another model")
