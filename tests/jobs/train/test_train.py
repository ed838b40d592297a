"""The train job on tiny models: what it learns from, what it writes, and what it refuses."""

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from jobs.lib.token_set import TokenSet
from jobs.train import job as train
from jobs.train import keeping
from jobs.train.weights import write_weights
from polyglot.core.errors import Permanent, StoreError
from polyglot.core.records import to_json
from tests.kit.data_mixes import token_card
from tests.kit.model_jobs import (
    ARCHITECTURES,
    FolderCheckpoints,
    ModelContext,
    byte_level,
    config_of,
    gpt2_like,
    llama2_like,
    write_base,
    write_mix,
)
from tests.kit.training import context_of, digests, prepare, record


class TestOutput:
    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_loads_and_has_learnt(self, tmp_path: Path, architecture: str) -> None:
        tokenizer = gpt2_like() if architecture == "gpt2" else byte_level()
        inputs = prepare(tmp_path, architecture, tokenizer)
        context = context_of(tmp_path / "run", inputs, steps=12, batch_size=6, learning_rate=1e-2)
        train.run(context)
        losses = record(context)["loss"]
        assert losses[-1] < losses[0] - 0.5
        model = AutoModelForCausalLM.from_pretrained(context.out / "model", local_files_only=True)
        loaded = AutoTokenizer.from_pretrained(context.out / "model", local_files_only=True)
        messages = [{"role": "user", "content": "Nenne 3!"}]
        ids = loaded.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        assert torch.isfinite(model(**ids).logits).all()
        assert model.generation_config.eos_token_id == loaded.eos_token_id

    def test_has_the_files_that_vllm_reads(self, tmp_path: Path) -> None:
        context = context_of(tmp_path / "run", prepare(tmp_path))
        train.run(context)
        names = {path.name for path in (context.out / "model").iterdir()}
        assert names == {
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja",
        }
        config = GenerationConfig.from_pretrained(context.out / "model")
        assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (0, 1, 2)
        text = "".join(path.read_text() for path in context.out.rglob("*.json"))
        assert str(tmp_path) not in text

    def test_ships_the_template_it_was_trained_with(self, tmp_path: Path) -> None:
        context = context_of(tmp_path / "run", prepare(tmp_path, tokenizer=llama2_like()))
        train.run(context)
        loaded = AutoTokenizer.from_pretrained(context.out / "model", local_files_only=True)
        messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
        prompt = loaded.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        assert prompt == "<s>System: S\nUser: U\nAssistant:"

    def test_is_the_same_each_time(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        found = []
        for _ in range(2):
            context = context_of(tmp_path / "run", inputs)
            train.run(context)
            found.append(digests(context))
        assert found[0] == found[1]

    def test_is_the_same_whatever_the_environment_says(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        inputs = prepare(tmp_path)
        made = []
        for name in ("plain", "ambient"):
            context = context_of(tmp_path / name, inputs)
            train.run(context)
            made.append(digests(context))
            for variable in ("ACCELERATE_MIXED_PRECISION", "ONEDNN_DEFAULT_FPMATH_MODE"):
                monkeypatch.setenv(variable, "bf16" if variable.startswith("A") else "BF16")
            monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
        assert made[0] == made[1]
        assert os.environ["ACCELERATE_MIXED_PRECISION"] == "bf16"  # it is the user's own, and comes back

    def test_checkpoints_that_stop_the_training_for_long_are_made_less_often(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock, writing = [0.0], keeping.checkpoint.write

        def slowly(*arguments: Any, **named: Any) -> None:
            writing(*arguments, **named)
            clock[0] += 3

        class SlowContext(ModelContext):
            def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
                clock[0] += 10

        monkeypatch.setattr(keeping, "time", SimpleNamespace(monotonic=lambda: clock[0]))
        monkeypatch.setattr(keeping.checkpoint, "write", slowly)
        context = context_of(tmp_path / "run", prepare(tmp_path), steps=40)
        context.__class__ = SlowContext
        train.run(context)
        saved = sorted(int(path.name) for path in (tmp_path / "run" / "checkpoints").iterdir())
        assert saved == [6, 21, 36]  # after 60 s, then after fifty times the 3 s that writing takes
        assert context.volatile["checkpoint_stall_seconds"] == 9

    def test_a_state_is_stored_while_the_training_goes_on(self, tmp_path: Path) -> None:
        stored, seen = threading.Event(), []

        class PatientCheckpoints(FolderCheckpoints):
            def save(self, directory: Path, step: int) -> None:
                assert stored.wait(60)
                super().save(directory, step)

        class WatchingContext(ModelContext):
            def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
                seen.append((done, self.checkpoints.saves))
                if done == 5:
                    stored.set()

        context = context_of(tmp_path / "run", prepare(tmp_path), steps=6, checkpoint_steps=3)
        context.__class__ = WatchingContext
        context.checkpoints = PatientCheckpoints(tmp_path / "checkpoints")
        train.run(context)
        assert seen[:5] == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000003"]

    def test_what_goes_wrong_while_storing_ends_the_attempt(self, tmp_path: Path) -> None:
        """Not the store's first failure, and not after the last step, when nobody needs it."""
        inputs = prepare(tmp_path)

        class BrokenCheckpoints(FolderCheckpoints):
            broken = {2, 3, 5}

            def save(self, directory: Path, step: int) -> None:
                if step in self.broken:
                    raise StoreError("no space left")
                super().save(directory, step)

        context = context_of(tmp_path / "run", inputs, steps=5, checkpoint_steps=1)
        context.checkpoints = BrokenCheckpoints(tmp_path / "checkpoints")
        with pytest.raises(StoreError, match="no space left"):
            train.run(context)
        BrokenCheckpoints.broken = {2, 4}
        again = context_of(tmp_path / "again", inputs, steps=5, checkpoint_steps=1)
        again.checkpoints = BrokenCheckpoints(tmp_path / "others")
        train.run(again)
        assert sorted(path.name for path in (tmp_path / "others").iterdir()) == ["00000001", "00000003"]

    def test_weights_in_several_files_are_those_in_memory(self, tmp_path: Path) -> None:
        for architecture in ("llama-tied", "mixtral"):
            model = AutoModelForCausalLM.from_config(config_of(architecture, 400)).eval()
            out = tmp_path / architecture
            out.mkdir()
            write_weights(model, out, torch.float32, file_bytes=30_000)
            model.config.save_pretrained(out)
            assert len(list(out.glob("model-*-of-*.safetensors"))) > 2
            ids = torch.arange(12).reshape(2, 6)
            with torch.no_grad():
                assert torch.equal(AutoModelForCausalLM.from_pretrained(out)(ids).logits, model(ids).logits)

    def test_depends_on_the_seed(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        found = []
        for seed in (0, 1):
            context = context_of(tmp_path / str(seed), inputs, seed=seed)
            train.run(context)
            found.append(digests(context)["model/model.safetensors"])
        assert found[0] != found[1]

    def test_record_counts_what_was_seen(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        context = context_of(tmp_path / "run", inputs, steps=None, epochs=2, batch_size=5, warmup_steps=2)
        train.run(context)
        found = record(context)
        supervised = int(TokenSet(inputs["tokens:DE"] / "tokens.arrow").supervised.sum())
        assert (found["steps"], found["samples"], found["epochs"]) == (5, 24, 2.0)
        assert found["samples_per_language"] == {"DE": 24}
        assert found["loss_tokens_per_language"] == {"DE": 2 * supervised}
        assert len(found["loss"]) == len(found["learning_rate"]) == 5
        assert found["final_loss"] == found["loss"][-1]
        assert found["learning_rate"][:3] == pytest.approx([1e-3, 2e-3, 3e-3])

    def test_keeps_a_bfloat16_base_in_bfloat16_unless_told(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        path = inputs["base"] / "model"
        AutoModelForCausalLM.from_pretrained(path).to(torch.bfloat16).save_pretrained(path)
        for precision, expected in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
            context = context_of(tmp_path / precision, inputs, precision=precision)
            train.run(context)
            weights = load_file(context.out / "model" / "model.safetensors")
            assert {tensor.dtype for tensor in weights.values()} == {expected}

    @pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU computes in bfloat16 when told")
    def test_a_precision_that_a_cpu_does_not_have_is_said_and_what_was_computed_is_recorded(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        inputs = prepare(tmp_path)
        for precision, said in (("bfloat16", ["computing in float32: bfloat16 is for GPUs only"]), ("float32", [])):
            caplog.clear()
            context = context_of(tmp_path / precision, inputs, precision=precision)
            train.run(context)
            assert [row.getMessage() for row in caplog.records if row.levelname == "WARNING"] == said
            assert context.metrics["execution"]["dtype"] == "float32"


class TestRefusals:
    def refused(self, context: ModelContext, match: str) -> None:
        with pytest.raises(Permanent, match=match):
            train.run(context)
        assert not list(context.out.iterdir())

    @pytest.mark.parametrize("lengths", [{"steps": None}, {"epochs": 1.0}])
    def test_both_or_neither_of_steps_and_epochs(self, tmp_path: Path, lengths: dict[str, Any]) -> None:
        self.refused(context_of(tmp_path / "run", {}, **lengths), "expected exactly one of them")

    def test_a_warm_up_longer_than_the_run(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        few = {"steps": None, "epochs": 1.0, "batch_size": 4}  # 12 samples: three steps
        self.refused(context_of(tmp_path / "run", inputs, warmup_steps=4, **few), "got 4, but the run has 3 steps")

    def test_sequences_longer_than_the_model_sees(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        write_base(tmp_path / "base", positions=16)
        self.refused(context_of(tmp_path / "run", inputs), r"longer than the model's 16 positions.*set max_tokens")

    def test_tokens_of_another_tokenizer(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        write_base(tmp_path / "base", tokenizer=byte_level(260))
        self.refused(
            context_of(tmp_path / "run", inputs),
            "mix: a token has the id 378, but the model embeds 260 tokens. Take the tokenizer",
        )

    def test_token_sets_of_different_templates(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        other = tmp_path / "other"
        other.mkdir()
        (other / "tokens.arrow").write_bytes((inputs["tokens:DE"] / "tokens.arrow").read_bytes())
        (other / "card.json").write_bytes(to_json(replace(token_card(), template="tokenizer")))
        write_mix(tmp_path / "mix", [("DE", 0), ("EN", 1)])
        self.refused(context_of(tmp_path / "run", {**inputs, "tokens:EN": other}), "different chat templates")

    def test_weights_that_are_missing(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        path = inputs["base"] / "model" / "model.safetensors"
        weights = load_file(path)
        weights.pop("model.norm.weight")
        save_file(weights, path, metadata={"format": "pt"})
        self.refused(context_of(tmp_path / "run", inputs), "1 weights are missing.*model.norm.weight")

    def test_an_unknown_architecture(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        path = inputs["base"] / "model" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "unheard-of"}))
        self.refused(context_of(tmp_path / "run", inputs), "cannot be loaded")
