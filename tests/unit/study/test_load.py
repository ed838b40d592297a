"""A study file becomes a study, or every line that is wrong with it."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from polyglot.core.errors import BadInput, Exit
from polyglot.study.load import load_study
from polyglot.study.problems import BadFile
from polyglot.study.study import Study
from polyglot.study.yaml_file import read_yaml
from tests.kit.bad_inputs.studies import study_text

ROOT = Path(__file__).parents[3]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def lines_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(BadFile) as caught:
        load_study(write(folder, text))
    assert caught.value.exit_code == Exit.USAGE
    return [line.replace(f"{folder}/", "") for line in caught.value.lines]


class TestGood:
    @pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])
    def test_every_study_that_is_there_to_be_copied_is_valid_and_named_after_its_file(self, path: Path) -> None:
        assert load_study(path).study.name == path.stem

    def test_the_quickstart_is_the_paper_s_nine_mixes(self) -> None:
        study = load_study(ROOT / "studies" / "quickstart.yaml").study
        names = "EN DE FR IT ES ENDEFRITES DEFRITES ENDEFRITES-sampled DEFRITES-sampled"
        assert [arm.canonical for arm in study.arms()] == names.split()

    def test_defaults_are_the_paper_s_and_mt_bench_s(self, tmp_path: Path) -> None:
        study = load_study(write(tmp_path, study_text())).study
        training, answers, judge = study.training, study.answers, study.judge
        assert (training.batch_size, training.learning_rate, training.weight_decay) == (64, 1e-5, 0.1)
        assert answers.temperatures == {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}
        assert (answers.default_temperature, answers.max_new_tokens, answers.top_k) == (0.0, 1024, 0)
        assert (judge.temperature, judge.max_tokens) == (0.0, 2048)

    def test_norwegian_is_a_language_and_not_false(self, tmp_path: Path) -> None:
        one, two, three = ("{path: x, sha256: '" + digit * 64 + "'}" for digit in "012")
        text = study_text(
            datasets=f"{{d: {{format: dolly, files: {{NO: {one}, FI: [{two}, {three}]}}}}}}",
            mixes="[NO, nofi-sampled@10]",
            systems="{NO: Svar på norsk., FI: ''}",
        )
        study = load_study(write(tmp_path, text)).study
        assert [arm.canonical for arm in study.arms()] == ["NO", "FINO-sampled@10"]
        assert study.system("NO") == "Svar på norsk."
        assert study.system("FI") == ""
        assert study.system("EN").endswith("English.")
        assert len(study.datasets["d"].files["FI"]) == 2  # type: ignore[index]

    def test_sizes_are_for_mixes_that_name_none_and_an_arm_is_there_once(self, tmp_path: Path) -> None:
        text = study_text(mixes="[EN, EN@10, DE@7]", sizes="[10, full]")
        arms = load_study(write(tmp_path, text)).study.arms()
        assert [arm.canonical for arm in arms] == ["EN@10", "EN", "DE@7"]

    def test_a_study_is_frozen(self, tmp_path: Path) -> None:
        study = load_study(write(tmp_path, study_text())).study
        with pytest.raises(ValueError, match="frozen"):
            study.training.steps = 5  # type: ignore[misc]


class TestContrasts:
    @pytest.mark.parametrize(
        ("on", "languages"),
        [
            ("all", "EN DE FR IT ES"),
            ("in-mix", "DE"),
            ("out-of-mix", "EN IT ES"),
            ("[FR, EN]", "FR EN"),
        ],
    )
    def test_in_mix_is_in_all_treatments_and_out_of_mix_in_none(self, tmp_path: Path, on: str, languages: str) -> None:
        row = f"{{name: c, treatment: [DE, DEFR], control: EN, on: {on}}}"
        study = load_study(write(tmp_path, study_text(mixes="[EN, DE, DEFR]", contrasts=f"[{row}]"))).study
        asked = study.benchmark.languages
        assert " ".join(study.contrasts[0].languages(asked)) == languages  # type: ignore[union-attr]


class TestLines:
    def test_everything_is_said_at_once_in_the_order_of_the_file(self, tmp_path: Path) -> None:
        text = (
            "study: Bad Name\nmodels:\n  m:\n    hub: a/b\n    revision: main\ndatasets: {d: {built-in: instructons}}\n"
            "mixes:\n  - EN\n  - ENXX\n  - 5\nseeds: [0, -1]\ntraining: {steps: .inf, stpes: 1}\n"
            "benchmark: {built-in: verifiable}\njudge: {endpoint: built-in, max-failed-share: 2}\n"
        )
        places = [line.split(": ")[:2] for line in lines_of(tmp_path, text)]
        assert [":".join(place) for place in places] == [
            "study.yaml:1:study",
            "study.yaml:5:models.m.revision",
            "study.yaml:6:datasets.d.built-in",
            "study.yaml:9:mixes.1",
            "study.yaml:10:mixes.2",
            "study.yaml:11:seeds.1",
            "study.yaml:12:training.steps",
            "study.yaml:12:training.stpes",
            "study.yaml:14:judge.max-failed-share",
        ]

    def test_rules_between_sections_name_the_line_of_the_culprit(self, tmp_path: Path) -> None:
        text = study_text(mixes=None, training=None) + (
            "training:\n  steps: 10\nmixes:\n  - EN\n  - de\n  - DE\n  - NO\ncontrasts:\n  - name: c\n"
            "    treatment: EN\n    control: FR\n    on: [SV]\n"
        )
        assert [line.split(": ")[0:2] for line in lines_of(tmp_path, text)] == [
            ["study.yaml:11", "mixes.2"],
            ["study.yaml:12", "mixes.3"],
            ["study.yaml:12", "mixes.3"],
            ["study.yaml:16", "contrasts.0.control"],
            ["study.yaml:17", "contrasts.0.on"],
        ]

    @pytest.mark.parametrize(
        ("changes", "near"),
        [
            ({"trainig": "{}"}, "training"),
            ({"training": "{steps: 1, Batch-Size: 2}"}, "batch-size"),
            ({"training": "{steps: 1, batch_size: 2}"}, "batch-size"),
            ({"datasets": "{files: {built-in: instructions, licens: x}}"}, "licence"),
            ({"judge": "{endpoint: openai, model: m, prompts: {EN: {path: x, sha265: y}}}"}, "sha256"),
        ],
    )
    def test_a_misspelt_key_is_told_the_nearest_one_of_its_place(
        self, tmp_path: Path, changes: dict[str, str], near: str
    ) -> None:
        lines = lines_of(tmp_path, study_text(**changes))
        assert any("unknown key" in line and line.endswith(f"Did you mean {near}?") for line in lines)

    def test_a_secret_in_an_address_is_in_no_line(self, tmp_path: Path) -> None:
        for address in ("https://u:SENTINEL@h/x", "https://h/x?sig=SENTINEL", "https://h/x?access_token=SENTINEL"):
            file = f"{{path: '{address}', sha256: '{'0' * 64}', bytes: 1}}"
            text = study_text(datasets=f"{{d: {{format: dolly, files: {{EN: {file}}}}}}}", mixes="[EN]")
            assert "SENTINEL" not in "\n".join(lines_of(tmp_path, text))


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, item in inner for found in _places(item, (*place, key)))]


FULL = read_yaml(ROOT / "studies" / "docs-x.yaml").value
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=250, deadline=None)
@given(place=st.sampled_from(_places(FULL)[1:]), junk=JUNK)
def test_junk_at_any_place_is_taken_or_refused_in_lines_and_never_a_bug(
    tmp_path: Path, place: tuple[Any, ...], junk: object
) -> None:
    value = copy.deepcopy(FULL)
    target: Any = value
    for part in place[:-1]:
        target = target[part]
    target[place[-1]] = junk
    path = tmp_path / "study.yaml"
    yaml = YAML()
    yaml.width = 10_000
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(value, file)
    try:
        study = load_study(path).study
    except BadInput as error:
        lines = str(error).splitlines()
        assert lines
        assert all(line.startswith(f"{path}") for line in lines)
    else:
        assert isinstance(study, Study)
