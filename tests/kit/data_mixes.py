"""Token sets without a tokenizer, and mixes over them: tests of the mix job need lengths, not meanings."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pyarrow

from jobs import mix
from jobs.lib.data.by_id import documents
from polyglot.spec.params import MixParams
from tests.kit.data_jobs import DataContext, data_context, staged


def word_tokens(rows: Path, target: Path, drop: Collection[str] = (), cut: Collection[str] = ()) -> Path:
    """Write tokens.arrow with a token a word and one EOS an answer, in small batches; `drop` are over-long ids.

    `cut` are ids that the card calls truncated.
    """
    ids, tokens, loss = [], [], []
    for row in documents(rows):
        if row["id"] in drop:
            continue
        mask: list[bool] = []
        for turn in row["turns"]:
            answer = turn["role"] == "assistant"
            mask += [answer] * (len(turn["content"].split()) + answer)
        ids.append(row["id"])
        tokens.append(list(range(len(mask))))
        loss.append(mask)
    table = pyarrow.table(
        {
            "id": pyarrow.array(ids, pyarrow.string()),
            "input_ids": pyarrow.array(tokens, pyarrow.list_(pyarrow.int32())),
            "loss": pyarrow.array(loss, pyarrow.list_(pyarrow.bool_())),
        }
    )
    target.mkdir(parents=True, exist_ok=True)
    with pyarrow.ipc.new_file(str(target / "tokens.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    (target / "card.json").write_text(json.dumps({"truncated": [{"id": name, "tokens": 999} for name in cut]}))
    return target


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
    dropped: Mapping[str, Collection[str]] | None = None,
    cut: Mapping[str, Collection[str]] | None = None,
) -> DataContext:
    """Run the mix job over an ingest's rows and word tokens of them."""
    inputs: dict[str, Path] = {"rows": rows.out}
    for language in languages:
        source, target = rows.out / "rows" / f"{language}.jsonl", root.parent / f"{root.name}-{language}"
        inputs[f"tokens:{language}"] = word_tokens(
            source, target, (dropped or {}).get(language, ()), (cut or {}).get(language, ())
        )
    if questions is not None:
        inputs["questions"] = questions.out
    context = data_context(root, inputs=inputs)
    params: dict[str, Any] = {"languages": tuple(languages), "weights": tuple(weights)}
    mix.run(staged(context, MixParams(mix=name, sampled=sampled, size=size, draw=draw, **params), tuple(inputs)))
    return context
