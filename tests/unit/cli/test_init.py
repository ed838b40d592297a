"""`polyglot init`: a few choices become a study that is valid, pinned, and says what is left to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.cli import init
from polyglot.core.errors import BadInput
from polyglot.study.load import load_study
from polyglot.study.lock import built_in_prompts, lock_study
from polyglot.study.profile import load_profile

ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "alpaca": ({"instruction": "a", "input": "", "output": "b"}, "position"),
    "bactrian-x": ({"id": "1", "instruction": "a", "output": "b"}, "id"),
    "dolly": ({"instruction": "a", "context": "", "response": "b"}, "position"),
    "messages": ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "position"),
    "sharegpt": ({"id": 1, "conversations": [{"from": "human", "value": "a"}]}, "id"),
    "lima-x": ({"conversations": ["a", "b"]}, "position"),
}


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name: str, value: object) -> str:
    Path(name).write_text(json.dumps(value) + "\n", encoding="utf-8")
    return name


def test_without_choices_it_is_the_built_in_study_with_a_profile() -> None:
    init.command()
    study = lock_study(load_study(Path("first.yaml"))).study
    assert [mix.canonical for mix in study.mixes] == ["EN", "DE", "FR", "IT", "ES", "ENDEFRITES"]
    assert Path("profiles/local.yaml").is_file()
    assert load_profile("local").store == "file://./.polyglot/store"


@pytest.mark.parametrize("form", ROWS)
def test_files_of_ones_own_are_looked_into_and_pinned(form: str) -> None:
    row, pairing = ROWS[form]
    files = [f"{code}={written(f'{code}.jsonl', {**row, 'language': code})}" for code in ("PL", "EN")]
    question = written("q.jsonl", {"question_id": 1, "category": "writing", "turns": ["a"]})
    init.command("mine", data=files, benchmark=[f"PL={question}"], judge="gpt-4")
    study = lock_study(load_study(Path("mine.yaml"))).study
    assert (study.datasets["data"].format, study.datasets["data"].pair_by) == (form, pairing)
    assert [mix.canonical for mix in study.mixes] == ["EN", "PL", "ENPL"]
    assert study.systems == {"PL": ""}
    assert Path("prompts/PL.jsonl").is_file()
    assert study.judge.model == "gpt-4"


def test_judge_prompts_of_ones_own_are_named_and_none_is_copied_in_their_place() -> None:
    own = Path("own.jsonl")
    own.write_bytes(built_in_prompts("DE").read_bytes())
    question = written("q.jsonl", {"question_id": 1, "category": "writing", "turns": ["a"]})
    init.command("asked", benchmark=[f"DE={question}", f"EN={question}"], prompts=["DE=own.jsonl"])
    study = lock_study(load_study(Path("asked.yaml"))).study
    assert study.benchmark.prompts is not None
    assert {code: file.path for code, file in study.benchmark.prompts.items()} == {
        "DE": "own.jsonl",
        "EN": "prompts/EN.jsonl",
    }
    assert not Path("prompts/DE.jsonl").exists()

    init.command("graded", judge="gpt-4", prompts=["DE=own.jsonl"])  # of the built-in questions: for the judge alone
    graded = lock_study(load_study(Path("graded.yaml"))).study.judge
    assert graded.prompts is not None
    assert {code: file.path for code, file in graded.prompts.items()} == {"DE": "own.jsonl"}
    with pytest.raises(BadInput, match="--prompts: not one source; got own.jsonl; expected LANGUAGE=FILE"):
        init.command("none", prompts=["own.jsonl"])


def test_names_of_the_catalogue_and_mixes_are_taken_over(capsys: pytest.CaptureFixture[str]) -> None:
    init.command(
        "named", model="teuken-7b", data=["bactrian-x"], mix=["EN", "DEEN"], benchmark=["mt-bench-x"], judge="gpt-4"
    )
    study = load_study(Path("named.yaml")).study
    assert study.datasets["data"].languages == ("EN", "DE")
    assert study.models["base"].hub == "openGPT-X/Teuken-7B-base-v0.6"
    assert "still to do:\nnamed.yaml:6: models.base.revision: the commit" in capsys.readouterr().err


def test_a_folder_and_a_repository_are_told_apart(empty: Path) -> None:
    (empty / "us" / "model").mkdir(parents=True)
    init.command("local", model="us/model")
    init.command("hub", model="us/other")
    assert load_study(Path("local.yaml")).study.models["base"].directory == "us/model"
    assert load_study(Path("hub.yaml")).study.models["base"].hub == "us/other"


def test_nothing_is_written_over(empty: Path) -> None:
    (empty / "first.yaml").write_text("mine")
    with pytest.raises(BadInput, match=r"first.yaml: is there already"):
        init.command()
    assert (empty / "first.yaml").read_text() == "mine"
    assert [path.name for path in empty.iterdir()] == ["first.yaml"]


def test_baselines_stand_under_their_own_names(empty: Path) -> None:
    (empty / "chat").mkdir()
    init.command("beside", baseline=["chat", "us/Chat-2.0", "endpoint:openai/gpt-4o"])
    study = load_study(Path("beside.yaml")).study
    assert study.baselines["chat"].directory == "chat"
    assert study.baselines["chat-2-0"].hub == "us/Chat-2.0"
    assert (study.baselines["gpt-4o"].endpoint, study.baselines["gpt-4o"].model) == ("openai", "openai/gpt-4o")


@pytest.mark.parametrize(
    ("choices", "line"),
    [
        ({"model": "none"}, "--model: no such model; got 'none'; expected built-in, a folder, owner/name, teuken-7b"),
        ({"data": ["none"]}, "--data: no such data; got 'none'; expected built-in, LANGUAGE=FILE, lima-x"),
        ({"data": ["EN=none.jsonl"]}, "none.jsonl: cannot be read; got No such file"),
        ({"data": ["EN=a", "lima-x"]}, "--data: not one source"),
        ({"data": ["EN="]}, "--data: not one source"),
        ({"data": ["english=rows.jsonl"]}, "no language; got 'english'"),
        (
            {"baseline": ["none"]},
            "--baseline: no such model; got 'none'; expected built-in, a folder, owner/name, teuken-",
        ),
        ({"baseline": ["endpoint:"]}, "--baseline: no such model; got 'endpoint:'; expected endpoint:MODEL"),
        ({"benchmark": ["none"]}, "--benchmark: no such benchmark; got 'none'; expected built-in, LANGUAGE=FILE, mt-"),
    ],
)
def test_what_names_nothing_is_refused_before_a_file_is_written(
    empty: Path, choices: dict[str, Any], line: str
) -> None:
    with pytest.raises(BadInput) as told:
        init.command("mine", **choices)
    assert line in str(told.value)
    assert not list(empty.iterdir())


def test_a_schema_that_rows_do_not_tell_is_asked_for() -> None:
    rows = [f"EN={written('rows.jsonl', {'a': 1})}"]
    with pytest.raises(BadInput, match="the schema of the rows is not known; got rows.jsonl. Say --format"):
        init.command("mine", data=rows)
    init.command("mine", data=rows, schema="alpaca", mix=["EN"])
    assert load_study(Path("mine.yaml")).study.datasets["data"].format == "alpaca"


@pytest.mark.parametrize("name", ["../evil", "a b", "A", "x/y", "study.yaml", "a\nb: c"])
def test_a_name_that_no_study_may_have_writes_nothing(empty: Path, name: str) -> None:
    with pytest.raises(BadInput, match="not a study's name"):
        init.command(name, model="built-in", data=["built-in"], benchmark=["built-in"], judge="built-in")
    assert list(empty.iterdir()) == []
    assert not list(empty.parent.glob("evil*"))


@pytest.mark.parametrize("name", ["123", "null", "true", "1e3", "on"])
def test_a_name_is_text_whatever_yaml_would_take_it_for(name: str) -> None:
    init.command(name, model="built-in", data=["built-in"], benchmark=["built-in"], judge=name)
    study = load_study(Path(f"{name}.yaml")).study
    assert (study.name, study.judge.model) == (name, name)


def test_a_second_study_keeps_the_prompts_of_the_first() -> None:
    question = written("q.jsonl", {"question_id": 1, "category": "writing", "turns": ["a"]})
    for name in ("one", "two"):
        init.command(name, model="built-in", data=["built-in"], benchmark=[f"EN={question}"], judge="built-in")
        prompts = Path("prompts/EN.jsonl")
        if name == "one":
            prompts.write_text(prompts.read_text(encoding="utf-8").replace("impartial", "strict"), encoding="utf-8")
    assert "strict" in Path("prompts/EN.jsonl").read_text(encoding="utf-8")
    lock_study(load_study(Path("two.yaml")))


@pytest.mark.parametrize(("design", "mixes"), [("simplex", 14), ("english-share", 5)])
def test_a_design_is_a_study_with_its_mixes_and_a_margin(design: str, mixes: int) -> None:
    init.command("shares", design=design)
    study = lock_study(load_study(Path("shares.yaml"))).study
    assert len(study.mixes) == mixes
    assert study.findings.mixture_margin == 0.3
    assert study.seeds == (0, 1, 2)


def test_a_design_in_languages_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    init.command("three", design="simplex", languages="fr,EN, de")
    assert [mix.canonical for mix in load_study(Path("three.yaml")).study.mixes][:4] == [
        "EN",
        "DE",
        "FR",
        "DEFR-sampled",
    ]
    with pytest.raises(BadInput, match="--languages: no design; got EN; expected two languages or more, each once"):
        init.command("one", design="simplex", languages="EN")
    with pytest.raises(BadInput, match="--languages: no language; got 'XX'"):
        init.command("one", design="simplex", languages="EN,XX")
    with pytest.raises(BadInput, match="--design: no such design; got 'circle'; expected simplex or english-share"):
        init.command("one", design="circle")
    with pytest.raises(BadInput, match="--design: both a design and mixes"):
        init.command("one", design="simplex", mix=["EN"])
    with pytest.raises(BadInput, match="--languages: no design; got EN,DE"):
        init.command("one", languages="EN,DE")
    assert not Path("one.yaml").exists()
