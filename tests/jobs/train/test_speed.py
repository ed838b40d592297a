"""Settings of speed and memory: what is computed stays the same, and what cannot be is refused by one line."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed
from transformers import AutoModelForCausalLM, LlamaConfig

from jobs.train import compiling
from jobs.train import job as train
from jobs.train.batches import MicroBatch
from jobs.train.mixture import Mixture
from polyglot.core.errors import Exit, Interrupted, Permanent
from tests.jobs.train.test_ranks import model, round_of, run_rounds, training
from tests.kit.model_jobs import ModelContext
from tests.kit.training import context_of, digests, prepare, record

EIGHT = {"optimizer": "adamw-8bit"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model whose matrices are large enough for moments in 8 bits, on one and on two ranks, and not on three."""
    found = prepare(tmp_path_factory.mktemp("inputs"))
    folder = found["base"] / "model"
    vocabulary = json.loads((folder / "config.json").read_text())["vocab_size"]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=256,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, inputs: dict[str, Path]) -> ModelContext:
    """The training without any setting."""
    return trained(tmp_path_factory.mktemp("plain"), inputs)


def trained(root: Path, inputs: dict[str, Path], **settings: Any) -> ModelContext:
    context = context_of(root, inputs, settings={"micro_batch_tokens": 60, **settings})
    train.run(context)
    return context


