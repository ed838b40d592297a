"""A question has the answer in a batch that it has alone, whatever its model makes of padding."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    JambaConfig,
    MambaConfig,
    PreTrainedConfig,
    RecurrentGemmaConfig,
    RwkvConfig,
)

from jobs.answer import job as answer
from jobs.answer.engines.batching import Batching
from jobs.answer.engines.engine import Request
from jobs.answer.engines.generation import Generator
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.lib.model.template import ChatFormat
from jobs.train import job as train
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import AnswerParams
from tests.kit.model_jobs import ARCHITECTURES, byte_level, model_context, write_base, write_questions
from tests.kit.training import context_of, prepare

SIZES: dict[str, Any] = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
}
RECURRENT = {
    "recurrent-gemma": RecurrentGemmaConfig(
        **SIZES, num_key_value_heads=1, lru_width=32, attention_window_size=32, head_dim=16
    ),
    "rwkv": RwkvConfig(vocab_size=400, hidden_size=32, attention_hidden_size=32, num_hidden_layers=2),
    "mamba": MambaConfig(vocab_size=400, hidden_size=32, state_size=8, num_hidden_layers=2),
    "jamba": JambaConfig(
        **SIZES, num_key_value_heads=2, num_experts=2, num_experts_per_tok=1, mamba_d_state=8, mamba_dt_rank=4,
        attn_layer_period=2, attn_layer_offset=1,
    ),
}  # fmt: skip
WAYS = {
    "recurrent-gemma": Batching(together="equal-lengths"),
    "rwkv": Batching(cached=False, together="equal-lengths"),
    "mamba": Batching(cached=False),
    "jamba": Batching(),
}
SAID = {"recurrent-gemma": "equal-lengths", "rwkv": "equal-lengths"}
TURNS = ("Hi", "Nenne eins zwei drei!", "Wo ist der Käse, bitte?", "Und?", "Hallo", "Was ist das da?")


def write(folder: Path, config: PreTrainedConfig) -> Path:
    """A model whose answers depend much on what it reads."""
    tokenizer = byte_level()
    torch.manual_seed(0)
    config.bos_token_id, config.eos_token_id, config.pad_token_id = 0, 1, 2
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(5)
        model.get_input_embeddings().weight[2].normal_(std=5)  # of PAD, which begins as nothing
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder


def generator_of(base: Path) -> Generator:
    model = load_model(base / "model", dtype=torch.float32, device=torch.device("cpu"))
    return Generator(model, ChatFormat(load_tokenizer(base / "model")))


@pytest.mark.parametrize("name", RECURRENT)
def test_answers_in_a_batch_are_those_alone(tmp_path: Path, name: str) -> None:
    generator = generator_of(write(tmp_path / "base", RECURRENT[name]))
    prompts = [generator.chat.prompt([{"role": "user", "content": text}]) for text in TURNS]
    assert len({len(prompt) for prompt in prompts}) > 2
    wanted = [
        Request(prompt=prompt, temperature=0.0, seed=0, max_new_tokens=6 + place % 2 * 8)
        for place, prompt in enumerate(prompts)
    ]
    together = [one.text for one in generator.answer(wanted)]
    assert together == [generator.answer([one])[0].text for one in wanted]
    assert len(set(together)) > 1
    assert generator.batching == WAYS[name]
    assert not generator.slotted


def test_padding_would_have_changed_them(tmp_path: Path) -> None:
    """The example itself: what the trial is there to find."""
    generator = generator_of(write(tmp_path / "base", RECURRENT["recurrent-gemma"]))
    prompts = [generator.chat.prompt([{"role": "user", "content": text}]) for text in TURNS]
    wanted = [Request(prompt=prompt, temperature=0.0, seed=0, max_new_tokens=8) for prompt in prompts]
    right = [one.text for one in generator.answer(wanted)]
    generator.batching = Batching()
    assert [one.text for one in generator.answer(wanted)] != right


@pytest.mark.parametrize("name", ["recurrent-gemma", "jamba"])
def test_answers_and_card_say_how_it_was_done(tmp_path: Path, name: str) -> None:
    base = write(tmp_path / "base", RECURRENT[name])
    questions = [{"id": str(place), "category": "math", "turns": [text]} for place, text in enumerate(TURNS)]
    asked = write_questions(tmp_path / "questions", "DE", questions)
    params = AnswerParams(languages=("DE",), systems={"DE": ""}, temperatures={}, max_new_tokens=4, dtype="float32")
    context = model_context(tmp_path / "run", params, {"model": base, "questions": asked})
    answer.run(context)
    rows = [json.loads(line) for line in (context.out / "answers" / "DE.jsonl").read_text().splitlines()]
    assert {row.get("batching") for row in rows} == {SAID.get(name)}
    assert json.loads((context.out / "card.json").read_text()).get("batching") == SAID.get(name)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_models_that_heed_the_mask_are_padded_as_ever(tmp_path: Path, architecture: str, dtype: torch.dtype) -> None:
    base = write_base(tmp_path / "base", architecture)
    model = load_model(base / "model", dtype=dtype, device=torch.device("cpu"))
    generator = Generator(model, ChatFormat(load_tokenizer(base / "model")))
    assert (generator.batching, generator.joins) == (Batching(), True)


def test_a_model_that_sees_what_comes_next_is_not_trained(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    AutoModelForCausalLM.from_config(BertConfig(**SIZES)).save_pretrained(inputs["base"] / "model")
    with pytest.raises(Permanent, match="BertLMHeadModel sees the tokens behind the one that it predicts"):
        train.run(context_of(tmp_path / "run", inputs))
