"""The report job and its page, on whole studies with known effects."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jobs.aggregate import job as aggregate
from jobs.report import job as report
from jobs.report.answer import caveats, findings, lead
from jobs.report.numbers import EXACT
from jobs.report.page import render_page
from jobs.report.tables import defects, mix_rows
from jobs.report.validation import packing_summary, validation_tables
from polyglot.core.errors import Permanent
from polyglot.core.stage import Stage
from polyglot.kinds.aggregate import Contrast, Family
from polyglot.store.manifest import Manifest
from tests.kit.data_ingests import ingest_bytes, json_lines
from tests.kit.fake_scores import (
    LANGUAGES,
    FakeStudy,
    cells_of,
    fake_context,
    report_params,
    untuned,
    usual_ability,
)
from tests.kit.folder_input import FolderInput

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
HOSTILE = '</title><script>alert(1)</script> & "quoted" {{ 7 * 7 }} \u202e'


class Page(HTMLParser):
    """Collects what the tests ask: tags with attributes, text, and whether every element was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def contrast(name: str, family: str, treatment: str, *control: str, on: tuple[str, ...] = LANGUAGES) -> Contrast:
    return Contrast(
        name=name,
        family=Family(family),
        model="tiny",
        dataset="built-in",
        treatment=(treatment,),
        control=control,
        on=on,
    )


def usual_contrasts() -> tuple[Contrast, ...]:
    return (
        *(
            contrast(
                f"ENDEFRITES - {which} of 5 monolingual mixes", f"parallel - mono {which}", "ENDEFRITES", *LANGUAGES
            )
            for which in ("mean", "best", "worst")
        ),
        contrast("ENDEFRITES - ENDEFRITES-sampled", "parallel - sampled", "ENDEFRITES", "ENDEFRITES-sampled"),
    )


USUAL = (*LANGUAGES, "ENDEFRITES", "ENDEFRITES-sampled", "DEFRITES", "ENDEFRITES@48")


def make(
    root: Path,
    mixes: tuple[str, ...],
    seeds: tuple[int, ...],
    contrasts: tuple[Contrast, ...] = (),
    languages: tuple[str, ...] = LANGUAGES,
    **fields: Any,
) -> tuple[dict[str, Any], str, dict[str, FolderInput]]:
    """Run aggregate and report; return report.json, the page and the report's inputs."""
    made = FakeStudy(
        cells=(untuned(), *cells_of(mixes, seeds)),
        contrasts=contrasts,
        languages=languages,
        ability=usual_ability,
        resamples=300,
        per_category=4,
        failed_share=fields.pop("failed_share", 0.01),
    ).write(root / "in")
    aggregate.run(fake_context(made.aggregate_params(), made.inputs, root / "aggregate"))
    inputs = {role: source for role, source in made.inputs.items() if not role.startswith("answers:")}
    inputs["aggregate"] = FolderInput(root / "aggregate" / "out", "a" * 64)
    out = fake_context(report_params(**fields), inputs, root)
    report.run(out)
    assert (out.out / "scores.csv").read_bytes() == inputs["aggregate"].path("scores.csv").read_bytes()
    page = (out.out / "report.html").read_text(encoding="utf-8")
    return json.loads((out.out / "report.json").read_text(encoding="utf-8")), page, inputs


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, dict[str, FolderInput]]:
    return make(tmp_path_factory.mktemp("usual"), USUAL, (0, 1, 2), usual_contrasts(), notes=("Judged by rule.",))


