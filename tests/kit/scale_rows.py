"""Data at Bactrian-X's scale: rows of five languages in the form that ingest writes, and a tokenizer of real size.

From help-x, repeated under new ids, where the documentation data are there; else from words of the built-in set, drawn
by a Zipf law into texts of log-normal length. About 40 % of the rows have an input beside the instruction.
"""

import gzip
import json
import random
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from jobs.builtin.words import NOUNS
from polyglot.core.records import line
from polyglot.kinds.rows import Row, Turn
from tests.kit.data_ingests import LANGUAGES
from tests.kit.shared import SHARED

HELP = SHARED / "data" / "help-x"


def real() -> bool:
    """Whether help-x is there."""
    return HELP.is_dir()


def records(language: str) -> Iterator[dict[str, Any]]:
    """Bactrian-X's fields, without empty outputs."""
    if real():
        with gzip.open(HELP / f"help_{language}.jsonl.gz", "rt", encoding="utf-8") as file:
            yield from (record for record in map(json.loads, file) if record["output"].strip())
        return
    draw = random.Random(language)
    words = [noun.word for noun in NOUNS[language]]
    weights = [1 / (place + 1) for place in range(len(words))]
    for number in range(16_000):
        lengths = [max(1, round(draw.lognormvariate(*shape))) for shape in ((2.2, 0.5), (2.0, 0.8), (3.6, 0.9))]
        texts = [" ".join(draw.choices(words, weights, k=length)) for length in lengths]
        yield {
            "id": f"s-{number}",
            "instruction": texts[0],
            "input": texts[1] if draw.random() < 0.4 else "",
            "output": texts[2],
        }


def write_rows(folder: Path, rows: int) -> float:
    """Write `rows/<LANG>.jsonl` of every language; return the share of rows with an input."""
    (folder / "rows").mkdir(parents=True)
    inputs = 0
    for language in LANGUAGES:
        known = list(records(language))
        with (folder / "rows" / f"{language}.jsonl").open("wb") as file:
            for number, record in enumerate(islice(cycle(known), rows)):
                inputs += bool(record["input"])
                asked = f"{record['instruction']}\n\n{record['input']}" if record["input"] else record["instruction"]
                row = Row(
                    id=f"alpaca-{number}",
                    language=language,
                    turns=(Turn(role="user", content=asked), Turn(role="assistant", content=record["output"])),
                    origin=f"scale:{language}.jsonl:{number + 1}",
                    licence="",
                )
                file.write(line(row))
    return inputs / (rows * len(LANGUAGES))


def write_tokenizer(folder: Path, vocabulary: int = 32_000) -> None:
    """Byte-level BPE with BOS in front, trained on the records of all languages; a `model/` without weights."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (f"{one['instruction']}\n{one['output']}" for language in LANGUAGES for one in records(language))
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
    )
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    made.save_pretrained(folder / "model")
    described = {"model_type": "llama", "vocab_size": vocabulary}
    (folder / "model" / "config.json").write_text(json.dumps(described), encoding="utf-8")
