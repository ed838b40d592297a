"""The mix stage: an index list over token sets, and the card that says what the mix means.

A mix copies no text and reads none: `index.jsonl` holds {"id", "language", "row"} in the mix's own order, `row` being
the row number in that language's tokens.arrow. `card.json` has rows, tokens and loss tokens per language, fertility,
rows cut at max_tokens, the ids left out and why, and what matches the benchmark. Only a published mix reads its data
set's rows, to find its own among them. Semantics and arithmetic: docs/mixes.md.
"""

from collections.abc import Mapping
from json.encoder import encode_basestring  # what json.dumps does to a text with ensure_ascii=False

from jobs.lib.context import Context
from jobs.lib.rows import order
from jobs.lib.rows.by_id import id_key
from jobs.mix import published
from jobs.mix.candidates import Candidates, read_candidates
from jobs.mix.card import REMOVED, describe
from jobs.mix.selection import Selection, check_size, select
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json
from polyglot.kinds.contamination import OverlapMatch
from polyglot.kinds.ingest import PublishedRow
from polyglot.kinds.mix import MixParams, PublishedMatch
from polyglot.kinds.rows import Row


def run(context: Context) -> None:
    """Select the ids, write the index, and describe it."""
    params = MixParams.of(context.stage)
    tokens = {language: _tokens(context, language) for language in params.languages}
    hits = list(context.inputs["hits"].lines("hits.jsonl", OverlapMatch)) if "hits" in context.inputs else None
    contaminated = _contaminated(params, hits)
    context.raise_if_stopping()
    said = None
    if params.published:
        selection, said = _published(context, params, tokens, contaminated)
    else:
        selection = select(
            mix=params.mix,
            languages=params.languages,
            tokenized={language: found.rows for language, found in tokens.items()},
            dropped={language: found.dropped for language, found in tokens.items()},
            sampled=params.sampled,
            weights=_weights(params, tokens),
            size=params.size,
            draw=params.draw,
            contaminated=contaminated,
        )
    context.raise_if_stopping()
    rows = _write(context, selection, tokens)
    card = describe(params, selection, tokens, rows, hits, said)
    (context.out / "card.json").write_bytes(to_json(card))
    context.metrics["rows"] = card.rows
    context.metrics["ids"] = selection.ids


def _tokens(context: Context, language: str) -> Candidates:
    source = context.inputs[f"tokens:{language}"]
    return read_candidates(source.path("tokens.arrow"), source.path("card.json"), language)


def _contaminated(params: MixParams, hits: list[OverlapMatch] | None) -> set[str]:
    """The ids that the study wants out: an id with a hit in one language leaves in all."""
    kinds = REMOVED[params.decontaminate]
    if kinds and hits is None:
        raise Permanent(f"mix {params.mix}: decontaminate is {params.decontaminate}, and there is no input `hits`")
    return {id_key(hit.id) for hit in hits or () if hit.kind in kinds}


def _weights(params: MixParams, tokens: Mapping[str, Candidates]) -> tuple[float, ...]:
    if params.temperature is None:
        return params.weights
    try:
        return tuple(order.natural([tokens[name].accepted for name in params.languages], params.temperature))
    except ValueError as error:
        raise Permanent(f"mix {params.mix}: {error}") from error


def _published(
    context: Context, params: MixParams, tokens: Mapping[str, Candidates], contaminated: set[str]
) -> tuple[Selection, PublishedMatch]:
    """The index of a published file: its rows in its order; below full size those of the draw's first ids."""
    rows = context.inputs["rows"]
    languages = [name[5:-6] for name in rows.names() if name.startswith("rows/")]
    found = published.match(
        context.inputs["published"].lines("published.jsonl", PublishedRow),
        {language: rows.lines(f"rows/{language}.jsonl", Row) for language in languages},
        params.languages,
    )
    left_out: dict[str, set[str]] = {}
    pairs = []
    for name, language in found.pairs:
        if name not in tokens[language].rows:
            reason = f"{tokens[language].dropped.get(name, 'no-row')}:{language}"
            left_out.setdefault(reason, set()).add(name)
        elif name in contaminated:
            left_out.setdefault("contaminated", set()).add(name)
        else:
            pairs.append((name, language))
    available = {name for name, _ in pairs}
    check_size(params.mix, params.languages, available, params.size, left_out)
    if params.size is not None:
        chosen = set(order.ordered(params.draw, available)[: params.size])
        pairs = [pair for pair in pairs if pair[0] in chosen]
    selection = Selection(
        pairs=pairs,
        ids=len({name for name, _ in pairs}),
        available=len(available),
        left_out={reason: sorted(ids) for reason, ids in sorted(left_out.items())},
    )
    everywhere = set.intersection(*({*one.rows, *one.dropped} for one in tokens.values()))
    return selection, found.card(params.languages, everywhere)


def _write(context: Context, selection: Selection, tokens: Mapping[str, Candidates]) -> dict[str, list[int]]:
    """Write index.jsonl and return the row numbers in it, by language.

    Lines are `records.line` of each entry, put together from parts, as a mix has up to 335,000 of them.
    """
    shown: dict[str, str] = {}
    rows = {language: found.rows for language, found in tokens.items()}
    written: dict[str, list[int]] = {language: [] for language in tokens}
    with (context.out / "index.jsonl").open("w", encoding="utf-8", newline="\n") as index:
        for name, language in selection.pairs:
            text = shown.get(name)
            if text is None:
                text = shown[name] = encode_basestring(name)
            row = rows[language][name]
            written[language].append(row)
            index.write(f'{{"id":{text},"language":"{language}","row":{row}}}\n')
    return written
