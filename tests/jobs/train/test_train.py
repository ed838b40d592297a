"""The train job on tiny models: what it learns from, what it writes, and what it refuses."""

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from msgspec.structs import replace
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, Gemma2Config, GenerationConfig

from jobs.lib.model.execution import computing
from jobs.lib.token_set import TokenSet
from jobs.train import job as train
from jobs.train import keeping
from jobs.train.batches import collate
from jobs.train.head import TargetLoss
from jobs.train.mixture import Mixture
from jobs.train.optimizers import optimizer_of
from jobs.train.training import Layout, Trainer
from jobs.train.weights import write_weights
from polyglot.core.errors import Permanent, StoreError
from polyglot.core.records import to_json
from polyglot.kinds.train import TrainParams
from tests.kit.data_mixes import token_card
from tests.kit.model_jobs import (
    ARCHITECTURES,
    FolderCheckpoints,
    ModelContext,
    byte_level,
    config_of,
    gpt2_like,
    llama2_like,
    pad_is_eos,
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


class TestLoss:
    def test_is_the_mean_over_supervised_tokens_of_the_step(self, tmp_path: Path) -> None:
        """Against transformers' own loss on the whole, unsplit step."""
        inputs = prepare(tmp_path, tokenizer=pad_is_eos())
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        with computing(1, deterministic=True):
            for limit in (1, 120, 100_000):
                model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
                trainer = trainer_of(model, mixture, limit)
                samples = trainer.order.step(0)
                expected = reference_loss(
                    AutoModelForCausalLM.from_pretrained(inputs["base"] / "model"), mixture, samples
                )
                assert trainer.step(0) == pytest.approx(expected, abs=2e-5)

    def test_gradients_do_not_depend_on_micro_batches(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        weights = []
        with computing(1, deterministic=True):
            for limit in (1, 100_000):
                model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
                trainer = trainer_of(model, mixture, limit)
                trainer._accumulate(trainer.order.step(0), 1)
                weights.append(torch.cat([parameter.grad.reshape(-1) for parameter in model.parameters()]))
        assert torch.allclose(weights[0], weights[1], rtol=1e-4, atol=1e-4 * weights[1].abs().max().item())

    @pytest.mark.parametrize("layout", [{}, {"packing": "step", "packed_tokens": 200}], ids=["padded", "packed"])
    @pytest.mark.parametrize("limit", [1, 100_000])
    def test_may_be_the_mean_of_the_means_of_unequal_groups(
        self, tmp_path: Path, limit: int, layout: dict[str, Any]
    ) -> None:
        """As trainers did that averaged over micro-batches; a sample drawn twice counts in both of its groups."""
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(5)])
        grouped = {"loss_normalization": "micro-batches", "loss_micro_batch": 4, "batch_size": 7, **layout}
        with computing(1, deterministic=True):
            model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
            trainer = trainer_of(model, mixture, limit, **grouped)
            samples = trainer.order.step(0)
            groups = [samples[:4], samples[4:]]
            assert len(set(samples)) < len(samples)
            counts = [sum(int(mixture.supervised[number]) for number in group) for group in groups]
            assert counts[0] != counts[1]
            supervised = sum(counts)
            loss = trainer._accumulate(samples, *trainer._normalization(samples, supervised))
            found = torch.cat([parameter.grad.reshape(-1) for parameter in model.parameters()])

            plain = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
            means = [mean_loss(plain, mixture, group) for group in groups]
            expected = (means[0] + means[1]) / 2
            expected.backward()
            gradient = torch.cat([parameter.grad.reshape(-1) for parameter in plain.parameters()])
        assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
        assert torch.allclose(found, gradient, rtol=1e-4, atol=1e-4 * gradient.abs().max().item())
        over_tokens = sum(mean.item() * count for mean, count in zip(means, counts, strict=True)) / supervised
        assert loss.item() != pytest.approx(over_tokens, rel=2e-5)  # an untrained model's means are nearly alike

    def test_groups_change_the_whole_run_and_are_recorded_in_its_losses(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        over_tokens = context_of(tmp_path / "tokens-mean", inputs)
        each = context_of(tmp_path / "each", inputs, loss_normalization="micro-batches", loss_micro_batch=1)
        for context in (over_tokens, each):
            train.run(context)
        assert record(each)["loss"] != pytest.approx(record(over_tokens)["loss"], rel=1e-4)

    def test_the_gradients_norm_is_told_as_it_was_before_clipping(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        plain = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
        trainer = trainer_of(
            AutoModelForCausalLM.from_pretrained(inputs["base"] / "model"), mixture, 9, gradient_clip=0.1
        )
        mean_loss(plain, mixture, trainer.order.step(0)).backward()
        expected = torch.cat([parameter.grad.reshape(-1) for parameter in plain.parameters()]).norm().item()
        trainer.step(0)
        assert trainer.gradient_norm == pytest.approx(expected, rel=1e-4)
        assert expected > 0.1
        context = context_of(tmp_path / "run", inputs)
        train.run(context)
        assert len(record(context)["gradient_norm"]) == record(context)["steps"] == 6

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_head_on_targets_equals_the_full_head(self, tmp_path: Path, architecture: str) -> None:
        inputs = prepare(tmp_path, architecture)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
        batch = collate(mixture, [[0], [1], [5]], pad_id=2)
        loss = TargetLoss(model)
        assert loss.picks_before_head
        picked = loss(model, batch).item()
        loss.picks_before_head = False
        assert picked == pytest.approx(loss(model, batch).item(), rel=1e-5)

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("architecture", [*ARCHITECTURES, "gemma3", "xglm", "qwen3-moe"])
    def test_a_loss_in_parts_is_the_whole_one(self, tmp_path: Path, architecture: str, weighted: bool) -> None:
        """Loss and gradients, with parts of three targets."""
        inputs = prepare(tmp_path, architecture)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        batch = collate(mixture, [[0], [1], [5]], pad_id=2, weights=[[0.5], [1.0], [0.25]] if weighted else None)
        found = []
        for at_once in (None, 3):
            model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model").eval()
            loss = TargetLoss(model, at_once=at_once)
            assert loss.splits_head
            assert len(batch.at) > 3
            total = loss(model, batch)
            total.backward()
            found.append((total.item(), {name: tensor.grad for name, tensor in model.named_parameters()}))
        assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
        assert all(torch.allclose(found[0][1][name], found[1][1][name], atol=1e-5) for name in found[0][1])

    def test_logits_that_change_behind_the_head_are_made_whole(self) -> None:
        config = Gemma2Config(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, head_dim=16, final_logit_softcapping=5.0,
        )  # fmt: skip
        loss = TargetLoss(AutoModelForCausalLM.from_config(config), at_once=3)
        assert loss.picks_before_head
        assert not loss.splits_head

    def test_a_head_that_mixes_positions_is_left_alone(self) -> None:
        model = AutoModelForCausalLM.from_config(config_of("llama", 64))
        model.get_output_embeddings().register_forward_hook(
            lambda module, args, out: out - out.mean(dim=1, keepdim=True)
        )
        assert not TargetLoss(model).picks_before_head

    @pytest.mark.parametrize("architecture", ["mixtral", "qwen3-moe"])
    @pytest.mark.parametrize("limit", [1, 10_000])
    def test_the_routers_balance_is_learnt_where_the_recipe_says_so(
        self, tmp_path: Path, architecture: str, limit: int
    ) -> None:
        """As transformers computes it: by passes of one sample, by their shares of the tokens; or padded in one."""
        inputs = prepare(tmp_path, architecture)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model")
        trainer = trainer_of(model, mixture, limit, router_loss=0.5, batch_size=4)
        samples = trainer.order.step(0)
        rows = [torch.from_numpy(mixture.sample(number)[0][:-1].astype("int64")) for number in samples]
        with torch.no_grad():
            if limit == 1:
                each = [model(input_ids=row[None], output_router_logits=True).aux_loss * len(row) for row in rows]
                balance = float(sum(each)) / sum(map(len, rows))
            else:
                ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=2)
                mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
                found = model(input_ids=ids, attention_mask=mask, output_router_logits=True)
                balance = float(found.aux_loss)
        expected = reference_loss(model, mixture, samples) + 0.5 * balance
        assert trainer.step(0) == pytest.approx(expected, rel=1e-5)
        assert balance > 0.5

    def test_a_router_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        tokens = TokenSet(prepare(tmp_path)["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", 0)])
        model = AutoModelForCausalLM.from_config(config_of("llama", 64))
        with pytest.raises(Permanent, match="LlamaForCausalLM has no experts and no router"):
            trainer_of(model, mixture, 64, router_loss=0.01)

    def test_padding_does_not_reach_real_tokens(self, tmp_path: Path) -> None:
        inputs = prepare(tmp_path)
        tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
        mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
        model = AutoModelForCausalLM.from_pretrained(inputs["base"] / "model").eval()
        loss = TargetLoss(model)
        short, long = (int(find(mixture.lengths)) for find in (lambda x: x.argmin(), lambda x: x.argmax()))
        apart = sum(loss(model, collate(mixture, [[one]], pad_id=2)).item() for one in (short, long))
        together = loss(model, collate(mixture, [[short], [long]], pad_id=399)).item()
        assert together == pytest.approx(apart, rel=1e-5)

    def test_weight_decay_acts_on_matrices_only(self) -> None:
        model = AutoModelForCausalLM.from_config(config_of("gpt2", 64))
        decayed, free = optimizer_of(model, TrainParams(steps=1, weight_decay=0.1)).param_groups
        assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
        assert {parameter.ndim for parameter in free["params"]} == {1}
        assert {parameter.ndim for parameter in decayed["params"]} == {2}


def trainer_of(model: Any, mixture: Mixture, limit: int, **changes: Any) -> Trainer:
    values = {"steps": 2, "batch_size": 6, "learning_rate": 1e-3, "precision": "float32", "gradient_clip": 0.0}
    params = TrainParams(**{**values, **changes})
    layout = Layout(micro_batch_tokens=limit, pad_id=2)
    return Trainer(model, mixture, params, seed=0, layout=layout, accelerator=Accelerator(cpu=True))


def reference_loss(model: Any, mixture: Mixture, samples: list[int]) -> float:
    return float(mean_loss(model, mixture, samples).item())


def mean_loss(model: Any, mixture: Mixture, samples: list[int]) -> torch.Tensor:
    """The mean over all supervised tokens, one sample at a time, with the full logits."""
    losses = []
    for number in samples:
        ids, loss = mixture.sample(number)
        logits = model(input_ids=torch.tensor([ids.tolist()])).logits[0, :-1]
        wanted = torch.tensor(loss[1:].copy())
        targets = torch.tensor(ids[1:].tolist())[wanted]
        losses.append(functional.cross_entropy(logits[wanted], targets, reduction="none"))
    return torch.cat(losses).mean()


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
