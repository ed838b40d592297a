"""Records made by several shards: each stores its own, and who finds all of them has the whole."""

import json
from collections.abc import Mapping
from typing import Any

from jobs.lib.context import Context, Shards
from polyglot.core.canonical import canonical
from polyglot.core.errors import Corrupt


def put(context: Context, shards: Shards, records: Mapping[str, Mapping[str, Any]], **fit: Any) -> None:
    """Store a shard's records by name as its part."""
    file = context.work / "part.jsonl"
    file.write_bytes(b"".join(canonical([name, records[name]]) + b"\n" for name in sorted(records)))
    shards.put(file, **fit)
    context.log.info("part %d of %d: %d records", shards.index + 1, shards.count, len(records))


def merged(context: Context, shards: Shards, **fit: Any) -> dict[str, dict[str, Any]] | None:
    """Return the records of all shards, or None (and `complete` is False) while a part is missing.

    What every shard records alike may be in several parts. Raises Corrupt when two differ.
    """
    missing = shards.missing(**fit)
    if missing:
        context.complete = False
        context.log.info("parts still missing: %s", ", ".join(str(index + 1) for index in missing))
        return None
    records: dict[str, dict[str, Any]] = {}
    for path in shards.fetch(context.work / "parts", **fit):
        for line in path.read_bytes().splitlines():
            name, record = json.loads(line)
            if records.setdefault(name, record) != record:
                raise Corrupt(f"{name}: two shards have different records of it")
    context.volatile["shards"] = shards.count
    return records
