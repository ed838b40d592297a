"""MarianMT and NLLB: tiny random models, whose translations are noise, and all the more must keep what is protected."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.kind import File
from tests.kit import tiny_translators
from tests.kit.judge_stage import records
from tests.kit.translations import build, card, context, row, run, texts, written

CODE = "The dog sleeps. Use `ls -l` on {name} now! See https://a.b/c.\n\n```py\nx = 1\n```\n\n- La casa\n- es grande"
ROWS = [row("a-1", "The house is large", CODE), row("a-2", "the dog", "the dog")]
MODELS = {"marian": tiny_translators.marian, "nllb": tiny_translators.nllb}


@pytest.fixture(scope="module", params=["marian", "nllb"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return request.param, MODELS[request.param](tmp_path_factory.mktemp(request.param) / "model")


def stage(root: Path, model: tuple[str, Path], rows: Any = ROWS, **params: Any) -> Path:
    """A stage whose model's files are blobs, as a study's `directory` becomes."""
    engine, folder = model
    (root / "blobs").mkdir(parents=True)
    files = []
    for path in sorted(folder.iterdir()):
        file = File(sha256=sha256_file(path), bytes=path.stat().st_size, name=path.name)
        (root / "blobs" / file.sha256).write_bytes(path.read_bytes())
        files.append(file)
    return build(root, rows, engine=engine, files=tuple(files), **params)


def test_noise_keeps_every_protected_part(tmp_path: Path, model: tuple[str, Path]) -> None:
    root = stage(tmp_path, model)
    run(root)
    rejected = written(root, "rejected.jsonl")
    assert len(texts(root)) + len(rejected) == 2
    for found in texts(root).values():
        assert found != CODE
    if "a-1" in texts(root):
        made = texts(root)["a-1"][1]
        for part in ("`ls -l`", "{name}", "https://a.b/c", "```py\nx = 1\n```", "\n- ", "\n\n"):
            assert part in made
        assert card(root)["units_in_parts"] > 0


@pytest.mark.parametrize("beams", [1, 3])
def test_the_same_rows_give_the_same_bytes(tmp_path: Path, model: tuple[str, Path], beams: int) -> None:
    first, second = stage(tmp_path / "a", model, beams=beams), stage(tmp_path / "b", model, beams=beams)
    run(first)
    run(second)
    for name in ("rows/ES.jsonl", "rejected.jsonl", "records/ES.jsonl"):
        assert (first / "out" / name).read_bytes() == (second / "out" / name).read_bytes()


def test_a_stop_keeps_what_was_translated(tmp_path: Path, model: tuple[str, Path]) -> None:
    from jobs.translate import job as translate

    rows = [row(f"a-{n}", "The house " + "large " * n, "dog") for n in range(6)]
    root = stage(tmp_path, model, rows)
    here = context(root, batch_size=2)
    appended: list[Any] = []
    append = here.journal.append

    def counted(record: Any) -> None:
        appended.append(record)
        append(record)

    here.journal.append = counted  # type: ignore[method-assign]
    here.stopping = lambda: len(appended) >= 2  # type: ignore[method-assign]
    with pytest.raises(Interrupted), here.journal:  # type: ignore[attr-defined]
        translate.run(here)
    kept = len(records(root))
    assert kept >= 2
    assert run(root).volatile["resumed_texts"] == kept


def test_a_word_longer_than_the_model_s_positions_costs_its_row(tmp_path: Path, model: tuple[str, Path]) -> None:
    rows = [row("a-1", "x" + "yz" * 200, "dog"), row("a-2", "the dog", "dog")]
    root = stage(tmp_path, model, rows)
    run(root)
    assert [(each["id"], each["reason"]) for each in written(root, "rejected.jsonl")] == [("a-1", "over-long")]


def test_a_model_of_the_other_kind_is_refused(tmp_path: Path, model: tuple[str, Path]) -> None:
    engine, folder = model
    other = {"marian": "nllb", "nllb": "marian"}[engine]
    with pytest.raises(Permanent, match=f"as engine {other} is"):
        run(stage(tmp_path, (other, folder)))


def test_a_language_that_the_vocabulary_lacks_is_named(tmp_path: Path, model: tuple[str, Path]) -> None:
    if model[0] == "nllb":
        with pytest.raises(Permanent, match="no language grn_Latn|no language cor_Latn"):
            run(stage(tmp_path, model, target="KW"))


def test_weights_that_may_run_code_are_refused(tmp_path: Path, model: tuple[str, Path]) -> None:
    root = stage(tmp_path, model)
    document = json.loads((root / "stage.json").read_text())
    for file in document["params"]["files"]:
        file["name"] = file["name"].replace("model.safetensors", "pytorch_model.bin")
    (root / "stage.json").write_text(json.dumps(document))
    with pytest.raises(Permanent, match="may run code"):
        run(root)
