"""Canonical JSON (RFC 8785) and the digests made of it.

Two documents have equal bytes here if and only if they mean the same JSON value, whatever the order of keys or
the spelling of numbers and strings was. NaN, infinities and integers beyond 2^53 are refused.

The rfc8785 package says what is canonical. Nearly all documents are plain dicts with ASCII keys, lists, strings and
integers: these msgspec spells the same, and several times as fast; numbers with a point stay rfc8785's.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import rfc8785

_LARGEST = 2**53 - 1
_ENCODER = msgspec.json.Encoder(order="sorted")
Raw = msgspec.Raw  # a part of a document that is in its canonical form already, taken as it is
_TEXTS, _LEAVES = {str}, {str, bool, type(None), Raw}
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: object) -> bytes:
    """Return the RFC 8785 form of `value`. Raises ValueError for what JSON cannot carry exactly."""
    try:
        return _ENCODER.encode(_usual(value))
    except (_Unusual, UnicodeEncodeError):
        pass
    try:
        return rfc8785.dumps(_plain(value))
    except (rfc8785.CanonicalizationError, TypeError) as error:
        raise ValueError(f"not canonical JSON: {error}") from error


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical form, 64 lower-case hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data`, 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in a bounded buffer."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Unusual(Exception):  # noqa: N818 - an answer, not an error: the other encoder takes it
    """What the two encoders may write differently, or one of them refuse."""


def _usual(value: Any) -> Any:
    """The value with its floats as rfc8785 writes them. Raises _Unusual for what only that knows or refuses.

    The classes of what a dict or a list holds are looked at all at once: most of a large plan's time would be spent on
    looking at them one by one.
    """
    kind = type(value)
    if kind is dict:
        if value and (set(map(type, value)) != _TEXTS or not "".join(value).isascii()):
            raise _Unusual
        if _LEAVES.issuperset(map(type, value.values())):
            return value
        return {key: item if type(item) in _LEAVES else _usual(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        if _LEAVES.issuperset(map(type, value)):
            return value
        return [item if type(item) in _LEAVES else _usual(item) for item in value]
    if kind in _LEAVES or (kind is int and -_LARGEST <= value <= _LARGEST):
        return value
    if kind is float and math.isfinite(value):
        return _number(value)
    raise _Unusual


@lru_cache(1024)
def _number(value: float) -> msgspec.Raw:
    return msgspec.Raw(rfc8785.dumps(value))


def _plain(value: object) -> Any:
    """Turn mappings and sequences of any class into dict and list, as the encoder knows only these."""
    if isinstance(value, Raw):
        return msgspec.json.decode(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value
