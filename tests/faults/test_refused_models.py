"""Fault 25: pickle weights, code of a repository, forged safetensors: refused with the reason, never run or read."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from jobs.answer import job as answer
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.tokenize import TokenizeParams
from tests.kit.model_jobs import model_context, write_questions
from tests.kit.training import context_of, prepare


class Canary:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self.path,))


def pickles_only(model: Path, canary: Path) -> None:
    (model / "model.safetensors").unlink()
    torch.save({"weight": Canary(canary)}, model / "pytorch_model.bin")


def index_of_pickles(model: Path, canary: Path) -> None:
    (model / "model.safetensors").unlink()
    torch.save({"weight": Canary(canary)}, model / "pytorch_model-1.bin")
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"weight": "pytorch_model-1.bin"}}))


def index_that_leaves_the_directory(model: Path, canary: Path) -> None:
    (model / "model.safetensors").rename(model.parent / "outside.safetensors")
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": "../outside.safetensors"}}))


def index_of_a_missing_shard(model: Path, canary: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": "model-1.safetensors"}}))


def code_asked_for(model: Path, canary: Path) -> None:
    code = f"from pathlib import Path\nPath({str(canary)!r}).touch()\n"
    (model / "modeling_evil.py").write_text(code)
    path = model / "config.json"
    entries = {"AutoConfig": "modeling_evil.C", "AutoModelForCausalLM": "modeling_evil.M"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": entries}))


def code_beside(model: Path, canary: Path) -> None:
    (model / "tokenization_evil.py").write_text(f"open({str(canary)!r}, 'w')")


def tokenizer_code(model: Path, canary: Path) -> None:
    path = model / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": {"AutoTokenizer": ["evil.T", None]}}))


def adapter(model: Path, canary: Path) -> None:
    (model / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "somebody/else"}))


def pickle_under_another_name(model: Path, canary: Path) -> None:
    torch.save({"weight": Canary(canary)}, model / "model.safetensors")


def header_of_half_the_memory(model: Path, canary: Path) -> None:
    data = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + data[8:])


def offsets_beyond_the_file(model: Path, canary: Path) -> None:
    header = json.dumps({"model.norm.weight": {"dtype": "F32", "shape": [2**20], "data_offsets": [0, 2**22]}}).encode()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 16)


def overlapping_tensors(model: Path, canary: Path) -> None:
    one = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    header = json.dumps({"a": one, "b": one}).encode()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 16)


def truncated(model: Path, canary: Path) -> None:
    data = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(data[:-1])


def empty(model: Path, canary: Path) -> None:
    (model / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")


def tensors_of_another_shape(model: Path, canary: Path) -> None:
    path = model / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "intermediate_size": 48}))


CASES: list[tuple[Callable[[Path, Path], None], str]] = [
    (pickles_only, "no safetensors weights; got pytorch_model.bin, which may run code"),
    (index_of_pickles, "'pytorch_model-1.bin' is not the name of a safetensors file"),
    (index_that_leaves_the_directory, "is not the name of a safetensors file beside it"),
    (index_of_a_missing_shard, "model-1.safetensors is missing"),
    (code_asked_for, "model/config.json: auto_map asks for code"),
    (code_beside, "model/tokenization_evil.py: a model directory holds no code"),
    (tokenizer_code, "model/tokenizer_config.json: auto_map asks for code"),
    (adapter, "adapters are not read"),
    (pickle_under_another_name, "not a safetensors file"),
    (header_of_half_the_memory, "not a safetensors file"),
    (offsets_beyond_the_file, "not a safetensors file"),
    (overlapping_tensors, "not a safetensors file"),
    (truncated, "not a safetensors file"),
    (empty, "holds no tensor"),
    (tensors_of_another_shape, r"got the shape .*; config.json says .*: they are of two models"),
]


@pytest.mark.parametrize(("damage", "reason"), CASES, ids=[damage.__name__ for damage, _ in CASES])
def test_is_refused_by_training_and_answering(
    tmp_path: Path, damage: Callable[[Path, Path], None], reason: str
) -> None:
    inputs, canary = prepare(tmp_path), tmp_path / "canary"
    damage(inputs["base"] / "model", canary)
    context = context_of(tmp_path / "run", inputs)
    with pytest.raises(Permanent, match=reason):
        train.run(context)
    assert not list(context.out.iterdir())

    questions = write_questions(tmp_path / "questions", "DE", [{"id": "1", "category": "math", "turns": ["Was?"]}])
    params = AnswerParams(languages=("DE",), systems={"DE": ""}, temperatures={}, max_new_tokens=4, dtype="float32")
    answering = model_context(tmp_path / "answer", params, {"model": inputs["base"], "questions": questions})
    with pytest.raises(Permanent, match=reason):
        answer.run(answering)
    assert not list(answering.out.iterdir())
    assert not canary.exists()


@pytest.mark.parametrize("damage", [code_asked_for, code_beside, tokenizer_code])
def test_code_is_refused_by_tokenizing_too(tmp_path: Path, damage: Callable[[Path, Path], None]) -> None:
    inputs, canary = prepare(tmp_path), tmp_path / "canary"
    damage(inputs["base"] / "model", canary)
    params = TokenizeParams(language="DE", system="", max_tokens=99, over_long="drop")
    context = model_context(tmp_path / "again", params, {"base": inputs["base"], "rows": tmp_path / "rows"})
    with pytest.raises(Permanent, match="code"):
        tokenize.run(context)
    assert not canary.exists()


def test_a_pickle_beside_safetensors_is_never_opened(tmp_path: Path) -> None:
    inputs, canary = prepare(tmp_path), tmp_path / "canary"
    torch.save({"weight": Canary(canary)}, inputs["base"] / "model" / "pytorch_model.bin")
    context = context_of(tmp_path / "run", inputs)
    train.run(context)
    assert not canary.exists()
    assert not list((context.out / "model").glob("*.bin"))
    assert load_file(context.out / "model" / "model.safetensors")
