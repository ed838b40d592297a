"""Answers given by several shards: each stores its own, and who finds all of them has the whole."""

from collections.abc import Mapping

import msgspec

from jobs.lib.context import Context, Shards
from polyglot.core import records
from polyglot.core.canonical import Json
from polyglot.core.errors import Corrupt
from polyglot.kinds.answer import Answer


def put(context: Context, shards: Shards, answers: Mapping[str, Answer], **fit: Json) -> None:
    """Store a shard's answers by name as its part."""
    file = context.work / "part.jsonl"
    encoder = msgspec.json.Encoder(order="sorted")
    file.write_bytes(encoder.encode_lines([(name, answers[name]) for name in sorted(answers)]))
    shards.put(file, **fit)
    context.log.info("part %d of %d: %d answers", shards.index + 1, shards.count, len(answers))


def merged(context: Context, shards: Shards, **fit: Json) -> dict[str, Answer] | None:
    """Return the answers of all shards, or None (and `complete` is False) while a part is missing.

    What every shard records alike may be in several parts. Raises Corrupt when two differ.
    """
    missing = shards.missing(**fit)
    if missing:
        context.complete = False
        context.log.info("parts still missing: %s", ", ".join(str(index + 1) for index in missing))
        return None
    answers: dict[str, Answer] = {}
    for path in shards.fetch(context.work / "parts", **fit):
        for name, answer in records.read_lines(path, tuple[str, Answer]):
            if answers.setdefault(name, answer) != answer:
                raise Corrupt(f"{name}: two shards have different answers of it")
    context.volatile["shards"] = shards.count
    return answers