class TestPage:
    def test_is_one_well_formed_file_that_asks_for_nothing(self, usual: tuple[Any, str, Any]) -> None:
        page = Page(usual[1])
        assert not page.open
        assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe")]
        assert not re.search(r"https?:|@import|url\(", usual[1])
        links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
        assert links == ["report.json", "scores.csv", "contrasts.csv"]

    def test_every_drawing_says_in_words_what_it_shows(self, usual: tuple[Any, str, Any]) -> None:
        drawings = re.findall(r"<svg class=\"(?:plot|axis)[^>]*>(.{0,7})", usual[1])
        assert len(drawings) > 20
        assert set(drawings) == {"<title>"}

    def test_tables_scroll_in_boxes_of_their_own(self, usual: tuple[Any, str, Any]) -> None:
        assert usual[1].count("<table") == usual[1].count('<div class="scroll" tabindex="0" role="region"')

    def test_has_a_section_for_everything_that_was_measured(self, usual: tuple[Any, str, Any]) -> None:
        found = set(re.findall(r'<h2 id="(\w+)"', usual[1]))
        assert found == {
            "answer", "scores", "contrasts", "transfer", "sizes", "categories", "mixes", "training", "data", "judge",
            "method", "provenance",
        }  # fmt: skip

    def test_notes_stand_on_top(self, usual: tuple[Any, str, Any]) -> None:
        assert usual[1].index("Judged by rule.") < usual[1].index("<h1")

    def test_where_rules_cannot_tell_right_from_wrong_nothing_is_called_exact(
        self, usual: tuple[Any, str, Any]
    ) -> None:
        page = render_page(report.gather(report_params(metric="score"), usual[2]))
        assert "exact" not in " ".join(Page(page.partition("<body>")[2].partition("</body>")[0]).text)
        assert "verdicts with score 10" in page
        assert "a mean score of" in page

    def test_hostile_names_stay_text(self, tmp_path: Path) -> None:
        _, page, _ = make(
            tmp_path,
            ("EN", "DE"),
            (0,),
            (contrast(HOSTILE, "custom", "EN", "DE"),),
            study=HOSTILE,
            question=HOSTILE,
            notes=(HOSTILE,),
            facts={HOSTILE: HOSTILE},
        )
        read = Page(page)
        assert not [tag for tag, _ in read.tags if tag == "script"]
        assert "{{ 7 * 7 }}" in "".join(read.text)
        assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]

    def test_equal_inputs_give_equal_bytes(self, usual: tuple[Any, str, Any], tmp_path: Path) -> None:
        again = make(tmp_path, USUAL, (0, 1, 2), usual_contrasts(), notes=("Judged by rule.",))
        assert again[1] == usual[1]
        assert again[0] == usual[0]

    @pytest.mark.parametrize(
        ("mixes", "seeds"), [(("DEFRITES",), (0,)), (("EN",), (0, 1, 2)), ((), ()), (("ENDE", "ENDE@16"), (0,))]
    )
    def test_small_studies_have_a_page_too(
        self, tmp_path: Path, mixes: tuple[str, ...], seeds: tuple[int, ...]
    ) -> None:
        document, page, _ = make(tmp_path, mixes, seeds)
        assert not Page(page).open
        assert lead(document, EXACT)

    def test_what_is_not_among_the_inputs_is_left_out(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN", "DE"), (0,))
        alone = fake_context(report_params(), {"aggregate": inputs["aggregate"]}, tmp_path / "alone")
        report.run(alone)
        page = (alone.out / "report.html").read_text()
        assert not Page(page).open
        assert 'id="training"' not in page

    def test_without_results_it_is_a_page_of_data_and_mixes(self, usual: tuple[Any, str, Any], tmp_path: Path) -> None:
        whole, _, inputs = usual
        roles = [role for role in inputs if role.partition(":")[0] in ("mix", "data", "questions", "references")]
        context = fake_context(report_params(), {role: inputs[role] for role in roles}, tmp_path)
        report.run(context)
        assert sorted(path.name for path in context.out.iterdir()) == ["report.html", "report.json"]
        document = json.loads((context.out / "report.json").read_text(encoding="utf-8"))
        assert [card["arm"] for card in document["mixes"]] == [
            *LANGUAGES,
            "DEFRITES",
            "ENDEFRITES@48",
            "ENDEFRITES",
            "ENDEFRITES-sampled",
        ]
        assert {card["key"]: card for card in document["mixes"]} == {card["key"]: card for card in whole["mixes"]}
        for name in ("data", "questions", "references", "prompts"):
            assert document[name] == whole[name]
        page = Page((context.out / "report.html").read_text(encoding="utf-8"))
        assert not page.open
        assert [tag["id"] for name, tag in page.tags if name == "h2"] == ["mixes", "data"]

    def test_a_report_on_nothing_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="aggregate"):
            report.run(fake_context(report_params(), {}, tmp_path))


