"""What an endpoint says of its rate limits in headers, in every published form, as plain numbers.

Names: OpenAI, Groq, Azure and Cerebras (`x-ratelimit-remaining-tokens`, `…-requests-day`, `x-rate-limit-reset-tokens`),
Anthropic (`anthropic-ratelimit-output-tokens-reset`), Mistral (`x-ratelimit-remaining-req-minute`,
`x-ratelimitbysize-remaining-minute`), Together (`x-tokenlimit-remaining`), OpenRouter and others
(`x-ratelimit-reset`), the IETF's draft (`ratelimit-reset`, `ratelimit: "default";r=5;t=30`).
Times: `20ms`, `6m0s`, seconds, RFC 3339, HTTP dates, seconds or milliseconds since 1970. What is none of these, below
zero or without end is left out: a server's nonsense must hold nobody up.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h|d)")
_WORDS = {"milliseconds": "ms", "millisecond": "ms", "minutes": "m", "minute": "m", "seconds": "s", "second": "s"}
_WORDS |= {"hours": "h", "hour": "h", "secs": "s", "sec": "s", "mins": "m", "min": "m"}
_LONGEST_SECONDS = 31 * 86400.0  # a number above it is a moment and no time
_SECONDS_SINCE_1970 = (1e9, 1e11)
_MILLISECONDS_SINCE_1970 = (1e12, 1e14)
_NAME = re.compile(r"(?:x-|anthropic-)?(?:rate-?limit|(?P<tokens>tokenlimit|ratelimitbysize))-(?P<rest>[a-z0-9_-]+)")
_PART_OF_NAME = ("limit", "remaining", "reset")
_DRAFT = re.compile(r"\br=(?P<remaining>\d+)\s*;\s*t=(?P<reset>\d+)")
_SAID = re.compile(r"(?:retry|try again)\s+(?:after|in)\s+(?P<time>\d[\d.]*\s*[a-zµ]*(?:\s*\d[\d.]*[a-zµ]+)*)", re.I)

Unit = Literal["requests", "tokens", "output-tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """One limit as of one reply; None where nothing (that can be true) was said."""

    name: str  # tells the limits of one endpoint apart: "requests", "tokens-day", …
    unit: Unit
    limit: float | None = None
    remaining: float | None = None
    reset_seconds: float | None = None  # from now


def read_limits(headers: Mapping[str, str], now: datetime | None = None) -> list[RateLimit]:
    """Every limit that the headers (names in lower case) speak of, by name."""
    found: dict[str, dict[str, float | None]] = {}
    units: dict[str, Unit] = {}
    for name, part, text, unit in _parts(headers):
        value = _seconds(text, now) if part == "reset" else _count(text)
        found.setdefault(name, {})[f"{part}_seconds" if part == "reset" else part] = value
        units[name] = unit
    for name, values in found.items():
        if name.endswith("-minute"):
            values.setdefault("reset_seconds", 60.0)
    return [RateLimit(name=name, unit=units[name], **values) for name, values in sorted(found.items())]


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the endpoint asks to wait: `retry-after-ms`, or `retry-after` as a time of any form."""
    milliseconds = _count(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    return _seconds(headers.get("retry-after", ""), now)


def wait_of_429(headers: Mapping[str, str], message: str = "", now: datetime | None = None) -> float | None:
    """Seconds that a refusal asks to wait: `retry_after`, the reset of what is used up, or what its message says."""
    wait = retry_after(headers, now)
    if wait is not None:
        return wait
    resets = [one.reset_seconds for one in read_limits(headers, now) if not one.remaining]
    if any(resets):
        return max(reset for reset in resets if reset)
    said = _SAID.search(message)
    return None if said is None else _seconds(said["time"], now)


def _parts(headers: Mapping[str, str]) -> Iterator[tuple[str, str, str, Unit]]:
    """(name of the limit, part of it, text, unit) of every header that tells one."""
    for header, text in headers.items():
        if header == "ratelimit" and (draft := _DRAFT.search(text)):
            yield "requests", "remaining", draft["remaining"], "requests"
            yield "requests", "reset", draft["reset"], "requests"
        match = _NAME.fullmatch(header)
        if match is None:
            continue
        words = match["rest"].split("-")
        part = next((word for word in words if word in _PART_OF_NAME), None)
        if part is None:
            continue
        words.remove(part)
        told = [word for word in words if word not in ("req", "requests", "request")]
        unit: Unit = "tokens" if match["tokens"] or any(word.startswith("token") for word in told) else "requests"
        if "output" in told:
            unit = "output-tokens"
        scope = [word for word in told if word not in ("tokens", "token")]
        yield "-".join([unit.split("-")[-1], *scope]), part, text, unit


def _count(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e15 else None


def _seconds(text: str, now: datetime | None) -> float | None:
    """The time that a text gives, in seconds from now; 0 for a moment that has passed."""
    text = text.strip()
    number = _count(text)
    if number is not None:
        return _from_number(number, now)
    for word, unit in _WORDS.items():
        text = re.sub(rf"(?<=[\d\s]){word}\b", unit, text)
    parts = list(_PART.finditer(text))
    if parts and not _PART.sub("", text).strip():
        seconds = sum(float(part[1]) * _UNITS[part[2]] for part in parts)
        return seconds if seconds <= _LONGEST_SECONDS else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError):
            return None
    return _until((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), now)


def _from_number(number: float, now: datetime | None) -> float | None:
    if number <= _LONGEST_SECONDS:
        return number
    for (least, most), scale in ((_SECONDS_SINCE_1970, 1.0), (_MILLISECONDS_SINCE_1970, 1e-3)):
        if least <= number < most:
            return _until(number * scale, now)
    return None


def _until(timestamp: float, now: datetime | None) -> float | None:
    seconds = timestamp - (now or datetime.now(UTC)).timestamp()
    return max(0.0, seconds) if seconds <= _LONGEST_SECONDS else None
