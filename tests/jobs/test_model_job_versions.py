"""What tokenize, train and answer make of fixed inputs at their present versions.

A failure here says: the outputs have changed. If that is meant, raise the `version` of the stage's parameters, so that
results under the old meaning are not taken for new ones, and put the new values here beside it. Token ids and answers
are compared exactly; losses to three digits, as the last bits differ between processors.
"""

import json
import math
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from transformers import AutoModelForCausalLM

from jobs.answer import job as answer
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from polyglot.core.canonical import digest
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.tokenize import TokenizeParams
from polyglot.kinds.train import TrainParams
from tests.kit.model_jobs import byte_level, config_of, model_context, write_mix, write_questions, write_rows

TOKENIZE = {3: "98ef9cc307999e4c6e860eda12eebf541fdf45c0a53c198c1799971baddd4b80"}
TRAIN = {1: [6.09011, 4.46011, 2.99714, 1.96882, 1.22179, 0.72436, 0.49204, 0.41933]}
ANSWER = {1: [["Hier sind 1 Bären.", "Käse auch."], ["nder si asHauch", "Käse aauuind i Käse "]]}

COUNTS = ("loss_tokens", "characters", "words", "answers")
ROWS = [(f"Nenne {number} Bären!", f"Hier sind {number} Bären.", "Und Käse?", "Käse auch.") for number in range(8)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three stages, run one after the other."""
    root = tmp_path_factory.mktemp("versions")
    write_fixed_base(root / "base")
    params = TokenizeParams(language="DE", system="Sei kurz.", max_tokens=60, over_long="truncate")
    rows = write_rows(root / "rows", "DE", ROWS)
    tokenize.run(model_context(root / "tokens", params, {"rows": rows, "base": root / "base"}))
    mix = write_mix(root / "mix", [("DE", number) for number in range(len(ROWS))])
    tuning = TrainParams(
        steps=50, batch_size=4, learning_rate=5e-3, warmup_steps=3, schedule="trapezoid", precision="float32"
    )
    inputs = {"base": root / "base", "mix": mix, "tokens:DE": root / "tokens" / "out"}
    train.run(model_context(root / "train", tuning, inputs, seed=5))
    questions = [
        {"id": "1", "category": "math", "turns": ["Nenne 3 Bären!", "Und Käse?"]},
        {"id": "2", "category": "writing", "turns": ["Nenne 7 Bären!", "Und Käse?"]},
    ]
    asking = AnswerParams(
        languages=("DE",),
        systems={"DE": "Sei kurz."},
        temperatures={"writing": 1.5},
        max_new_tokens=12,
        top_k=20,
        top_p=0.95,
        dtype="float32",
    )
    asked = {"model": root / "train" / "out", "questions": write_questions(root / "questions", "DE", questions)}
    answer.run(model_context(root / "answer", asking, asked))
    return root


def write_fixed_base(folder: Path) -> None:
    """A model whose weights are the same on every machine and under every version of torch."""
    tokenizer = byte_level()
    config = config_of("llama-tied", len(tokenizer))
    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            if parameter.ndim > 1:
                values = [0.05 * math.sin(1.7 * place * place + number) for place in range(parameter.numel())]
                parameter.copy_(torch.tensor(values).reshape(parameter.shape))
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")


def test_tokenize(root: Path) -> None:
    rows = pa.ipc.open_file(root / "tokens" / "out" / "tokens.arrow").read_all().to_pylist()
    counts = [{name: row.pop(name) for name in COUNTS} for row in rows]
    assert digest(rows) == TOKENIZE[TokenizeParams.version]  # the same since version 1
    assert [count.pop("loss_tokens") for count in counts] == [sum(row["loss"]) for row in rows]
    assert counts == [{"characters": 28, "words": 6, "answers": 2}] * len(ROWS)


def test_train(root: Path) -> None:
    record = json.loads((root / "train" / "out" / "training.json").read_text())
    assert record["loss"][::7] == pytest.approx(TRAIN[TrainParams.version], abs=1e-3)


def test_answer(root: Path) -> None:
    lines = (root / "answer" / "out" / "answers" / "DE.jsonl").read_text().splitlines()
    assert [[turn["text"] for turn in json.loads(line)["turns"]] for line in lines] == ANSWER[AnswerParams.version]