class TestTraining:
    def test_losses_on_rows_held_back_are_listed_by_mix_and_language(self, usual: tuple[Any, str, Any]) -> None:
        (table,) = validation_tables(usual[0])
        assert table.columns == LANGUAGES
        rows = {row.name: row for row in table.rows}
        assert sorted(rows) == sorted(USUAL)
        assert [cell.own for cell in rows["DEFRITES"].cells] == [language != "EN" for language in LANGUAGES]
        for row in table.rows:
            assert row.detail == "3 runs"
            for cell in row.cells:
                assert float(cell.text) == pytest.approx(1.25 if cell.own else 2.15, abs=0.05)
                low, high = map(float, cell.detail.split("\u2013"))
                assert low <= float(cell.text) <= high
        assert all(cell.strength > 0.8 for cell in rows["ENDEFRITES"].cells)
        assert "Loss on rows held back" in usual[1]

    def test_packing_is_said_where_there_was_some(self, usual: tuple[Any, str, Any]) -> None:
        assert packing_summary(usual[0]) == ""
        said = {
            "sequence_tokens": 2048,
            "sequences": 10,
            "tokens": 19661,
            "efficiency": 0.96,
            "padded_efficiency": 0.99,
        }
        packed = {"training": [{"name": "x", "training": {"packing": said}}, {"name": "y", "training": {}}]}
        text = "Packed step by step into sequences of at most 2048 tokens: 96.0% full, 99.0% of the longest in a step."
        assert packing_summary(packed) == text


class TestData:
    def test_defects_are_listed_by_language_and_what_was_not_found_is_said(self, usual: tuple[Any, str, Any]) -> None:
        text = " ".join(" ".join(Page(usual[1]).text).split())
        assert "python unparsed 0 11/14 13/14 14/14 12/14 DE 121, 122, 123, 124, 125 …" in text
        assert "broken fences: not found" in text
        assert "rejected: empty output 1 1 1 1 1" in text

    def test_how_unevenly_the_questions_have_references_of_their_own_is_listed(
        self, usual: tuple[Any, str, Any]
    ) -> None:
        card = usual[0]["questions"]["card"]
        languages = {
            name: entry | {"reference_field": {"present": 39 if name == "EN" else 80, "filled": 39}}
            for name, entry in card["languages"].items()
        }
        document = usual[0] | {"questions": usual[0]["questions"] | {"card": card | {"languages": languages}}}
        text = " ".join(" ".join(Page(render_page(document)).text).split())
        assert "reference field filled, of those that have it 39/39 39/80 39/80 39/80 39/80" in text

    def test_defects_of_the_judge_prompts_are_listed(self, usual: tuple[Any, str, Any], tmp_path: Path) -> None:
        spoilt = {"name": "single-v1", "system_prompt": "", "prompt_template": "<|The Start {question} {answer}"}
        closed = spoilt | {"prompt_template": "<|The Start|> {question} {answer}"}
        files = {
            language: [("judge_prompts.jsonl", json_lines([row]))]
            for language, row in (("EN", closed), ("DE", closed), ("FR", spoilt))
        }
        prompts = ingest_bytes(tmp_path, files, what="prompts", format="mt-bench")
        document = report.gather(report_params(), usual[2] | {"prompts": FolderInput(prompts.out, "c" * 64)})
        text = " ".join(" ".join(Page(render_page(document)).text).split())
        assert "unclosed delimiter 0 0 1 FR single-v1" in text
        assert "missing prompt: not found" in text


