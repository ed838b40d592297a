"""One model of each family, in the files that its publisher ships, from the hub to its answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.answer import job as answer
from jobs.base import job as base
from jobs.lib.model.loading import load_tokenizer
from jobs.lib.model.template import ChatFormat
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.base import BaseParams
from polyglot.kinds.tokenize import TokenizeParams
from tests.kit.hub import REVISION, Hub, serve
from tests.kit.model_jobs import conversation, model_context, write_mix, write_questions, write_rows
from tests.kit.published_models import FAMILIES, llama_2, mistral, qwen_2, teuken, xglm
from tests.kit.training import ROWS, context_of


def fetch(root: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """The base stage of a model on a hub: what it made, and what it fetched in which order."""
    hub = Hub("somebody/model", {path.name: path.read_bytes() for path in sorted(model.iterdir())})
    context = model_context(root / "fetch", BaseParams(source="hub", hub=hub.name, revision=REVISION), {})
    with serve(hub):
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        try:
            base.run(context)
        finally:
            (root / "fetched").write_text("\n".join(hub.fetched))
    return context.out, hub.fetched


def fetched(root: Path) -> list[str]:
    return (root / "fetched").read_text().splitlines()


@pytest.mark.parametrize("family", [*FAMILIES, "teuken"])
def test_a_family_is_fetched_trained_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str) -> None:
    made, names = fetch(tmp_path, {**FAMILIES, "teuken": teuken}[family](tmp_path / "published"), monkeypatch)
    told = json.loads((made / "training.json").read_text()).get("tokenizer")
    assert (told == "converted from tokenizer.model; the repository's code was not run") is (family == "teuken")
    weights = [name.endswith(".safetensors") for name in names]
    assert weights == sorted(weights), "what may be refused comes before the weights"
    assert not {name for name in names if Path(name).suffix in {".pt", ".bin", ".msgpack"}}

    params = TokenizeParams(language="DE", system="Sei kurz.", max_tokens=250, over_long="drop")
    rows = write_rows(tmp_path / "rows", "DE", ROWS)
    tokens = model_context(tmp_path / "tokens", params, {"rows": rows, "base": made})
    tokenize.run(tokens)
    card = json.loads((tokens.out / "card.json").read_text())
    assert card["rows"] == len(ROWS)

    mix = write_mix(tmp_path / "mix", [("DE", number) for number in range(len(ROWS))])
    run = context_of(tmp_path / "run", {"base": made, "mix": mix, "tokens:DE": tokens.out}, steps=2)
    train.run(run)
    questions = [{"id": str(number), "category": "math", "turns": ["Wo?" * number, "Und?"]} for number in (1, 2, 5)]
    asking = AnswerParams(languages=("DE",), systems={"DE": ""}, temperatures={}, max_new_tokens=4, dtype="float32")
    asked = {"model": run.out, "questions": write_questions(tmp_path / "questions", "DE", questions)}
    answering = model_context(tmp_path / "answer", asking, asked)
    answer.run(answering)
    lines = (answering.out / "answers" / "DE.jsonl").read_text().splitlines()
    assert [(len(row["turns"]), row["error"]) for row in map(json.loads, lines)] == [(2, None)] * 3


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_comes_back_from_the_tokens_that_are_learnt(tmp_path: Path, family: str) -> None:
    chat = ChatFormat(load_tokenizer(FAMILIES[family](tmp_path / "published")))
    turns = conversation("Wo ist der Käse?", "Là-bas, à côté.", "Und der Bär?", "one dog, two words")
    encoded = chat.encode(turns, "Be brief.")
    for number in (1, 3):
        prompt = chat.prompt(turns[:number], "Be brief.")
        end = encoded.input_ids.index(chat.eos_id, len(prompt))
        assert chat.text(prompt, encoded.input_ids[len(prompt) : end]) == turns[number]["content"]
        assert all(encoded.loss[len(prompt) : end + 1])


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def tokenizer_of_its_own(model: Path) -> None:
    (model / "gptx_tokenizer.py").write_text("print()")
    change(model / "tokenizer_config.json", auto_map={"AutoTokenizer": ["gptx_tokenizer.SPTokenizer", None]})


def code_that_counts_otherwise(model: Path) -> None:
    change(model / "config.json", bos_token_id=7)


def unknown_architecture(model: Path) -> None:
    change(model / "config.json", model_type="brand-new", architectures=["BrandNewForCausalLM"])


def no_causal_model(model: Path) -> None:
    change(model / "config.json", model_type="t5", architectures=["T5ForConditionalGeneration"])


def broken_pieces(model: Path) -> None:
    (model / "tokenizer.model").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")


def without_tokenizer_json(model: Path) -> None:
    (model / "tokenizer.json").unlink()


def class_that_converts_wrongly(model: Path) -> None:
    change(model / "tokenizer_config.json", tokenizer_class="TokenizersBackend")


@pytest.mark.parametrize(
    ("made", "damage", "reason"),
    [
        (teuken, code_that_counts_otherwise, "bos_token '<s>' is number 1 of .*config.json says 7: .*never run here"),
        (qwen_2, tokenizer_of_its_own, "model/tokenizer_config.json: auto_map asks for code of the repository"),
        (llama_2, unknown_architecture, "model/config.json: cannot be loaded: .*`brand-new`"),
        (llama_2, no_causal_model, "model_type 't5' is no causal language model that transformers [0-9.]+ has"),
        (llama_2, broken_pieces, "tokenizer: cannot be loaded|model/tokenizer.model: no SentencePiece model"),
        (xglm, without_tokenizer_json, "sentencepiece.bpe.model: transformers cuts 'The word of the day' into <unk>"),
        (mistral, class_that_converts_wrongly, "tokenizer.model: transformers cuts .*, SentencePiece into ▁"),
    ],
)
def test_what_cannot_be_loaded_is_refused_before_the_weights_come(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[Path], Path],
    damage: Callable[[Path], None],
    reason: str,
) -> None:
    model = made(tmp_path / "published")
    damage(model)
    with pytest.raises(Permanent, match=reason):
        fetch(tmp_path, model, monkeypatch)
    assert "config.json" in fetched(tmp_path)
    assert not [name for name in fetched(tmp_path) if name.endswith(".safetensors")]
