"""One base model, tuned whole and by LoRA in one study: two arms, from the study file to the report and the hub."""

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
import yaml
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.kit.desk import Desk
from tests.kit.hub_server import serve

BASE = "built-in: {steps: 20}"
MODELS = (
    f"{{whole: {{{BASE}}}, low: {{{BASE}, training: {{method: lora, lora-rank: 4, learning-rate: 1e-2, steps: 6}}}}}}"
)
CELL = "low/house/ENDE/s0"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The study, run by the local scheduler."""
    with pytest.MonkeyPatch.context() as patch:
        made = Desk.at(tmp_path_factory.mktemp("ran"), patch)
        said = made.run("submit", made.one_mix(models=MODELS), "--store", made.url)
        assert said.code == 0, said.err
        yield made


def fetch(desk: Desk, *arguments: str | Path) -> list[Path]:
    said = desk.run("fetch", "one", *arguments, "--store", desk.url)
    assert said.code == 0, said.err
    return [Path(line) for line in said.out.splitlines()]


def test_both_begin_with_one_base_and_read_one_mix(desk: Desk) -> None:
    plan = desk.session(desk.root / "one.yaml").plan
    whole, low = (plan.find(f"train {model}/house/ENDE/s0").stage for model in ("whole", "low"))
    assert whole.inputs == low.inputs
    assert {"method", "lora_rank"} & whole.params.keys() == set()
    assert (low.params["method"], low.params["lora_rank"], low.params["steps"]) == ("lora", 4, 6)


def test_what_differs_is_told_by_the_plan_and_the_report(desk: Desk, tmp_path: Path) -> None:
    said = desk.run("plan", desk.root / "one.yaml", "--store", desk.url)
    assert "models.low: trained with steps 6, learning-rate 0.01, method lora, lora-rank 4, lora-alpha 32" in said.out
    done = desk.run("report", "one", "--store", desk.url, "--out", tmp_path)
    assert done.code == 0, done.err
    page = next(tmp_path.rglob("*.html")).read_text(encoding="utf-8")
    for told in ("method, low", "LoRA of rank 4, alpha 32, on all linear layers", "training length, whole", "6 steps"):
        assert told in page
    assert "method, whole" not in page


def test_the_adapter_beside_its_base_is_the_model_that_was_answered_for(desk: Desk, tmp_path: Path) -> None:
    (adapter,) = fetch(desk, "adapter", "--to", tmp_path)
    assert adapter.name == "low-house-ENDE-s0"
    names = {path.name for path in adapter.iterdir()}
    assert names == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
    (merged,) = fetch(desk, "model", CELL, "--to", tmp_path)
    (base,) = (path for path in fetch(desk, "model", "--to", tmp_path) if path.name in ("whole", "low"))
    ids = AutoTokenizer.from_pretrained(merged)("Nenne 3!", return_tensors="pt")["input_ids"]
    beside = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).eval()
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(merged)(input_ids=ids).logits
        assert torch.allclose(beside(input_ids=ids).logits, expected, atol=1e-5)


@pytest.mark.parametrize(("what", "library"), [("adapter", "peft"), ("model", "transformers")])
def test_its_card_says_the_method(desk: Desk, tmp_path: Path, what: str, library: str) -> None:
    (folder,) = fetch(desk, what, CELL, "--to", tmp_path)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---")[1])["library_name"] == library
    assert "- method: LoRA of rank 4, alpha 32, on all linear layers but the output layer" in card
    assert ("merged into these weights" in card) is (what == "model")


def test_what_was_tuned_whole_has_none(desk: Desk, tmp_path: Path) -> None:
    said = desk.run("fetch", "one", "adapter", "whole", "--to", tmp_path, "--store", desk.url)
    assert said.code == 2
    assert f"no adapter of this name; got 'whole'; expected one of {CELL}" in said.err


def test_an_adapter_is_pushed_in_the_place_of_a_model(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("hf_sentinel")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    with serve(write_token="hf_sentinel") as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.endpoint)
        hub.written["lab/one"] = {"model.safetensors": b"old", "figure.png": b"ours"}
        for options, expected in ((("--adapter",), "adapter_config.json"), ((), "config.json")):
            said = desk.run("push", "one", CELL, "lab/one", *options, "--store", desk.url)
            assert said.code == 0, said.err
            files = hub.written["lab/one"].keys()
            assert {"adapter_config.json", "config.json"} & files == {expected}
            assert "figure.png" in files
