"""Training by LoRA on tiny models of many families: what is learnt, what stays, what is written and refused."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    GemmaConfig,
    MistralConfig,
    MixtralConfig,
    PreTrainedConfig,
    Qwen3Config,
    Qwen3MoeConfig,
)

from jobs.lib.model.execution import computing
from jobs.train import adapters
from jobs.train import job as train
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.train import TrainParams
from tests.kit.model_jobs import byte_level, config_of, gpt2_like
from tests.kit.training import context_of, digests, prepare, record

LORA: dict[str, Any] = {"method": "lora", "lora_rank": 4, "lora_alpha": 8, "lora_dropout": 0.0, "learning_rate": 2e-2}


def configured(family: str, vocabulary: int) -> PreTrainedConfig:
    """A tiny configuration of a published family."""
    common: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 256,
    }
    if family == "bloom":
        return BloomConfig(vocab_size=vocabulary, hidden_size=32, n_layer=2, n_head=2)
    if family == "mixtral":
        return MixtralConfig(**common, num_local_experts=2, num_experts_per_tok=1)
    if family == "qwen3-moe":
        return Qwen3MoeConfig(**common, moe_intermediate_size=16, num_experts=4, num_experts_per_tok=2)
    classes = {"mistral": MistralConfig, "qwen3": Qwen3Config, "gemma": GemmaConfig}
    return classes[family](**common) if family in classes else config_of(family, vocabulary)


def inputs_of(root: Path, family: str) -> dict[str, Path]:
    """Inputs of a train stage with a base model of a family, whose norms are no longer those of a fresh one."""
    tokenizer = gpt2_like() if family == "gpt2" else byte_level()
    inputs = prepare(root, "llama", tokenizer)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(configured(family, len(tokenizer)))
    model.save_pretrained(inputs["base"] / "model")
    return inputs


def logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(input_ids=ids).logits
    return found


EXPERTS = ("mixtral", "qwen3-moe")
FAMILIES = ("llama", "llama-tied", "mistral", "qwen3", "gemma", "bloom", "gpt2", *EXPERTS)


@pytest.mark.parametrize("family", FAMILIES)
def test_learns_leaves_the_base_alone_and_is_the_same_merged_and_beside_it(tmp_path: Path, family: str) -> None:
    inputs = inputs_of(tmp_path, family)
    context = context_of(tmp_path / "run", inputs, **LORA, steps=12, batch_size=6, weight_decay=0.0)
    train.run(context)
    found = record(context)
    assert found["loss"][-1] < found["loss"][0] - 0.2
    assert 0 < found["trainable_parameters"] < found["parameters"]

    base, merged = (load_file(folder / "model" / "model.safetensors") for folder in (inputs["base"], context.out))
    assert base.keys() == merged.keys()
    config = json.loads((context.out / "adapter" / "adapter_config.json").read_text())
    adapted = tuple(config["target_modules"])
    changed = {name for name in base if not torch.equal(base[name], merged[name])}
    assert changed == {name for name in base if name.removesuffix(".weight").endswith(adapted)}
    assert changed
    if family in EXPERTS:
        assert adapted == ("k_proj", "o_proj", "q_proj", "v_proj")
    assert "lm_head" not in adapted
    assert (
        sum(tensor.numel() for tensor in load_file(context.out / "adapter" / "adapter_model.safetensors").values())
        == (found["trainable_parameters"])
    )

    ids = torch.arange(40).reshape(2, 20)
    plain = AutoModelForCausalLM.from_pretrained(context.out / "model")
    original = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
    before = logits(original, ids)
    beside = logits(PeftModel.from_pretrained(original, context.out / "adapter"), ids)
    assert torch.allclose(logits(plain, ids), beside, atol=1e-5)
    assert (beside - before).abs().max() > 1e-2
    assert not any("lora" in name or "peft" in name for name in merged)


class TestResult:
    def test_says_nothing_of_this_machine_and_names_the_hubs_model(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        for hub in (None, "lab/base"):
            if hub:
                said = {"source": "hub", "hub": hub, "revision": "a" * 40}
                (inputs["base"] / "training.json").write_text(json.dumps(said))
            context = context_of(tmp_path / "run", inputs, **LORA)
            train.run(context)
            text = (context.out / "adapter" / "adapter_config.json").read_text()
            config = json.loads(text)
            assert str(tmp_path) not in text + (context.out / "model" / "config.json").read_text()
            assert (config["base_model_name_or_path"], config["revision"]) == (hub, "a" * 40 if hub else None)
            assert (config["r"], config["lora_alpha"], config["peft_type"]) == (4, 8, "LORA")
            names = {path.name for path in (context.out / "adapter").iterdir()}
            assert names == {"adapter_config.json", "adapter_model.safetensors"}

    def test_is_the_same_each_time_and_depends_on_the_seed(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        made = []
        for seed in (0, 0, 1):
            context = context_of(tmp_path / "run", inputs, seed=seed, **{**LORA, "lora_dropout": 0.1})
            train.run(context)
            made.append(digests(context))
        assert made[0] == made[1]
        assert made[0]["adapter/adapter_model.safetensors"] != made[2]["adapter/adapter_model.safetensors"]

    def test_keeps_the_files_type_of_the_base_and_a_float32_adapter(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        path = inputs["base"] / "model"
        AutoModelForCausalLM.from_pretrained(path).to(torch.bfloat16).save_pretrained(path)
        context = context_of(tmp_path / "run", inputs, **LORA, precision="bfloat16")
        train.run(context)
        for folder, dtype in (("model/model", torch.bfloat16), ("adapter/adapter_model", torch.float32)):
            assert {tensor.dtype for tensor in load_file(context.out / f"{folder}.safetensors").values()} == {dtype}

    def test_a_full_training_has_no_adapter_and_counts_nothing(self, tmp_path: Path) -> None:
        context = context_of(tmp_path / "run", prepare(tmp_path))
        train.run(context)
        assert not (context.out / "adapter").exists()
        assert not {"parameters", "trainable_parameters"} & record(context).keys()


class TestTraining:
    @pytest.mark.parametrize("dropout", [0.0, 0.2])
    def test_resumed_it_ends_with_the_bits_of_an_undisturbed_run(self, tmp_path: Path, dropout: float) -> None:
        inputs = prepare(tmp_path, "gpt2", gpt2_like())
        said = {**LORA, "lora_dropout": dropout, "steps": 4}
        undisturbed = context_of(tmp_path / "undisturbed", inputs, **said)
        train.run(undisturbed)
        for _ in range(3):
            context = context_of(tmp_path / "run", inputs, **said)
            context.stop_after = 1
            with pytest.raises(Interrupted):
                train.run(context)
        kept = tmp_path / "run" / "checkpoints" / "00000003"
        weights = load_file(kept / "rank-00000-of-00001-weights.safetensors")
        assert all(".lora_" in name for name in weights)
        assert all(".lora_" in name for name in load_file(kept / "rank-00000-of-00001-exp_avg.safetensors"))
        last = context_of(tmp_path / "run", inputs, **said)
        train.run(last)
        assert last.volatile["resumed_from_step"] == 3
        assert digests(last) == digests(undisturbed)

    @pytest.mark.parametrize("family", ["llama-tied", "gpt2", "mixtral"])
    def test_activations_computed_again_give_the_same_gradients(self, tmp_path: Path, family: str) -> None:
        inputs = inputs_of(tmp_path, family)
        found = []
        for again in (False, True):
            context = context_of(
                tmp_path / str(again), inputs, settings={"recompute": again}, **{**LORA, "lora_dropout": 0.1}
            )
            train.run(context)
            found.append(record(context))
        assert min(found[1]["gradient_norm"]) > 1e-3
        for key in ("loss", "gradient_norm"):
            assert found[1][key] == pytest.approx(found[0][key], rel=1e-4)

    def test_packed_samples_are_learnt_as_alone(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        found = []
        for layout in ({}, {"packing": "step", "packed_tokens": 200}):
            context = context_of(tmp_path / str(len(layout)), inputs, **LORA, **layout)
            train.run(context)
            found.append(record(context)["loss"])
        assert found[0] == pytest.approx(found[1], rel=1e-4)

    def test_begins_as_the_base_model_with_an_adapter_that_the_seed_alone_draws(self, tmp_path: Path) -> None:
        model_of = AutoModelForCausalLM.from_config
        params, ids = TrainParams(steps=1, **LORA), torch.arange(20).reshape(1, 20)
        drawn = []
        with computing(1, deterministic=True):
            for noise, seed in ((0, 5), (1, 5), (1, 6)):
                torch.manual_seed(3)
                model = model_of(config_of("llama", 64))
                plain = logits(model, ids)
                torch.manual_seed(noise)
                adapters.attach(model, params, seed=seed, log=logging.getLogger("test"))
                assert torch.equal(logits(model, ids), plain)
                trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
                drawn.append(torch.cat([parameter.reshape(-1) for parameter in trained]))
        assert torch.equal(drawn[0], drawn[1])
        assert not torch.equal(drawn[1], drawn[2])


class TestLayers:
    def adapted(self, family: str, *names: str) -> set[str]:
        model = AutoModelForCausalLM.from_config(configured(family, 64))
        params = TrainParams(steps=1, **LORA, lora_modules=names or None)
        adapters.attach(model, params, seed=0, log=logging.getLogger("test"))
        return {name.partition(".lora_A")[0] for name, _ in model.named_parameters() if ".lora_A" in name}

    def test_are_those_that_are_named_and_there(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        published = ("q_proj", "v_proj", "query_key_value")
        assert self.adapted("llama", *published) == {
            f"model.layers.{layer}.self_attn.{name}" for layer in (0, 1) for name in ("q_proj", "v_proj")
        }
        assert "no linear layer called query_key_value" in caplog.text
        assert self.adapted("bloom", *published) == {
            f"transformer.h.{layer}.self_attention.query_key_value" for layer in (0, 1)
        }
        assert self.adapted("llama", "1.mlp.up_proj") == {"model.layers.1.mlp.up_proj"}

    @pytest.mark.parametrize("name", ["query", "lm_head", "embed_tokens", "self_attn", "roj"])
    def test_that_are_none_are_refused_with_those_that_there_are(self, name: str) -> None:
        expected = rf"lora-modules: no linear layer of LlamaForCausalLM is called {name}. It has q_proj, k_proj"
        with pytest.raises(Permanent, match=expected):
            self.adapted("llama", name)
