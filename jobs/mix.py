"""The mix stage: an index list over token sets, and the card that says what the mix means.

A mix copies no text: `index.jsonl` holds {"id", "language", "row"} in the mix's own order, `row` being the row number
in that language's tokens.arrow. `card.json` has rows, tokens and loss tokens per language, fertility, rows cut at
max_tokens, the ids left out and why, and the benchmark's questions that were found in the rows. Semantics and
arithmetic: docs/mixes.md.
"""

import json
from collections.abc import Mapping
from typing import Any

from jobs.lib.context import Context
from jobs.lib.data.by_id import documents
from jobs.lib.data.contamination import Benchmark
from jobs.lib.data.forms import id_key, json_line
from jobs.lib.data.mix_card import Tally, describe
from jobs.lib.data.selection import Selection, select
from jobs.lib.data.token_sets import TokenSet, read_token_set
from polyglot.core.canonical import canonical
from polyglot.core.errors import Permanent
from polyglot.spec.params import MixParams


def run(context: Context) -> None:
    """Select the ids, write the index, and describe it."""
    params = MixParams.of(context.stage)
    tokens = {language: _tokens(context, language) for language in params.languages}
    accepted = {language: _ids(context, language) for language in params.languages}
    selection = select(
        mix=params.mix,
        languages=params.languages,
        accepted=accepted,
        tokenized={language: set(found.rows) for language, found in tokens.items()},
        sampled=params.sampled,
        weights=params.weights,
        size=params.size,
        draw=params.draw,
    )
    with (context.out / "index.jsonl").open("w", encoding="utf-8", newline="\n") as index:
        for name, language in selection.pairs:
            index.write(json_line({"id": name, "language": language, "row": tokens[language].rows[name]}))
    context.raise_if_stopping()
    card = describe(params, selection, _tallies(context, params, selection, tokens))
    (context.out / "card.json").write_bytes(canonical(card))
    context.metrics["rows"] = card["rows"]
    context.metrics["ids"] = selection.ids


def _tokens(context: Context, language: str) -> TokenSet:
    return read_token_set(context.inputs[f"tokens:{language}"].path("tokens.arrow"), language)


def _cut(context: Context, language: str) -> frozenset[str]:
    """The ids whose rows lost their end, as the token set's card names them."""
    card = json.loads(context.inputs[f"tokens:{language}"].path("card.json").read_text(encoding="utf-8"))
    return frozenset(id_key(row["id"]) for row in card["truncated"])


def _ids(context: Context, language: str) -> set[str]:
    rows = context.inputs["rows"]
    name = f"rows/{language}.jsonl"
    if name not in rows.names():
        raise Permanent(f"rows: the data set has no {language}; it has {' '.join(rows.names())}")
    return {id_key(row["id"]) for row in documents(rows.path(name))}


def _tallies(
    context: Context, params: MixParams, selection: Selection, tokens: Mapping[str, TokenSet]
) -> dict[str, Tally]:
    """Read the text of the chosen rows once, language by language, and count what the card shows."""
    benchmark = _benchmark(context)
    tallies: dict[str, Tally] = {}
    for language in params.languages:
        chosen = {name for name, spoken in selection.pairs if spoken == language}
        tally = tallies[language] = Tally(token_set=tokens[language], cut=_cut(context, language))
        for row in documents(context.inputs["rows"].path(f"rows/{language}.jsonl")):
            if id_key(row["id"]) in chosen:
                tally.add(row, benchmark)
        context.progress(len(tallies), len(params.languages), "languages")
        context.raise_if_stopping()
    return tallies


def _benchmark(context: Context) -> Benchmark | None:
    if "questions" not in context.inputs:
        return None
    questions = context.inputs["questions"]

    def every() -> Any:
        for name in questions.names():
            if name.startswith("questions/"):
                yield from documents(questions.path(name))

    return Benchmark.of(every())
