"""The contamination stage: which rows of a data set hold texts of the benchmark, once per data set and benchmark.

Writes `hits.jsonl`, one row a match (see `jobs.lib.rows.contamination.Hit`), sorted by id, language, turn and so on,
and `card.json`: the rules, and per language and kind the number of matches and of rows. Nothing is removed here: a mix
leaves out what its parameters say. A row's translations are tainted by its id: whoever reads the hits joins them by id.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jobs.lib.context import Context
from jobs.lib.rows import contamination as rules
from jobs.lib.rows.by_id import documents
from jobs.lib.rows.contamination import Benchmark, Hit
from jobs.lib.rows.forms import json_line
from polyglot.core.canonical import canonical
from polyglot.core.errors import Permanent
from polyglot.kinds.contamination import ContaminationParams

_CHECK_EVERY = 2000  # rows between two looks at whether the attempt was asked to stop


def run(context: Context) -> None:
    """Compare every row of every language with every turn of the benchmark."""
    params = ContaminationParams.of(context.stage)
    benchmark = _benchmark(context)
    rows = context.inputs["rows"]
    found: list[Hit] = []
    read: dict[str, int] = {}
    for language in params.languages:
        name = f"rows/{language}.jsonl"
        if name not in rows.names():
            raise Permanent(f"rows: the data set has no {language}; it has {' '.join(rows.names())}")
        read[language] = 0
        for row in documents(rows.path(name)):
            found += benchmark.hits(row)
            read[language] += 1
            if read[language] % _CHECK_EVERY == 0:
                context.raise_if_stopping()
        context.progress(len(read), len(params.languages), "languages", rows=read[language])
    found.sort()
    with (context.out / "hits.jsonl").open("w", encoding="utf-8", newline="\n") as lines:
        lines.writelines(json_line(asdict(hit)) for hit in found)
    card = describe(found, read)
    (context.out / "card.json").write_bytes(canonical(card))
    context.metrics.update(hits=len(found), ids=card["ids"])


def describe(found: Sequence[Hit], read: Mapping[str, int]) -> dict[str, Any]:
    """Return card.json: counts of matches and of rows per kind and language, and the rules."""
    matches = Counter((hit.language, hit.kind) for hit in found)
    tainted = Counter((language, kind) for _, language, kind in {(hit.id, hit.language, hit.kind) for hit in found})
    return {
        "rules": {
            "run_words": rules.RUN_WORDS,
            "shortest_run_words": rules.SHORTEST_RUN_WORDS,
            "near_gram_words": rules.NEAR_GRAM_WORDS,
            "near_similarity": rules.NEAR_SIMILARITY,
            "near_shortest_words": rules.NEAR_SHORTEST_WORDS,
        },
        "languages": {
            language: {
                "rows_read": count,
                **{kind: {"matches": matches[language, kind], "rows": tainted[language, kind]} for kind in rules.KINDS},
            }
            for language, count in read.items()
        },
        "ids": len({hit.id for hit in found}),
        "questions": len({hit.question for hit in found}),
    }


def _benchmark(context: Context) -> Benchmark:
    made = Benchmark()
    for role, of in (("questions", "question"), ("references", "reference")):
        if role not in context.inputs:
            continue
        source = context.inputs[role]
        for name in source.names():
            if name.startswith(f"{role}/"):
                for document in documents(source.path(name)):
                    made.add(document, of)
    return made
