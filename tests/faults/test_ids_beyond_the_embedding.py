"""Token ids that a model has no row for: an added PAD needs none; whatever would be read or learnt is refused early."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from jobs.answer import job as answer
from jobs.base import job as base
from jobs.lib.model.loading import load_model
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.base import BaseParams
from polyglot.kinds.templates import OWN
from polyglot.kinds.tokenize import TokenizeParams
from tests.kit.hub import REVISION, Hub, serve
from tests.kit.model_jobs import byte_level, model_context, sentence_piece, write_base, write_questions, write_rows
from tests.kit.training import ROWS, context_of, prepare

QUESTIONS = [
    {"id": str(number), "category": "math", "turns": ["Nenne " + "eins " * number + "!"]} for number in range(5)
]


def add_pad(model: Path) -> int:
    """What `tokenizer.add_special_tokens({"pad_token": "[PAD]"})` and no resizing leave behind."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(model)
    return int(tokenizer.pad_token_id)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def answers(root: Path, model: Path) -> list[Any]:
    asked = write_questions(root / "questions", "DE", QUESTIONS)
    params = AnswerParams(languages=("DE",), systems={"DE": ""}, temperatures={}, max_new_tokens=8, dtype="float32")
    context = model_context(root / "answer", params, {"model": model, "questions": asked})
    answer.run(context)
    lines = (context.out / "answers" / "DE.jsonl").read_text().splitlines()
    return [[turn["text"] for turn in json.loads(line)["turns"]] for line in lines]


def fetched(root: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a base stage on a hub that publishes this model; what it fetched, in that order."""
    hub = Hub("somebody/model", {path.name: path.read_bytes() for path in sorted(model.iterdir())})
    with serve(hub):
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        try:
            base.run(model_context(root, BaseParams(source="hub", hub=hub.name, revision=REVISION), {}))
        finally:
            seen = list(hub.fetched)
    return seen


def test_an_added_pad_changes_neither_training_nor_answers(tmp_path: Path) -> None:
    inputs = prepare(tmp_path, tokenizer=sentence_piece())
    plain = context_of(tmp_path / "plain", inputs)
    train.run(plain)
    expected = answers(tmp_path / "plain", plain.out)

    model = inputs["base"] / "model"
    embeds = json.loads((model / "config.json").read_text())["vocab_size"]
    assert add_pad(model) == embeds
    padded = context_of(tmp_path / "padded", inputs)
    train.run(padded)
    made = padded.out / "model"
    assert (made / "model.safetensors").read_bytes() == (plain.out / "model" / "model.safetensors").read_bytes()
    assert answers(tmp_path / "padded", padded.out) == expected
    for name in ("config.json", "generation_config.json"):
        assert json.loads((made / name).read_text())["pad_token_id"] == 2  # EOS: others load it, too
    AutoModelForCausalLM.from_pretrained(made)


def test_a_configured_pad_beyond_the_embedding_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_base(tmp_path / "base", tokenizer=sentence_piece()) / "model"
    expected = answers(tmp_path / "before", model.parent)
    change(model / "config.json", pad_token_id=add_pad(model))
    change(model / "generation_config.json", pad_token_id=343, eos_token_id=[2, 99999])
    assert "model.safetensors" in fetched(tmp_path / "fetched", model, monkeypatch)
    assert answers(tmp_path / "after", model.parent) == expected


def eos_beyond(model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_special_tokens({"eos_token": "<|im_end|>"})
    tokenizer.save_pretrained(model)


def bos_beyond(model: Path) -> None:
    path = model / "tokenizer.json"
    document = json.loads(path.read_text())
    document["added_tokens"].append({**document["added_tokens"][0], "id": 400, "content": "<bos>"})
    document["post_processor"]["special_tokens"]["<s>"].update(ids=[400], tokens=["<bos>"])
    path.write_text(json.dumps(document))
    change(model / "tokenizer_config.json", bos_token="<bos>")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (eos_beyond, r"the tokenizer's EOS: token '<\|im_end\|>' has the id 400, but the model embeds 400 tokens"),
        (bos_beyond, "the tokenizer's BOS: token '<bos>' has the id 400, but the model embeds 400 tokens"),
    ],
    ids=["eos", "bos"],
)
def test_what_every_text_holds_is_refused_before_the_weights_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], reason: str
) -> None:
    model = write_base(tmp_path / "base", tokenizer=byte_level()) / "model"
    damage(model)
    hub = Hub("somebody/model", {path.name: path.read_bytes() for path in sorted(model.iterdir())})
    with serve(hub):
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(Permanent, match=reason):
            base.run(model_context(tmp_path / "run", BaseParams(source="hub", hub=hub.name, revision=REVISION), {}))
    assert "config.json" in hub.fetched
    assert "model.safetensors" not in hub.fetched


def test_a_template_whose_tokens_have_no_row_is_refused_by_tokenizing(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base", tokenizer=byte_level())
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|turn|>"]})
    tokenizer.chat_template = (
        "{% for message in messages %}<|turn|>{{ message['content'] }}"
        "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|turn|>{% endif %}"
    )
    tokenizer.save_pretrained(folder / "model")
    params = TokenizeParams(language="DE", system="", max_tokens=99, over_long="drop", template=OWN)
    rows = write_rows(tmp_path / "rows", "DE", ROWS)
    with pytest.raises(
        Permanent, match=r"DE: token '<\|turn\|>' has the id 400, but the model embeds 400 tokens\. Take"
    ):
        tokenize.run(model_context(tmp_path / "run", params, {"base": folder, "rows": rows}))


@pytest.mark.parametrize("changes", [{"vocab_size": 408}, {"intermediate_size": 48}])
def test_a_configuration_of_another_model_is_refused_by_the_base_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, int]
) -> None:
    model = write_base(tmp_path / "base", tokenizer=byte_level()) / "model"
    change(model / "config.json", **changes)
    with pytest.raises(Permanent, match=r"got the shape \(.*\); config.json says \(.*\): they are of two models"):
        fetched(tmp_path / "run", model, monkeypatch)


def test_a_configuration_that_contradicts_itself_is_permanent(tmp_path: Path) -> None:
    model = write_base(tmp_path / "base") / "model"
    change(model / "config.json", hidden_size=33)
    with pytest.raises(Permanent, match=r"model/config.json: cannot be loaded: .*hidden size \(33\) is not a multiple"):
        load_model(model, dtype=None, device=torch.device("cpu"))
