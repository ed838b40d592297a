"""Token sets without a tokenizer, and mixes over them: tests of the mix job need lengths, not meanings."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow

from jobs.contamination import job as contamination
from jobs.mix import job as mix
from polyglot.core.records import read_lines, to_json
from polyglot.kinds.contamination import ContaminationParams
from polyglot.kinds.mix import MixParams
from polyglot.kinds.rows import Row
from polyglot.kinds.tokenize import Cut, Dropped, TokenCard
from tests.kit.data_jobs import DataContext, data_context, staged


def token_card(*, dropped: Sequence[Dropped] = (), truncated: Collection[str] = ()) -> TokenCard:
    """A card of which only the ids of rows without all their tokens matter."""
    counts: dict[str, Any] = dict.fromkeys(
        ("rows_read", "rows", "tokens", "loss_tokens", "longest", "unknown_tokens"), 0
    )
    return TokenCard(
        language="EN",
        part="rows",
        template="",
        system="",
        max_tokens=999,
        characters_per_token=0.0,
        tokens_per_word=0.0,
        dropped=tuple(dropped),
        truncated=tuple(Cut(id=name, tokens=999) for name in truncated),
        **counts,
    )


def word_tokens(rows: Path, target: Path, drop: Collection[str] = (), cut: Collection[str] = ()) -> Path:
    """Write tokens.arrow with a token a word and one EOS an answer, in small batches; `drop` are over-long ids.

    `cut` are ids that the card calls truncated.
    """
    ids, tokens, loss = [], [], []
    answers: list[list[str]] = []
    lost = []
    for row in read_lines(rows, Row):
        if row.id in drop:
            lost.append(Dropped(id=row.id, tokens=999, reason="over-long"))
            continue
        mask: list[bool] = []
        for turn in row.turns:
            answer = turn.role == "assistant"
            mask += [answer] * (len(turn.content.split()) + answer)
        ids.append(row.id)
        answers.append([turn.content for turn in row.turns if turn.role == "assistant"])
        tokens.append(list(range(len(mask))))
        loss.append(mask)
    table = pyarrow.table(
        {
            "id": pyarrow.array(ids, pyarrow.string()),
            "input_ids": pyarrow.array(tokens, pyarrow.list_(pyarrow.int32())),
            "loss": pyarrow.array(loss, pyarrow.list_(pyarrow.bool_())),
            "loss_tokens": pyarrow.array(list(map(sum, loss)), pyarrow.int32()),
            "characters": pyarrow.array([sum(map(len, some)) for some in answers], pyarrow.int32()),
            "words": pyarrow.array([sum(len(one.split()) for one in some) for some in answers], pyarrow.int32()),
            "answers": pyarrow.array(list(map(len, answers)), pyarrow.int16()),
        }
    )
    target.mkdir(parents=True, exist_ok=True)
    with pyarrow.ipc.new_file(str(target / "tokens.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    (target / "card.json").write_bytes(to_json(token_card(dropped=lost, truncated=cut)))
    return target


def hits_of(
    root: Path, rows: DataContext, questions: DataContext, references: DataContext | None = None
) -> DataContext:
    """Run the contamination job over all languages of an ingest."""
    inputs = {"rows": rows.out, "questions": questions.out}
    inputs |= {"references": references.out} if references is not None else {}
    languages = tuple(sorted(path.stem for path in (rows.out / "rows").iterdir()))
    context = data_context(root, inputs=inputs)
    contamination.run(staged(context, ContaminationParams(languages=languages), tuple(inputs)))
    return context


def mix_over(
    root: Path,
    rows: DataContext,
    *,
    name: str,
    languages: Collection[str],
    sampled: bool = False,
    weights: Collection[float] = (),
    size: int | None = None,
    draw: int = 0,
    questions: DataContext | None = None,
    references: DataContext | None = None,
    published: DataContext | None = None,
    dropped: Mapping[str, Collection[str]] | None = None,
    cut: Mapping[str, Collection[str]] | None = None,
    given: Mapping[str, Path] | None = None,
    **options: Any,
) -> DataContext:
    """Run the mix job over an ingest's rows and word tokens of them; inputs that are `given` are not made."""
    inputs: dict[str, Path] = {}
    for language in languages:
        role = f"tokens:{language}"
        source, target = rows.out / "rows" / f"{language}.jsonl", root.parent / f"{root.name}-{language}"
        inputs[role] = (given or {}).get(role) or word_tokens(
            source, target, (dropped or {}).get(language, ()), (cut or {}).get(language, ())
        )
    if given is not None and "hits" in given:
        inputs["hits"] = given["hits"]
    elif questions is not None:
        inputs["hits"] = hits_of(root.parent / f"{root.name}-hits", rows, questions, references).out
    if published is not None:
        inputs |= {"rows": rows.out, "published": published.out}
    context = data_context(root, inputs=inputs)
    params: dict[str, Any] = {"languages": tuple(languages), "weights": tuple(weights), **options}
    params["published"] = published is not None
    mix.run(staged(context, MixParams(mix=name, sampled=sampled, size=size, draw=draw, **params), tuple(inputs)))
    return context
