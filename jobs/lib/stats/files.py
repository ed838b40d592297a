"""JSON files whose bytes depend on their content alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec


def readable(document: object, default: Callable[[Any], object] | None = None) -> bytes:
    """Indented JSON, keys in the order given, as `json.dumps(…, ensure_ascii=False, indent=1)` has it.

    That would walk the document in Python, as an indent is beyond its encoder in C; `default` is as it is there.
    """
    plain = json.dumps(document, default=default, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return msgspec.json.format(plain.encode(), indent=1) + b"\n"


def write_json(path: Path, document: object) -> None:
    """Write readable JSON, keys in the order given."""
    path.write_bytes(readable(document))
