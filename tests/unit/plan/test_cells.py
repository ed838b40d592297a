"""Cells: which ones a mix has, how they are named, and what their stages read."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.plan.cells import CellStages, cell_stages, mix_stages, rejudged_stages, untuned_stages
from polyglot.plan.planner import Planner
from polyglot.plan.sources import source_stages
from polyglot.study.profile import load_profile
from tests.kit.small_studies import locked

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
NATIVE = "{built-in: verifiable, native-references: {endpoint: built-in}}"


class Made:
    """The cells of one mix of a study."""

    def __init__(self, folder: Path, mix: str = "ENDE", **changes: str | None) -> None:
        self.arm, self.planner = Mix.parse(mix), Planner(load_profile("local"))
        form = self.arm.form.canonical
        drawn = "ITES-sampled" if "draws" in changes and not self.arm.sampled else form  # else the study refuses draws
        self.locked = locked(folder, mixes=f"[{', '.join({form: 0, drawn: 0})}]", **changes)
        self.sources = source_stages(self.planner, self.locked)
        self.cells = list(cell_stages(self.planner, self.locked, self.sources, "tiny", "house", self.arm))

    @property
    def untuned(self) -> CellStages:
        return untuned_stages(self.planner, self.locked, self.sources, "tiny")

    def rejudged(self, row: CellStages) -> list[CellStages]:
        return list(rejudged_stages(self.planner, self.locked, self.sources, row))

    def reads(self, stage: PlannedStage | None) -> dict[str, str]:
        """Role -> label of what a stage reads."""
        assert stage is not None
        labels = {each.key: each.label for each in self.planner.stages}
        return {role: labels[key] for role, key in stage.stage.inputs.items()}


def stages(row: CellStages) -> list[PlannedStage]:
    return [stage for stage in (row.mix, row.train, row.answer, row.judge) if stage is not None]


class TestNumber:
    @pytest.mark.parametrize(
        ("mix", "names"),
        [
            ("ENDE", ["s4", "s5"]),
            ("ENDE-sampled", ["s4", "s5", "s4/d8", "s5/d8"]),
            ("ENDE@16", ["s4", "s5", "s4/d8", "s5/d8"]),
        ],
    )
    def test_one_a_seed_and_a_draw_where_the_order_of_rows_matters(
        self, tmp_path: Path, mix: str, names: list[str]
    ) -> None:
        made = Made(tmp_path, mix, seeds="[4, 5]", draws="[7, 8]")
        assert [row.cell.cell for row in made.cells] == [f"tiny/house/{mix}/{name}" for name in names]
        assert [(row.cell.seed, row.cell.draw) for row in made.cells][:2] == [(4, 7), (5, 7)]

    def test_seeds_share_the_mix_of_their_draw(self, tmp_path: Path) -> None:
        made = Made(tmp_path, "ENDE-sampled", seeds="[4, 5]", draws="[7, 8]")
        mixes = [row.mix for row in made.cells]
        assert mixes[0] is mixes[1]
        assert mixes[2] is mixes[3]
        drawn = [row.mix.stage.params["draw"] for row in made.cells if row.mix is not None]
        assert drawn == [7, 7, 8, 8]
        found = mix_stages(made.planner, made.locked, made.sources, "tiny", "house", made.arm)
        assert [(mix.draw, mix.drawn, mix.stage.label) for mix in found] == [
            (7, "", "mix tiny/house/ENDE-sampled"),
            (8, "/d8", "mix tiny/house/ENDE-sampled/d8"),
        ]


class TestCell:
    def test_it_says_what_it_was_trained_on(self, tmp_path: Path) -> None:
        (row,) = Made(tmp_path, "ESEN-sampled@16", seeds="[3]").cells
        cell = row.cell
        assert (cell.model, cell.dataset, cell.mix) == ("tiny", "house", "ENES-sampled")
        assert (cell.languages, cell.sampled, cell.size) == (("EN", "ES"), True, 16)
        assert (cell.seed, cell.draw, cell.references) == (3, 0, "")
        assert cell.arm_key == ("tiny", "house", "ENES-sampled@16")

    def test_the_untuned_model_has_neither_mix_nor_training(self, tmp_path: Path) -> None:
        made = Made(tmp_path)
        row = made.untuned
        assert (row.cell.cell, row.cell.dataset, row.cell.mix, row.cell.seed) == ("tiny/untuned", None, None, None)
        assert (row.mix, row.train, row.answer.mix) == (None, None, "")
        assert made.reads(row.answer) == {"model": "base tiny", "questions": "ingest benchmark/questions"}


class TestReading:
    def test_a_mix_reads_the_token_sets_of_its_languages_alone(self, tmp_path: Path) -> None:
        (row,) = Made(tmp_path, "ENFR", seeds="[0]").cells
        made = Made(tmp_path, "ENFR", seeds="[0]")
        assert made.reads(made.cells[0].mix) == {
            "hits": "contamination house",
            "tokens:EN": "tokenize tiny/house/EN",
            "tokens:FR": "tokenize tiny/house/FR",
        }
        assert row.mix is not None
        assert row.mix.stage.params["weights"] == [0.5, 0.5]

    def test_a_training_reads_its_mix_and_the_tokens_that_it_points_into(self, tmp_path: Path) -> None:
        validated = "{house: {built-in: instructions, validation: 4}}"
        made = Made(tmp_path, "ENFR", seeds="[6]", datasets=validated)
        (row,) = made.cells
        assert row.train is not None
        assert row.train.stage.seed == 6
        assert made.reads(row.train) == {
            "base": "base tiny",
            "mix": "mix tiny/house/ENFR",
            **{f"tokens:{name}": f"tokenize tiny/house/{name}" for name in ("EN", "FR")},
            **{f"validation:{name}": f"tokenize tiny/house/{name}/validation" for name in LANGUAGES},
        }

    def test_answers_are_the_trained_models_and_verdicts_are_on_them(self, tmp_path: Path) -> None:
        made = Made(tmp_path, seeds="[6]")
        (row,) = made.cells
        assert made.reads(row.answer)["model"] == "train tiny/house/ENDE/s6"
        assert made.reads(row.judge) == {
            "answers": "answer tiny/house/ENDE/s6",
            "questions": "ingest benchmark/questions",
            "references": "ingest benchmark/references",
        }
        assert tuple(row.answer.stage.params["languages"]) == LANGUAGES
        assert {row.mix.mix if row.mix else "", row.answer.mix, row.judge.mix} == {"ENDE"}

    def test_packing_gives_a_training_its_length(self, tmp_path: Path) -> None:
        packed = Made(tmp_path, training="{steps: 10, packing: step, max-tokens: 77}").cells[0].train
        plain = Made(tmp_path, training="{steps: 10, max-tokens: 77}").cells[0].train
        assert packed is not None
        assert plain is not None
        assert packed.stage.params["packed_tokens"] == 77
        assert plain.stage.params.get("packed_tokens") is None


class TestReferences:
    def test_where_both_are_wanted_tuned_cells_are_judged_once_more_on_the_same_answers(self, tmp_path: Path) -> None:
        made = Made(tmp_path, seeds="[0]", benchmark=NATIVE, judge="{endpoint: built-in, references: both}")
        (row,) = made.cells
        (again,) = made.rejudged(row)
        assert again.cell == row.cell.rejudged()
        assert (again.mix, again.train, again.answer) == (row.mix, row.train, row.answer)
        assert made.reads(row.judge)["references"] == "ingest benchmark/references"
        assert made.reads(again.judge)["references"] == "reference benchmark"
        assert made.rejudged(made.untuned) == []

    @pytest.mark.parametrize(
        ("wanted", "benchmark", "references"),
        [
            ("native", NATIVE, "reference benchmark"),
            ("published", "{built-in: verifiable}", "ingest benchmark/references"),
        ],
    )
    def test_where_one_is_wanted_it_judges_the_cells_themselves(
        self, tmp_path: Path, wanted: str, benchmark: str, references: str
    ) -> None:
        judge = f"{{endpoint: built-in, references: {wanted}}}"
        made = Made(tmp_path, seeds="[0]", benchmark=benchmark, judge=judge)
        (row,) = made.cells
        assert made.reads(row.judge)["references"] == references
        assert made.rejudged(row) == []


class TestKeys:
    @pytest.mark.parametrize(
        ("changes", "moved"),
        [
            ({"seeds": "[1]"}, {"train", "answer", "judge"}),
            ({"draws": "[1]"}, {"mix", "train", "answer", "judge"}),
            ({"training": "{steps: 11}"}, {"train", "answer", "judge"}),
            ({"answers": "{max-new-tokens: 3}"}, {"answer", "judge"}),
            ({"judge": "{endpoint: built-in, max-tokens: 3}"}, {"judge"}),
            ({"judge": "{endpoint: built-in, price-usd-per-mtok-prompt: 3}"}, set()),
        ],
    )
    def test_a_change_moves_what_comes_after_it_and_nothing_else(
        self, tmp_path: Path, changes: dict[str, str], moved: set[str]
    ) -> None:
        (before,) = Made(tmp_path, "ENDE@16", seeds="[0]", draws="[0]").cells
        (after,) = Made(tmp_path, "ENDE@16", **({"seeds": "[0]", "draws": "[0]"} | changes)).cells
        changed = {
            stage.label.split()[0]
            for stage, other in zip(stages(before), stages(after), strict=True)
            if stage.key != other.key
        }
        assert changed == moved


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(LANGUAGES), min_size=1),
    st.booleans(),
    st.none() | st.integers(5, 50),
    st.sets(st.integers(0, 9), min_size=1, max_size=3),
    st.sets(st.integers(0, 9), min_size=1, max_size=3),
)
def test_names_roles_and_stages_agree_whatever_is_mixed(
    languages: set[str], sampled: bool, size: int | None, seeds: set[int], draws: set[int]
) -> None:
    name = "".join(sorted(languages)) + ("-sampled" if sampled and len(languages) > 1 else "")
    mix = name + ("" if size is None else f"@{size}")
    with TemporaryDirectory() as folder:
        made = Made(Path(folder), mix, seeds=str(sorted(seeds)), draws=str(sorted(draws)))
    arm = made.arm
    assert len(made.cells) == len(seeds) * (len(draws) if arm.sampled or size is not None else 1)
    assert len({row.cell.cell for row in made.cells}) == len(made.cells)
    assert len({row.train.key for row in made.cells if row.train}) == len(made.cells)
    for row in made.cells:
        assert row.cell.cell.startswith(f"tiny/house/{arm.canonical}/s{row.cell.seed}")
        assert made.reads(row.mix).keys() == {"hits", *(f"tokens:{language}" for language in arm.languages)}
        assert row.mix is not None
        assert row.mix.label == f"mix {row.cell.mix_name}"
        assert row.train is not None
        assert row.train.label == f"train {row.cell.cell}"