def said(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(entry.getMessage() for entry in caplog.records)


class TestSameBits:
    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({"recompute": 1}, "recompute: the first 1 of 3 layers"),
            ({"recompute": 9}, "recompute: the first 3 of 3 layers"),
            ({"recompute": True}, ""),
            ({"prefetch": 0}, ""),
            ({"prefetch": 7}, ""),
            ({"offload": True}, "offload: nothing is gained without a GPU"),
        ],
    )
    def test_whatever_is_set(
        self,
        tmp_path: Path,
        inputs: dict[str, Path],
        plain: ModelContext,
        settings: dict[str, Any],
        line: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        assert digests(trained(tmp_path, inputs, **settings)) == digests(plain)
        assert line in said(caplog)
        assert not distributed.is_initialized()

    def test_as_many_layers_are_recomputed_as_were_said(
        self, tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts = []
        original = train.recompute

        def spied(model: Any, which: Any, log: Any) -> None:
            original(model, which, log)
            counts.append([layer.gradient_checkpointing for layer in model.model.layers])

        monkeypatch.setattr(train, "recompute", spied)
        for which in (1, 2, True):
            trained(tmp_path / str(which), inputs, recompute=which)
        assert counts == [[True, False, False], [True, True, False], [True, True, True]]

    def test_attention_is_said_and_recorded(
        self, tmp_path: Path, inputs: dict[str, Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        for asked, used in ((None, "sdpa"), ("eager", "eager")):
            context = trained(tmp_path / used, inputs, **({"attention": asked} if asked else {}))
            assert context.metrics["execution"]["attention"] == used
        assert "attention: sdpa, transformers' choice on a processor" in said(caplog)
        assert "attention: eager, as the settings say" in said(caplog)


class TestOffload:
    def test_over_ranks_learns_what_is_learnt_without(
        self, tmp_path: Path, inputs: dict[str, Path], plain: ModelContext
    ) -> None:
        """An adapter too, which is whole on every rank."""
        lora = {"method": "lora", "lora_rank": 4, "lora_alpha": 8}
        full, adapter = (round_of(tmp_path / name, inputs, 2, batch_size=4) for name in ("full", "adapter"))
        alone = round_of(tmp_path / "alone", inputs, 1, batch_size=4, **lora)
        adapter["params"] |= lora
        for one in (full, adapter):
            one["settings"] |= {"offload": True}
        assert run_rounds(full, adapter, alone) == [[Exit.FINE] * 2, [Exit.FINE] * 2, [Exit.FINE]]
        assert training(tmp_path / "full")["loss"] == pytest.approx(record(plain)["loss"], rel=1e-6)
        assert training(tmp_path / "adapter")["loss"] == pytest.approx(training(tmp_path / "alone")["loss"], rel=1e-6)

    def test_resumes_to_the_bit_and_where_nothing_is_offloaded(self, tmp_path: Path, inputs: dict[str, Path]) -> None:
        """What a layout that fits a smaller pool has saved, another one goes on with, and the other way round."""

        def started(name: str, ranks: int, *, offload: bool, stop_after: int = 0) -> dict[str, Any]:
            one = round_of(tmp_path / name, inputs, ranks, stop_after=stop_after)
            one["settings"] |= {"offload": offload}
            return one

        left = run_rounds(
            started("whole", 2, offload=True),
            started("parts", 2, offload=True, stop_after=3),
            started("unloaded", 2, offload=False, stop_after=3),
        )
        assert left == [[Exit.FINE] * 2, [Exit.INTERRUPTED_WORKER] * 2, [Exit.INTERRUPTED_WORKER] * 2]
        shutil.copytree(tmp_path / "parts", tmp_path / "plain")
        went_on = run_rounds(
            started("parts", 2, offload=True), started("plain", 1, offload=False), started("unloaded", 3, offload=True)
        )
        assert went_on == [[Exit.FINE] * 2, [Exit.FINE], [Exit.FINE] * 3]
        whole, parts = (model(tmp_path / name) / "model.safetensors" for name in ("whole", "parts"))
        assert training(tmp_path / "parts") == training(tmp_path / "whole")
        assert parts.read_bytes() == whole.read_bytes()
        for other in ("plain", "unloaded"):
            found, expected = training(tmp_path / other), training(tmp_path / "whole")
            assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)


class TestPrefetch:
    def test_what_goes_wrong_while_a_batch_is_laid_out_ends_the_step(
        self, tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(self: Mixture, number: int) -> Any:
            raise Permanent(f"tokens.arrow: row {number} is damaged")

        monkeypatch.setattr(Mixture, "sample", broken)
        with pytest.raises(Permanent, match=r"tokens.arrow: row \d+ is damaged"):
            trained(tmp_path, inputs)

    def test_a_gpu_would_get_all_parts_from_pinned_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pinned: list[torch.Tensor] = []
        monkeypatch.setattr(torch.Tensor, "pin_memory", lambda part: pinned.append(part) or part)
        ids, at = torch.ones(2, 3), torch.ones(1)
        batch = MicroBatch(ids, at, at, ids, at, ids).pinned().to(torch.device("cpu"))
        assert len(pinned) == 6
        assert torch.equal(batch.input_ids, ids)


class TestEightBitMoments:
    def test_learn_what_others_learn_and_resume_to_the_bit(
        self, tmp_path: Path, inputs: dict[str, Path], plain: ModelContext
    ) -> None:
        """On as many ranks as before; on another number to rounding."""
        whole, parts, other = (tmp_path / name for name in ("whole", "parts", "other"))
        left = run_rounds(round_of(whole, inputs, 2, **EIGHT), round_of(parts, inputs, 2, stop_after=3, **EIGHT))
        assert left == [[Exit.FINE] * 2, [Exit.INTERRUPTED_WORKER] * 2]
        shutil.copytree(parts, other)
        (folder,) = (parts / "checkpoints").iterdir()
        names = sorted(path.name for path in folder.glob("rank-00001*"))
        assert "rank-00001-of-00002-scales.safetensors" in names
        went_on = run_rounds(round_of(parts, inputs, 2, **EIGHT), round_of(other, inputs, 3, **EIGHT))
        assert went_on == [[Exit.FINE] * 2, [Exit.FINE] * 3]
        assert training(parts) == training(whole)
        assert (model(parts) / "model.safetensors").read_bytes() == (model(whole) / "model.safetensors").read_bytes()
        assert training(other)["loss"] == pytest.approx(training(whole)["loss"], rel=1e-3)
        assert training(other)["loss"] != training(whole)["loss"]

    def test_of_one_process_resume_to_the_bit(
        self, tmp_path: Path, inputs: dict[str, Path], plain: ModelContext
    ) -> None:
        whole = context_of(tmp_path / "whole", inputs, settings={"micro_batch_tokens": 60}, **EIGHT)
        train.run(whole)
        assert record(whole)["loss"] == pytest.approx(record(plain)["loss"], rel=0.02)
        assert record(whole)["loss"][1:] != record(plain)["loss"][1:]
        parts = context_of(tmp_path / "parts", inputs, settings={"micro_batch_tokens": 60}, **EIGHT)
        parts.stop_after = 2
        with pytest.raises(Interrupted):
            train.run(parts)
        again = context_of(tmp_path / "parts", inputs, settings={"micro_batch_tokens": 60}, **EIGHT)
        train.run(again)
        assert digests(again) == digests(whole)


class TestCompile:
    def test_computes_what_is_computed_without_and_beyond_its_bound_says_so(
        self,
        tmp_path: Path,
        inputs: dict[str, Path],
        plain: ModelContext,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        caplog.set_level(logging.INFO)
        torch._dynamo.reset()
        monkeypatch.setattr(compiling, "RECOMPILATIONS", 1)
        context = trained(tmp_path, inputs, compile=True, recompute=True)
        assert context.metrics["execution"]["compiled"] is True
        assert record(context)["loss"] == pytest.approx(record(plain)["loss"], rel=1e-5)
        lines = [line for line in said(caplog).splitlines() if "compute uncompiled" in line]
        assert lines == [
            "compile: layers were compiled 1 times for other shapes; for more of them they compute uncompiled"
        ]


class TestRefused:
    @pytest.mark.parametrize(
        ("settings", "params", "line"),
        [
            ({"offload": True}, EIGHT, "offload: does not go with optimizer adamw-8bit, .* Take one of the two"),
            ({"attention": "flex"}, {}, "attention: flex has no backward pass on a processor. Take sdpa"),
            ({"attention": "flex", "compile": True}, {}, "compile: does not go with attention flex"),
        ],
    )
    def test_what_does_not_go_together(
        self, tmp_path: Path, inputs: dict[str, Path], settings: dict[str, Any], params: dict[str, Any], line: str
    ) -> None:
        with pytest.raises(Permanent, match=line):
            train.run(context_of(tmp_path, inputs, settings=settings, **params))

    @pytest.mark.parametrize(
        ("settings", "params", "what"), [({"compile": True}, {}, "compile"), ({}, EIGHT, "optimizer adamw-8bit")]
    )
    def test_what_wants_a_compiler_where_there_is_none(
        self,
        tmp_path: Path,
        inputs: dict[str, Path],
        settings: dict[str, Any],
        params: dict[str, Any],
        what: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.delenv("CXX", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(Permanent, match=rf"{what}: needs a compiler, got no g\+\+. Put one into the image"):
            train.run(context_of(tmp_path, inputs, settings=settings, **params))

    def test_a_compiler_that_is_named_and_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CXX", "/nowhere/g++")
        with pytest.raises(Permanent, match="got CXX=/nowhere/g.., which is not there"):
            compiling.check_compiler("compile", torch.device("cpu"))