class TestAnswer:
    def test_the_main_contrast_is_said_with_its_limits(self, usual: tuple[Any, str, Any]) -> None:
        document = usual[0]
        (text,) = lead(document, EXACT)
        assert text.startswith("Over five languages, ENDEFRITES beats the mean of the monolingual mixes by ")
        row = document["contrasts"][0]
        for name in ("exact_difference", "exact_low", "exact_high"):
            assert f"{abs(row[name]) * 100:.1f}" in text
        assert f"the best of them ({document['contrasts'][1]['exact_selected']})" in text

    @pytest.mark.parametrize(
        ("low", "high", "verb"),
        [(0.1, 0.3, "beats"), (-0.3, -0.1, "falls short of"), (-0.1, 0.3, "cannot be told from")],
    )
    def test_a_difference_is_one_only_if_its_interval_leaves_zero_out(
        self, usual: tuple[Any, str, Any], low: float, high: float, verb: str
    ) -> None:
        row = usual[0]["contrasts"][0] | {"exact_low": low, "exact_high": high, "exact_difference": (low + high) / 2}
        (text,) = lead(usual[0] | {"contrasts": [row]}, EXACT)
        assert f"ENDEFRITES {verb} the mean of the monolingual mixes" in text

    def test_too_few_seeds_make_it_this_model(self, tmp_path: Path) -> None:
        document, _, _ = make(tmp_path, USUAL, (0,), usual_contrasts())
        assert lead(document, EXACT)[0].startswith("In this model, with one training seed: over five languages")
        assert any("Every mix has one training seed, fewer than the 3" in text for text in caveats(document))
        assert dict(findings(document, EXACT))["Noise floor"].startswith("There is one training seed a mix")

    def test_failed_verdicts_and_cut_answers_are_caveats(self, usual: tuple[Any, str, Any]) -> None:
        failed, cut = caveats(usual[0])
        cells = [row for row in usual[0]["cells"] if row["category"] is None and row["turn"] is None]
        assert failed.startswith(f"{sum(row['failed'] for row in cells)} of ")
        assert "cut at the length limit" in cut

    def test_turns_without_an_answer_are_a_caveat_when_they_are_more_than_a_few(
        self, usual: tuple[Any, str, Any]
    ) -> None:
        (judge, *others) = usual[0]["judges"]
        every = sum(found["verdicts"] for row in usual[0]["judges"] for found in row["languages"].values())
        for missing, said in ((every // 50, False), (every // 8, True)):
            document = usual[0] | {"judges": [judge | {"reasons": {"no-answer": missing}}, *others]}
            found = [text for text in caveats(document) if "have no answer to judge" in text]
            assert len(found) == said
            assert all("not restricted to questions" in text for text in found)

    def test_samples_that_lost_their_end_are_a_caveat_when_they_are_more_than_a_few(
        self, usual: tuple[Any, str, Any]
    ) -> None:
        entry = next(entry for entry in usual[0]["mixes"] if entry["arm"] == "ENDEFRITES")
        for cut, said in ((4, False), (220, True)):
            card = entry["card"] | {"truncated": entry["card"]["truncated"] | {"FR": cut}}
            document = usual[0] | {"mixes": [entry | {"card": card}]}
            found = [text for text in caveats(document) if "cut at max-tokens" in text]
            assert [text.endswith("is 55% of the FR samples of ENDEFRITES.") for text in found] == [True] * said
            assert f'<td class="num">{"11%" if said else "0.2%"}</td>' in render_page(document)

    def test_the_mixes_say_shares_fertility_matches_and_what_they_share(self, tmp_path: Path) -> None:
        document, page, _ = make(tmp_path, ("EN", "ENDE", "ENDE-sampled", "EN@16"), (0,))
        (group,) = document["overlaps"]
        assert sorted(group["mixes"]) == ["EN", "EN@16", "ENDE", "ENDE-sampled"]

        def shared(what: str, one: str, other: str) -> int:
            found: int = group[what][group["mixes"].index(one)][group["mixes"].index(other)]
            return found

        assert [shared("rows", "ENDE", name) for name in ("EN", "ENDE", "ENDE-sampled", "EN@16")] == [400, 800, 400, 16]
        assert shared("rows", "EN@16", "ENDE-sampled") == shared("rows", "ENDE-sampled", "EN@16") == 8
        assert shared("ids", "EN@16", "ENDE-sampled") == 16
        assert "1 rows (overlap 1); 1 more by their id in another language" in page
        assert "50.0%" in page
        assert "2.50 a word" in page

    def test_without_failures_nothing_is_said_of_them(self, tmp_path: Path) -> None:
        document, _, _ = make(tmp_path, ("EN", "DE"), (0, 1, 2), failed_share=0.0)
        assert not any("verdicts failed" in text for text in caveats(document))

    def test_noise_is_the_spread_of_the_pairs(self, usual: tuple[Any, str, Any]) -> None:
        text = dict(findings(usual[0], EXACT))["Noise floor"]
        pairs = {
            (pair["arm"], *pair["pair"]): abs(pair["exact_difference"])
            for row in usual[0]["contrasts"]
            for pair in row["aa"]
        }
        assert f"({len(pairs)} A/A pairs)" in text
        assert f"{max(pairs.values()) * 100:.1f} at most" in text


class TestDraws:
    def test_every_draw_of_an_arm_has_its_own_card_and_provenance(self, tmp_path: Path) -> None:
        first, second = cells_of(("ENDE-sampled",), (0,))[0], cells_of(("ENDE-sampled",), (0,))[0]
        second = replace(second, cell=f"{second.cell}/d1", draw=1)
        made = FakeStudy(cells=(first, second), ability=usual_ability, resamples=100, per_category=4).write(
            tmp_path / "in"
        )
        aggregate.run(fake_context(made.aggregate_params(), made.inputs, tmp_path / "aggregate"))
        inputs = {**made.inputs, "aggregate": FolderInput(tmp_path / "aggregate" / "out", "a" * 64)}
        document = report.gather(report_params(), inputs)
        assert [(card["name"], card["draw"]) for card in document["mixes"]] == [
            ("tiny/built-in/ENDE-sampled", 0),
            ("tiny/built-in/ENDE-sampled/d1", 1),
        ]
        keys = [step["key"] for row in document["provenance"] for step in row["steps"] if step["kind"] == "mix"]
        assert keys == [card["key"] for card in document["mixes"]]
        page = render_page(document)
        assert "ENDE-sampled, draw 0" in page
        assert "ENDE-sampled, draw 1" in page


class TestProvenance:
    def test_every_cell_can_be_followed_back_by_full_keys(self, usual: tuple[Any, str, Any]) -> None:
        document, page, inputs = usual
        assert len(document["provenance"]) == len(document["roster"])
        row = next(row for row in document["provenance"] if row["cell"] == "tiny/built-in/DEFRITES/s1")
        found = {step["kind"]: step["key"] for step in row["steps"]}
        assert found["judge"] == inputs["verdicts:tiny/built-in/DEFRITES/s1"].key
        assert found["train"] == inputs["train:tiny/built-in/DEFRITES/s1"].key
        assert found["mix"] == inputs["mix:tiny/built-in/DEFRITES"].key
        assert found["judge"][:12] in page

    def test_answers_are_found_through_the_manifest_of_the_aggregate(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN",), (0,))
        stage = Stage(kind="aggregate", version=1, params={}, inputs={"answers:tiny/built-in/EN/s0": "b" * 64})
        with_manifest(inputs["aggregate"], stage, {})
        document = report.gather(report_params(), inputs)
        steps = next(row["steps"] for row in document["provenance"] if row["cell"] == "tiny/built-in/EN/s0")
        assert {"kind": "answer", "role": "answers:tiny/built-in/EN/s0", "key": "b" * 64} in steps

    def test_a_cell_can_be_followed_down_to_tokens_and_rows(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN",), (0,))
        stage = Stage(kind="train", version=1, params={}, inputs={"mix": "c" * 64, "tokens:EN": "d" * 64})
        with_manifest(inputs["train:tiny/built-in/EN/s0"], stage, {})
        document = report.gather(report_params(), inputs)
        steps = next(row["steps"] for row in document["provenance"] if row["cell"] == "tiny/built-in/EN/s0")
        assert {"kind": "tokenize", "role": "tokens:EN", "key": "d" * 64} in steps
        assert [(step["role"], step["key"]) for step in steps if step["kind"] == "ingest"] == [
            (role, inputs[role].key) for role in ("data:built-in", "questions", "references")
        ]
        page = " ".join(Page(render_page(document)).text)
        assert f"tokenize EN  {'d' * 12}" in page
        assert "ingest built-in" in page

    def test_a_comparison_across_environments_is_flagged(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN", "DE"), (0,))
        stage = Stage(kind="train", version=1, params={})
        for name, torch in (("EN", "2.9"), ("DE", "2.15")):
            with_manifest(inputs[f"train:tiny/built-in/{name}/s0"], stage, {"device": "cpu", "torch": torch})
        document = report.gather(report_params(), inputs)
        assert len(document["executions"]) == 2
        assert any("train stages ran in 2 environments" in text for text in caveats(document))
        assert "torch 2.15" in render_page(document)

    def test_models_computed_in_two_precisions_are_flagged(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN", "DE"), (0,))
        for name, dtype in (("EN", "bfloat16"), ("DE", "float32")):
            source = inputs[f"train:tiny/built-in/{name}/s0"]
            with_manifest(source, Stage(kind="train", version=1, params={}), {"device": "cpu", "torch": "2.9"})
            source.metrics = {"execution": {"device": "cpu", "dtype": dtype}}
        found = {group["environment"] for group in report.gather(report_params(), inputs)["executions"]}
        assert found == {f"device cpu, torch 2.9, dtype {dtype}" for dtype in ("bfloat16", "float32")}

    def test_one_environment_is_not_part_of_the_report(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN", "DE"), (0,))
        for name in ("EN", "DE"):
            stage = Stage(kind="train", version=1, params={})
            with_manifest(inputs[f"train:tiny/built-in/{name}/s0"], stage, {"device": "cpu", "torch": "2.9"})
        assert report.gather(report_params(), inputs)["executions"] == []


def with_manifest(source: FolderInput, stage: Stage, execution: dict[str, Any]) -> None:
    source.manifest = Manifest(stage=stage, inputs={}, files=(), execution=execution)  # type: ignore[attr-defined]


def test_mixes_of_languages_that_nobody_asks_in_are_reported_too(tmp_path: Path) -> None:
    mixes = ("EN", "EN@48", "ES", "ES@48", "ITES", "ITES@48", "DEFRITES", "DEFRITES@48")
    document, page, _ = make(tmp_path, mixes, (0, 1), languages=("EN", "DE"))
    assert {row["arm"] for row in document["arms"]} == {*mixes, "untuned"}
    assert Page(page).open == []
    section = page.partition('<section aria-labelledby="sizes">')[2].partition("</section>")[0]
    curves = Page(section).text
    assert {"EN", "DEFRITES"} <= {text.strip() for text in curves}
    assert not {"ES", "ITES"} & {text.strip() for text in curves}
    assert mix_rows(document)[0] == ["EN", "DE", "FR", "IT", "ES"]  # those that are asked in, then as mixes name them


def test_findings_in_instructions_are_told_from_those_in_answers() -> None:
    by_role = {"user": {"count": 775, "of": 900}, "assistant": {"count": 23, "of": 900}}
    mixed = {"count": 798, "of": 1800, "by_role": by_role, "where": ["a:1"]}
    alone = {"count": 3, "of": 900, "by_role": {"assistant": {"count": 3, "of": 900}}, "where": ["a:2"]}
    card = {
        "languages": {"DE": {}, "FR": {}},
        "defects": {"untranslated": {"rule": "…", "languages": {"DE": mixed, "FR": alone}}},
    }
    (row,) = defects(card)
    assert (row["counts"], row["answers"]) == (["798/1\u202f800", "3/900"], ["23", ""])
