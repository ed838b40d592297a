"""Estimates that look outside: a hub's configuration, with its token by file; and what was used, after a run."""

import json
from pathlib import Path

import pytest

from tests.kit.desk import Desk
from tests.kit.hub_server import REVISION, Repository, serve

CONFIG = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
CONFIG |= {"num_attention_heads": 4, "vocab_size": 1000, "tie_word_embeddings": True, "dtype": "float32"}
PARAMETERS = 1000 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 128) + 5 * 64


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk.at(tmp_path, monkeypatch)


def costs(desk: Desk, study: Path) -> dict[str, dict[str, object]]:
    said = desk.run("plan", study, "--cost", "-o", "json", "--store", desk.url)
    assert said.code == 0
    return {row["label"]: row for row in json.loads(said.out)["stages"]}


def test_a_gated_models_shape_is_read_with_the_token_and_without_it_that_is_said(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("hf_secret\n")
    repository = Repository(
        name="own/model", kind="models", files={"config.json": json.dumps(CONFIG).encode()}, token="hf_secret"
    )
    study = desk.study("one", models=f"{{own: {{hub: own/model, revision: {REVISION}}}}}")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serve(repository) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.delenv("HF_TOKEN_PATH", raising=False)
        refused = costs(desk, study)["base own"]["estimated"]
        assert isinstance(refused, dict)
        assert "config.json of own/model cannot be read" in refused["lacking"][0]
        monkeypatch.setenv("HF_TOKEN_PATH", str(token))
        found = costs(desk, study)["base own"]["estimated"]
        assert isinstance(found, dict)
        assert found["parameters"] == PARAMETERS
        assert found["sources"]["parameters"] == "the hub's config.json"
    assert "hf_secret" not in json.dumps(refused)


def test_what_was_used_stands_beside_the_estimate(desk: Desk) -> None:
    study = desk.study("used", models="{tiny: {built-in: {steps: 20}}}", mixes="[EN]")
    before = costs(desk, study)["ingest house"]
    assert before["used"] is None
    submitted = desk.run("submit", study, "--data-only", "--store", desk.url)
    assert submitted.code == 0
    assert "estimate: about " in submitted.err
    rows = costs(desk, study)
    used = rows["ingest house"]["used"]
    assert isinstance(used, dict)
    assert used["memory_bytes"] > 50 * 2**20
    assert used["seconds"] > 0
    assert used["disk_bytes"] > 10_000
    known = rows["mix tiny/house/EN"]["estimated"]
    assert isinstance(known, dict)
    assert known["sources"]["tokens"] == "the card of the token set"
    assert rows["train tiny/house/EN/s0"]["used"] is None


def test_a_hub_of_ones_own_is_believed_and_not_the_catalogue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "mistralai/Mistral-7B-v0.3"
    study = desk.study("one", models=f"{{mistral: {{published: mistral-7b, revision: {REVISION}}}}}")
    monkeypatch.delenv("HF_TOKEN_PATH", raising=False)
    repository = Repository(name=name, kind="models", files={"config.json": json.dumps(CONFIG).encode()})
    with serve(repository) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        own = costs(desk, study)["base mistral"]["estimated"]
    monkeypatch.delenv("HF_ENDPOINT")
    published = costs(desk, study)["base mistral"]["estimated"]
    assert isinstance(own, dict)
    assert isinstance(published, dict)
    assert (own["parameters"], published["parameters"]) == (PARAMETERS, 7_248_023_552)
