"""The card of a mix: what is in it, by language, what was left out, and what it shares with the benchmark."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jobs.lib.rows.by_id import id_key
from jobs.lib.rows.contamination import KINDS
from jobs.lib.rows.content import MAX_LISTED
from jobs.mix.candidates import COUNTS, Candidates
from jobs.mix.selection import Pair, Selection
from polyglot.kinds.contamination import Matches, OverlapMatch
from polyglot.kinds.mix import Fertility, LeftOut, MixCard, MixContamination, MixMatch, MixParams, PublishedMatch

REMOVED = {"none": (), "exact": ("exact",), "overlap": ("exact", "overlap"), "near": ("exact", "near"), "all": KINDS}


def describe(
    params: MixParams,
    selection: Selection,
    tokens: Mapping[str, Candidates],
    rows: Mapping[str, Sequence[int]],
    hits: Iterable[OverlapMatch] | None,
    published: PublishedMatch | None = None,
) -> MixCard:
    """Return the card's document. `rows` are the row numbers of each language that the mix has, repeats included;
    `hits` are the data set's matches with the benchmark; None: nobody looked.
    """
    sums = {language: _sums(tokens[language], rows[language]) for language in params.languages}
    loss = sum(counted["loss_tokens"] for counted in sums.values())
    return MixCard(
        mix=params.mix,
        languages=params.languages,
        form="published" if params.published else "sampled" if params.sampled else "parallel",
        draw=params.draw,
        size=params.size,
        temperature=params.temperature,
        ids=selection.ids,
        ids_available=selection.available,
        rows_in_data={language: tokens[language].accepted for language in params.languages},
        shares_asked={
            language: round(float(share), 6)
            for language, share in zip(params.languages, selection.shares, strict=False)
        },
        **{name: {language: sums[language][name] for language in sums} for name in ("rows", "tokens", "loss_tokens")},
        truncated={language: counted["truncated"] for language, counted in sums.items()},
        loss_token_shares={
            language: round(counted["loss_tokens"] / loss, 4) if loss else None for language, counted in sums.items()
        },
        fertility={language: fertility(counted) for language, counted in sums.items()},
        left_out={
            reason: LeftOut(count=len(ids), ids=tuple(ids[:MAX_LISTED])) for reason, ids in selection.left_out.items()
        },
        decontaminate=params.decontaminate,
        contamination=None if hits is None else contamination(selection.pairs, hits),
        published=published,
    )


def _sums(tokens: Candidates, rows: Sequence[int]) -> dict[str, int]:
    """What rows of one language count together."""
    import numpy

    chosen = numpy.asarray(rows, numpy.int64)
    sums = {name: int(tokens.counts[name][chosen].sum(dtype=numpy.int64)) for name in COUNTS}
    cut = sum(row in tokens.truncated for row in rows) if tokens.truncated else 0
    return sums | {"rows": len(rows), "truncated": cut}


def fertility(counted: Mapping[str, int]) -> Fertility:
    """Tokens per character and per word of the answers; the one EOS of each answer is not counted."""
    text_tokens = counted["loss_tokens"] - counted["answers"]
    characters, words = counted["characters"], counted["words"]
    return Fertility(
        characters=characters,
        words=words,
        tokens_per_character=round(text_tokens / characters, 4) if characters else None,
        tokens_per_word=round(text_tokens / words, 4) if words else None,
    )


def contamination(pairs: Iterable[Pair], hits: Iterable[OverlapMatch]) -> MixContamination:
    """Return the mix's rows that match the benchmark themselves, and those whose id does in another language."""
    held = set(pairs)
    mine, direct, by_kind = list[OverlapMatch](), set[Pair](), {kind: set[Pair]() for kind in KINDS}
    ids: set[str] = set()
    for hit in hits:
        pair = (id_key(hit.id), hit.language)
        ids.add(pair[0])
        if pair in held:
            mine.append(hit)
            direct.add(pair)
            by_kind[hit.kind].add(pair)
    by_id = Counter(language for name, language in held if name in ids and (name, language) not in direct)
    matches = Counter(hit.kind for hit in mine)
    return MixContamination(
        **{kind: Matches(matches=matches[kind], rows=len(by_kind[kind])) for kind in KINDS},
        rows=dict(sorted(Counter(language for _, language in direct).items())),
        rows_by_id=dict(sorted(by_id.items())),
        questions=len({hit.question for hit in mine}),
        matches=tuple(
            MixMatch(
                kind=hit.kind,
                of=hit.of,
                row=f"{hit.id}:{hit.language}",
                question=f"{hit.question}:{hit.question_language}:{hit.question_turn}",
                similarity=hit.similarity,
            )
            for hit in mine[:MAX_LISTED]
        ),
    )
