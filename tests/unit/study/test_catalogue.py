"""`published: NAME` stands for a pinned source, with the keys that the study has beside it in place of the entry's."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.plan.build import build_plan
from polyglot.study.catalogue import PARTS, load_catalogue
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.profile import load_profile
from tests.kit.data_ingests import needs_benchmark
from tests.kit.shared import SHARED

STUDY = """
study: paper
models: {base: {published: xglm-7.5b}}
datasets:
  curated: {published: lima-x}
  synthetic: {published: bactrian-x, languages: [EN, DE]}
mixes: [EN, DE, ENDE]
training: {epochs: 3, batch-size: 64}
benchmark: {published: mt-bench-x}
judge: {endpoint: openai, model: gpt-4-0613}
"""
OWN = """
models:
  mine:
    title: A model of our own
    url: https://models.example/mine
    licence: MIT
    source: {hub: us/mine, revision: "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"}
datasets:
  lima-x:
    title: Our edition of it
    url: https://data.example/lima
    licence: other
    source: {hub: us/lima, revision: "2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b", format: lima-x, languages: [EN, DE],
             data-files: "{language}.jsonl", pair-by: position}
"""


def study(folder: Path, text: str = STUDY) -> Path:
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return folder / "study.yaml"


def plan(path: Path) -> dict[str, PlannedStage]:
    return {stage.label: stage for stage in build_plan(lock_study(load_study(path)), load_profile("local"))}


def keys(path: Path) -> dict[str, str]:
    return {label: stage.key for label, stage in plan(path).items()}


def test_an_entry_is_what_would_stand_in_the_study(tmp_path: Path) -> None:
    loaded = load_study(study(tmp_path)).study
    assert loaded.models["base"].revision == "9e3d1d64b28681040a2265e18c2b668a8f086d17"
    assert loaded.datasets["curated"].pair_by == "position"
    assert loaded.datasets["synthetic"].data_files == "data/{language}.json.gz"
    assert loaded.benchmark.languages == ("EN", "DE", "FR", "IT", "ES")


def test_what_the_study_says_beside_the_name_replaces_what_the_entry_says(tmp_path: Path) -> None:
    assert load_study(study(tmp_path)).study.datasets["synthetic"].languages == ("EN", "DE")


def test_a_name_and_its_source_written_out_have_the_same_keys(tmp_path: Path) -> None:
    for name in ("named", "written"):
        (tmp_path / name).mkdir()
    entry = load_catalogue(tmp_path)["models"]["xglm-7.5b"]
    written = STUDY.replace("{published: xglm-7.5b}", json.dumps(entry.source))
    named, written_out = keys(study(tmp_path / "named")), keys(study(tmp_path / "written", written))
    assert named.pop("report") != written_out.pop("report")  # it says what the catalogue knows of the model
    assert named == written_out


def test_the_report_says_the_licences_of_what_a_study_names(tmp_path: Path) -> None:
    text = STUDY.replace("published: xglm-7.5b", f"published: gemma-2-9b, revision: {'3c' * 20}")
    facts = plan(study(tmp_path, text))["report"].stage.params["facts"]
    assert isinstance(facts, dict)
    assert facts["models.base"] == "Gemma-2-9B (Gemma Terms of Use, gated)"
    assert str(facts["datasets.synthetic"]).endswith("(CC-BY-NC-4.0)")
    assert str(facts["benchmark"]).endswith("(Apache-2.0)")


def test_known_wrong_reference_answers_come_with_the_benchmark_and_can_be_switched_off(tmp_path: Path) -> None:
    known = load_catalogue(tmp_path)["benchmarks"]["mt-bench-x"].source["wrong-references"]
    assert len(known) == 13
    named = plan(study(tmp_path))["aggregate"].stage.params
    assert (named["wrong_references"], named["leave_out_wrong"]) == ([str(identity) for identity in known], False)
    for own, expected in (("[]", []), ("[81, '82_a']", ["81", "82_a"])):
        text = STUDY.replace("{published: mt-bench-x}", f"{{published: mt-bench-x, wrong-references: {own}}}")
        assert plan(study(tmp_path, text))["aggregate"].stage.params["wrong_references"] == expected


def test_plain_names_are_planned_with_nothing_else_at_hand(tmp_path: Path) -> None:
    """No network is asked and no file is read: the judge prompts of the benchmark are pinned in the catalogue."""
    found = keys(study(tmp_path))
    assert sum(label.startswith("train ") for label in found) == 6


def test_a_file_beside_the_study_adds_entries_and_replaces_them(tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text(OWN, encoding="utf-8")
    loaded = load_study(study(tmp_path, STUDY.replace("xglm-7.5b", "mine")))
    assert loaded.study.models["base"].hub == "us/mine"
    assert loaded.study.datasets["curated"].hub == "us/lima"
    assert [str(used) for used in loaded.used][0] == "models.base: A model of our own (MIT)"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("xglm-7.5b", "xglm-7b", r"study.yaml:3: models.base.published: nothing .*'xglm-7b'.*Did you mean xglm-7.5b"),
        ("lima-x", "zzz", r"study.yaml:5: datasets.curated.published: nothing .*`polyglot catalogue` lists them"),
        ("mt-bench-x", "x", r"study.yaml:9: benchmark.published: nothing of this name"),
        ("{published: lima-x}", "{published: lima-x, hub: a/b, files: {}}", "datasets.curated"),
        ("{published: mt-bench-x}", "{published: mt-bench-x, wrong-references: [], leave-out-wrong: true}",
         "study.yaml:9: benchmark.leave-out-wrong: no questions to leave out"),
        ("{published: mt-bench-x}", "{published: mt-bench-x, wrong-references: [104.5]}",
         r"study.yaml:9: benchmark.wrong-references.0: bad value; got 104.5"),
        ("published: xglm-7.5b", "published: teuken-7b", r"study.yaml:3: models.base: not pinned.*polyglot pin"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    with pytest.raises(BadInput, match=line):
        load_study(study(tmp_path, STUDY.replace(old, new, 1)))


def test_a_bad_catalogue_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text(OWN.replace("    licence: MIT\n", ""), encoding="utf-8")
    with pytest.raises(BadInput, match=r"catalogue.yaml:3: models.mine.licence: missing"):
        load_study(study(tmp_path))


def test_gated_entries_say_what_they_need(tmp_path: Path) -> None:
    text = STUDY.replace("published: xglm-7.5b", f"published: gemma-2-9b, revision: {'3c' * 20}")
    said = [str(used) for used in load_study(study(tmp_path, text)).used]
    assert "Gemma Terms of Use, gated); its terms have to be accepted, and HF_TOKEN_PATH be set" in said[0]


def test_every_entry_is_a_valid_part_of_a_study(tmp_path: Path) -> None:
    catalogue = load_catalogue(tmp_path)
    assert all(catalogue[part] for part in PARTS)
    for name, entry in catalogue["models"].items():
        pin = "" if "revision" in entry.source else f", revision: {'3c' * 20}"
        assert load_study(study(tmp_path, STUDY.replace("published: xglm-7.5b", f"published: {name}{pin}")))
    for name, entry in catalogue["datasets"].items():
        pin = "" if "revision" in entry.source else f", revision: {'3c' * 20}"
        text = STUDY.replace("{published: lima-x}", f"{{published: {name}{pin}}}").replace("[EN, DE, ENDE]", "[EN]")
        assert load_study(study(tmp_path, text))


@needs_benchmark
def test_mt_bench_is_the_english_part_of_mt_bench_x_with_integer_ids(tmp_path: Path) -> None:
    source = load_catalogue(tmp_path)["benchmarks"]["mt-bench"].source
    folder = SHARED / "mt-bench-x" / "mt_bench_EN"
    for part, name in (("questions", "question.jsonl"), ("references", "reference_answer/gpt-4.jsonl")):
        text = re.sub(rb'"question_id": "(\d+)_EN"', rb'"question_id": \1', (folder / name).read_bytes())
        pinned = source[part]["EN"]
        assert (pinned["sha256"], pinned["bytes"]) == (hashlib.sha256(text).hexdigest(), len(text))


@needs_benchmark
def test_the_pinned_benchmark_is_the_published_one(tmp_path: Path) -> None:
    locked = lock_study(load_study(study(tmp_path)))
    from polyglot.core.canonical import sha256_file

    for language, file in locked.prompts.items():
        local = SHARED / "mt-bench-x" / f"mt_bench_{language}" / "judge_prompts.jsonl"
        assert (file.sha256, file.bytes) == (sha256_file(local), local.stat().st_size)
