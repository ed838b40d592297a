"""Bases in float16, with tied embeddings, rows without a token, ALiBi or sinusoidal positions: from files to answers.

BLOOM (ALiBi, tied), XGLM (sinusoidal positions, embeddings scaled up) and Qwen 2 (tied, more rows than tokens), small.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from jobs.answer import job as answer
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.tokenize import TokenizeParams
from tests.kit.model_jobs import ModelContext, model_context, write_mix, write_questions, write_rows
from tests.kit.published_models import FAMILIES
from tests.kit.training import ROWS, context_of, record

KINDS = ("bloom", "xglm", "qwen-2")
LARGEST = 65504.0  # that float16 holds
PROMPT = torch.tensor([[5, 9, 7, 12, 6, 8]])


def half(folder: Path, family: str, *, scale: float = 1.0) -> Path:
    """A base artifact whose weights are published in float16, the embeddings times `scale`."""
    model_folder = FAMILIES[family](folder / "model")
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(scale)
    for stray in model_folder.glob("*.bin"):
        stray.unlink()
    model.half().save_pretrained(model_folder)
    assert {tensor.dtype for tensor in load_file(model_folder / "model.safetensors").values()} == {torch.float16}
    return folder


def trained(root: Path, base: Path, **changes: Any) -> ModelContext:
    rows = write_rows(root / "rows", "DE", ROWS)
    params = TokenizeParams(language="DE", system="Sei kurz.", max_tokens=200, over_long="drop")
    tokens = model_context(root / "tokens", params, {"rows": rows, "base": base})
    tokenize.run(tokens)
    mix = write_mix(root / "mix", [("DE", number) for number in range(len(ROWS))])
    run = context_of(root / "run", {"base": base, "mix": mix, "tokens:DE": tokens.out}, **changes)
    train.run(run)
    return run


def logits(directory: Path, dtype: torch.dtype) -> torch.Tensor:
    model = load_model(directory / "model", dtype=dtype, device=torch.device("cpu")).eval()
    with torch.no_grad():
        found: torch.Tensor = model(PROMPT).logits
    return found


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_float16_cannot_hold_is_trained_and_answers(tmp_path: Path, precision: str) -> None:
    """XGLM multiplies its embeddings by the root of their size: here beyond float16, as a large one's sums are."""
    base = half(tmp_path / "base", "xglm", scale=8e5)
    assert not logits(base, torch.float16).isfinite().all(), "else it would show nothing"
    run = trained(tmp_path, base, steps=3, precision=precision)
    assert all(0 < loss < float("inf") for loss in record(run)["loss"])
    weights = load_file(run.out / "model" / "model.safetensors")
    assert all(tensor.isfinite().all() for tensor in weights.values())
    assert max(float(tensor.abs().max()) for tensor in weights.values()) * 32**0.5 > LARGEST
    params = AnswerParams(languages=("DE",), systems={"DE": ""}, temperatures={}, max_new_tokens=4, dtype=precision)
    questions = write_questions(tmp_path / "q", "DE", [{"id": "1", "category": "math", "turns": ["Wo?", "Und?"]}])
    answering = model_context(tmp_path / "answer", params, {"model": run.out, "questions": questions})
    answer.run(answering)
    (row,) = map(json.loads, (answering.out / "answers" / "DE.jsonl").read_text().splitlines())
    assert (row["error"], len(row["turns"])) == (None, 2)


@pytest.mark.parametrize("family", KINDS)
def test_a_step_of_no_length_leaves_the_logits_as_they_were(tmp_path: Path, family: str) -> None:
    """Reading, holding in float32, export and reading again lose nothing: positions, ties, rows without a token."""
    base = half(tmp_path / "base", family)
    run = trained(tmp_path, base, steps=1, learning_rate=1e-30)
    before, after = logits(base, torch.float32), logits(run.out, torch.float32)
    assert torch.allclose(before, after, rtol=0, atol=1e-20)
    assert not torch.equal(before[0, 0], before[0, 1])
    tokens, rows = len(load_tokenizer(run.out / "model")), before.shape[-1]
    assert (rows > tokens) == (family in ("xglm", "qwen-2"))


@pytest.mark.parametrize("family", KINDS)
def test_tied_embeddings_stay_tied_and_are_written_once(tmp_path: Path, family: str) -> None:
    run = trained(tmp_path, half(tmp_path / "base", family), steps=2)
    names = load_file(run.out / "model" / "model.safetensors").keys()
    assert not [name for name in names if name.startswith("lm_head")]
    model = AutoModelForCausalLM.from_pretrained(run.out / "model", dtype=torch.float32)
    rows, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    assert rows.data_ptr() == head.data_ptr()
    assert torch.equal(model(PROMPT).logits, logits(run.out, torch.float32))


@pytest.mark.parametrize("family", ["bloom", "xglm"])
def test_positions_count_after_the_export(tmp_path: Path, family: str) -> None:
    """Two tokens that change places change what comes after them; the same ones do not."""
    run = trained(tmp_path, half(tmp_path / "base", family), steps=2)
    model = load_model(run.out / "model", dtype=torch.float32, device=torch.device("cpu")).eval()
    swapped = PROMPT[:, [0, 2, 1, 3, 4, 5]]
    with torch.no_grad():
        plain, other, again = (model(tokens).logits[0, -1] for tokens in (PROMPT, swapped, PROMPT))
    assert torch.equal(plain, again)
    assert (plain - other).abs().max() > 1e-5
