"""The contamination stage: which rows of a data set hold texts of the benchmark, once per data set and benchmark.

Writes `hits.jsonl`, one row a match (an `OverlapMatch`), sorted by id, language, turn and so on, and `card.json`: the
rules, and per language and kind the number of matches and of rows. Nothing is removed here: a mix leaves out what its
parameters say. A row's translations are tainted by its id: whoever reads the hits joins them by id.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jobs.lib.context import Context
from jobs.lib.rows import contamination as rules
from jobs.lib.rows.contamination import Benchmark
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json, write_lines
from polyglot.kinds.contamination import (
    ContaminationCard,
    ContaminationParams,
    LanguageMatches,
    Matches,
    MatchRules,
    OverlapMatch,
)
from polyglot.kinds.rows import Form, Question, Reference, Row

_CHECK_EVERY = 2000  # rows between two looks at whether the attempt was asked to stop


def run(context: Context) -> None:
    """Compare every row of every language with every turn of the benchmark."""
    params = ContaminationParams.of(context.stage)
    benchmark = _benchmark(context)
    rows = context.inputs["rows"]
    found: list[OverlapMatch] = []
    read: dict[str, int] = {}
    for language in params.languages:
        name = f"rows/{language}.jsonl"
        if name not in rows.names():
            raise Permanent(f"rows: the data set has no {language}; it has {' '.join(rows.names())}")
        read[language] = 0
        for row in rows.lines(name, Row):
            found += benchmark.hits(row)
            read[language] += 1
            if read[language] % _CHECK_EVERY == 0:
                context.raise_if_stopping()
        context.progress(len(read), len(params.languages), "languages", rows=read[language])
    found.sort()
    write_lines(context.out / "hits.jsonl", found)
    card = describe(found, read)
    (context.out / "card.json").write_bytes(to_json(card))
    context.metrics.update(hits=len(found), ids=card.ids)


def describe(found: Sequence[OverlapMatch], read: Mapping[str, int]) -> ContaminationCard:
    """Return card.json: counts of matches and of rows per kind and language, and the rules."""
    matches = Counter((hit.language, hit.kind) for hit in found)
    tainted = Counter((language, kind) for _, language, kind in {(hit.id, hit.language, hit.kind) for hit in found})

    def counts(language: str, kind: str) -> Matches:
        return Matches(matches=matches[language, kind], rows=tainted[language, kind])

    return ContaminationCard(
        rules=MatchRules(
            run_words=rules.RUN_WORDS,
            shortest_run_words=rules.SHORTEST_RUN_WORDS,
            near_gram_words=rules.NEAR_GRAM_WORDS,
            near_similarity=rules.NEAR_SIMILARITY,
            near_shortest_words=rules.NEAR_SHORTEST_WORDS,
        ),
        languages={
            language: LanguageMatches(rows_read=count, **{kind: counts(language, kind) for kind in rules.KINDS})
            for language, count in read.items()
        },
        ids=len({hit.id for hit in found}),
        questions=len({hit.question for hit in found}),
    )


def _benchmark(context: Context) -> Benchmark:
    made = Benchmark()
    forms: tuple[tuple[str, str, type[Form]], ...]
    forms = (("questions", "question", Question), ("references", "reference", Reference))
    for role, of, kind in forms:
        if role not in context.inputs:
            continue
        source = context.inputs[role]
        for name in source.names():
            if name.startswith(f"{role}/"):
                texts: Iterable[Form] = source.lines(name, kind)
                for text in texts:
                    made.add(text, of)
    return made
