"""The report job and its page, on whole studies with known effects."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from jobs.report import job as report
from jobs.report.curves import curves
from jobs.report.load_artifacts import load_report
from jobs.report.numbers import View
from jobs.report.page import render_page
from jobs.report.sections import mixes as mixes_section
from jobs.report.sections import sizes, wrong_references
from jobs.report.sections.answer import lead
from jobs.report.sections.data import defects
from jobs.report.sections.training import packing_summary, validation_tables
from polyglot.core import records
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET
from polyglot.kinds.cells import NATIVE
from polyglot.kinds.data_card import Defect, Filled, Found, LanguageCard, Share
from polyglot.kinds.metrics import EXACT
from polyglot.kinds.report import DataReport
from polyglot.kinds.train import Packing
from tests.kit.data_ingests import ingest_bytes, json_lines
from tests.kit.fake_scores import (
    LANGUAGES,
    fake_context,
    report_params,
)
from tests.kit.folder_input import FolderInput
from tests.kit.reports import USUAL, Made, Page, contrast, make, usual_contrasts

HOSTILE = '</title><script>alert(1)</script> & "quoted" {{ 7 * 7 }} \u202e'


class TestPage:
    def test_is_one_well_formed_file_that_asks_for_nothing(self, usual: Made) -> None:
        page = Page(usual.page)
        assert not page.open
        assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe")]
        assert not re.search(r"https?:|@import|url\(", usual.page)
        links = {(attributes["href"] or "").partition("#")[0] for tag, attributes in page.tags if tag == "a"}
        assert links == {"", "answers.html", "report.json", "scores.csv", "contrasts.csv", "gains.csv"}
        inside = {href[1:] for _, attributes in page.tags if (href := attributes.get("href") or "").startswith("#")}
        assert inside - {"main"} == set(re.findall(r'<h2 id="([\w-]+)"', usual.page))

    def test_every_drawing_says_in_words_what_it_shows(self, usual: Made) -> None:
        drawings = re.findall(r"<svg class=\"(?:plot|axis)[^>]*>(.{0,7})", usual.page)
        assert len(drawings) > 20
        assert set(drawings) == {"<title>"}

    def test_tables_scroll_in_boxes_of_their_own(self, usual: Made) -> None:
        assert usual.page.count("<table") == usual.page.count('<div class="scroll" tabindex="0" role="region"')

    def test_has_a_section_for_everything_that_was_measured(self, usual: Made) -> None:
        found = set(re.findall(r'<h2 id="(\w+)"', usual.page))
        assert found == {
            "answer", "scores", "contrasts", "gains", "transfer", "sizes", "categories", "mixes", "training", "data",
            "judge", "method", "provenance", "defects",
        }  # fmt: skip

    def test_notes_stand_on_top(self, usual: Made) -> None:
        assert usual.page.index("Judged by rule.") < usual.page.index("<h1")

    def test_where_rules_cannot_tell_right_from_wrong_nothing_is_called_exact(self, usual: Made) -> None:
        page = render_page(load_report(report_params(metric="score"), usual.inputs))
        assert "exact" not in " ".join(Page(page.partition("<body>")[2].partition("</body>")[0]).text)
        assert "verdicts with score 10" in page
        assert "a mean score of" in page

    def test_hostile_names_stay_text(self, tmp_path: Path) -> None:
        page = make(
            tmp_path,
            ("EN", "DE"),
            (0,),
            (contrast(HOSTILE, "custom", "EN", "DE"),),
            study=HOSTILE,
            question=HOSTILE,
            notes=(HOSTILE,),
            facts={HOSTILE: HOSTILE},
        ).page
        read = Page(page)
        assert not [tag for tag, _ in read.tags if tag == "script"]
        assert "{{ 7 * 7 }}" in "".join(read.text)
        assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]

    def test_equal_inputs_give_equal_bytes(self, usual: Made, tmp_path: Path) -> None:
        again = make(tmp_path, USUAL, (0, 1, 2), usual_contrasts(), notes=("Judged by rule.",))
        assert again.page == usual.page
        assert again.document == usual.document

    @pytest.mark.parametrize(
        ("mixes", "seeds"), [(("DEFRITES",), (0,)), (("EN",), (0, 1, 2)), ((), ()), (("ENDE", "ENDE@16"), (0,))]
    )
    def test_small_studies_have_a_page_too(
        self, tmp_path: Path, mixes: tuple[str, ...], seeds: tuple[int, ...]
    ) -> None:
        made = make(tmp_path, mixes, seeds)
        assert not Page(made.page).open
        assert lead(made.document, EXACT)

    def test_what_is_not_among_the_inputs_is_left_out(self, tmp_path: Path) -> None:
        inputs = make(tmp_path, ("EN", "DE"), (0,)).inputs
        alone = fake_context(report_params(), {"aggregate": inputs["aggregate"]}, tmp_path / "alone")
        report.run(alone)
        page = (alone.out / "report.html").read_text()
        assert not Page(page).open
        assert 'id="training"' not in page

    def test_without_results_it_is_a_page_of_data_and_mixes(self, usual: Made, tmp_path: Path) -> None:
        whole, inputs = usual.document, usual.inputs
        roles = [role for role in inputs if role.partition(":")[0] in ("mix", "data", "questions", "references")]
        context = fake_context(report_params(), {role: inputs[role] for role in roles}, tmp_path)
        report.run(context)
        assert sorted(path.name for path in context.out.iterdir()) == ["report.html", "report.json"]
        document = records.read(context.out / "report.json", DataReport)
        assert [entry.arm for entry in document.mixes] == [
            *LANGUAGES,
            "DEFRITES",
            "ENDEFRITES@48",
            "ENDEFRITES",
            "ENDEFRITES-sampled",
        ]
        assert {entry.key: entry for entry in document.mixes} == {entry.key: entry for entry in whole.mixes}
        assert (document.data, document.questions) == (whole.data, whole.questions)
        assert (document.references, document.prompts) == (whole.references, whole.prompts)
        page = Page((context.out / "report.html").read_text(encoding="utf-8"))
        assert not page.open
        assert [tag["id"] for name, tag in page.tags if name == "h2"] == ["mixes", "data"]

    def test_a_report_on_nothing_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="aggregate"):
            report.run(fake_context(report_params(), {}, tmp_path))


class TestTraining:
    def test_losses_on_rows_held_back_are_listed_by_mix_and_language(self, usual: Made) -> None:
        (table,) = validation_tables(usual.document)
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
        assert "Loss on rows held back" in usual.page

    def test_norms_rates_and_losses_on_rows_held_back_are_drawn_by_step(self, usual: Made) -> None:
        cells = {cell.cell: cell for cell in usual.document.roster}
        entry = next(entry for entry in usual.document.training if cells[entry.name].arm == "DEFRITES")
        (last,) = entry.training.validation or ()
        first = replace(last, step=50, languages={**last.languages, "DE": replace(last.languages["DE"], loss=2.0)})
        norms = (9.0, *(2.0 for _ in entry.training.loss[1:]))
        record = replace(entry.training, validation=(first, last), gradient_norm=norms)
        found = curves({"DEFRITES": [(cells[entry.name], record), (cells[entry.name], record)]})
        (held,) = found.held_back
        assert (held.left, held.right) == ("after 50 steps", "100 steps")
        assert held.plot.count('class="line in"') == 4
        assert held.plot.count('class="line out"') == 1
        heights = sorted(float(at) for at in re.findall(r'class="line-name \w+" x="100%" y="([\d.]+)%"', held.plot))
        assert len(heights) == 5
        assert all(below - above > 10 for above, below in zip(heights, heights[1:], strict=False))
        assert [(norm.left, norm.right) for norm in found.norms] == [("100 steps", "up to 9")]
        assert [(rate.name, rate.right) for rate in found.rates] == [("DEFRITES", "up to 0.001")]

    def test_of_one_loss_on_rows_held_back_no_curve_is_drawn(self, usual: Made) -> None:
        assert "Loss on rows held back, by step" not in usual.page
        assert "<h3>Learning rate</h3>" in usual.page
        assert "<h3>Gradient norm</h3>" not in usual.page  # these runs kept none

    def test_packing_is_said_where_there_was_some(self, usual: Made) -> None:
        first, second = (entry.training for entry in usual.document.training[:2])
        assert packing_summary([first, second]) == ""
        said = Packing(sequence_tokens=2048, sequences=10, tokens=19661, efficiency=0.96, padded_efficiency=0.99)
        text = "Packed step by step into sequences of at most 2048 tokens: 96.0% full, 99.0% of the longest in a step."
        assert packing_summary([replace(first, packing=said), second]) == text


class TestData:
    def test_defects_are_listed_by_language_and_what_was_not_found_is_said(self, usual: Made) -> None:
        text = " ".join(" ".join(Page(usual.page).text).split())
        assert "python unparsed 0 11/14 13/14 14/14 12/14 DE 121, 122, 123, 124, 125 …" in text
        assert "broken fences: not found" in text
        assert "rejected: empty output 1 1 1 1 1" in text

    def test_how_unevenly_the_questions_have_references_of_their_own_is_listed(self, usual: Made) -> None:
        questions = usual.document.questions
        assert questions is not None
        languages = {
            name: replace(entry, reference_field=Filled(present=39 if name == "EN" else 80, filled=39))
            for name, entry in questions.card.languages.items()
        }
        filled = replace(questions, card=replace(questions.card, languages=languages))
        document = replace(usual.document, questions=filled)
        text = " ".join(" ".join(Page(render_page(document)).text).split())
        assert "reference field filled, of those that have it 39/39 39/80 39/80 39/80 39/80" in text

    def test_defects_of_the_judge_prompts_are_listed(self, usual: Made, tmp_path: Path) -> None:
        spoilt = {"name": "single-v1", "system_prompt": "", "prompt_template": "<|The Start {question} {answer}"}
        closed = spoilt | {"prompt_template": "<|The Start|> {question} {answer}"}
        files = {
            language: [("judge_prompts.jsonl", json_lines([row]))]
            for language, row in (("EN", closed), ("DE", closed), ("FR", spoilt))
        }
        prompts = ingest_bytes(tmp_path, files, what="prompts", format="mt-bench")
        document = load_report(report_params(), usual.inputs | {"prompts": FolderInput(prompts.out, "c" * 64)})
        text = " ".join(" ".join(Page(render_page(document)).text).split())
        assert "unclosed delimiter 0 0 1 FR single-v1" in text
        assert "missing prompt: not found" in text


def test_mixes_of_languages_that_nobody_asks_in_are_reported_too(tmp_path: Path) -> None:
    mixes = ("EN", "EN@48", "ES", "ES@48", "ITES", "ITES@48", "DEFRITES", "DEFRITES@48")
    made = make(tmp_path, mixes, (0, 1), languages=("EN", "DE"))
    assert {row.arm for row in made.document.arms} == {*mixes, "untuned"}
    assert Page(made.page).open == []
    section = made.page.partition('<section aria-labelledby="sizes">')[2].partition("</section>")[0]
    curves = Page(section).text
    assert {"EN", "DEFRITES"} <= {text.strip() for text in curves}
    assert not {"ES", "ITES"} & {text.strip() for text in curves}
    shown = mixes_section.show(made.document, None)
    assert shown is not None
    assert shown.languages == ("EN", "DE", "FR", "IT", "ES")  # those that are asked in, then as mixes name them


def test_findings_in_instructions_are_told_from_those_in_answers(usual: Made) -> None:
    by_role = {"user": Share(count=775, of=900), "assistant": Share(count=23, of=900)}
    mixed = Found(count=798, of=1800, by_role=by_role, where=("a:1",))
    alone = Found(count=3, of=900, by_role={"assistant": Share(count=3, of=900)}, where=("a:2",))
    empty = LanguageCard(records=0, accepted=0)
    card = replace(
        usual.document.data[0].card,
        languages={"DE": empty, "FR": empty},
        defects={"untranslated": Defect(rule="…", languages={"DE": mixed, "FR": alone})},
        parallel=UNSET,
    )
    (row,) = defects(card, ("DE", "FR"))
    assert (row.counts, row.answers) == (("798/1\u202f800", "3/900"), ("23", ""))


def test_a_mix_that_is_judged_twice_has_two_curves_over_its_sizes(usual: Made) -> None:
    report = usual.document
    roster, arms = list(report.roster), list(report.arms)
    for cell in report.roster:
        if cell.mix is not None:
            arm = cell.rejudged().arm_key.arm
            roster.append(replace(cell, cell=cell.cell + NATIVE, references="native", arm=arm))
            arms += [replace(row, arm=arm) for row in report.arms if row.arm == cell.arm and cell.seed == 0]
    shown = sizes.show(replace(report, roster=tuple(roster), arms=tuple(arms)), View.of(report))
    assert shown is not None
    assert {panel.name: len(panel.x) for panel in shown.figures[0].panels} == {"ENDEFRITES": 2, "ENDEFRITES+native": 2}
    assert "48: " in shown.figures[0].panels[0].plot
    assert shown.figures[0].panels[0].plot.count("<circle") == 2


class TestWrongReferences:
    @pytest.mark.parametrize("leave_out", [False, True])
    def test_every_arm_and_comparison_is_shown_with_and_without_them(self, tmp_path: Path, leave_out: bool) -> None:
        compared = contrast("ENDE - mean of 2 monolingual mixes", "parallel - mono mean", "ENDE", "EN", "DE")
        counted = {"wrong_references": ("81", "90", "777"), "leave_out_wrong": leave_out}
        made = make(tmp_path, ("EN", "DE", "ENDE"), (0,), (compared,), counted=counted)
        shown = wrong_references.show(made.document, View.of(made.document))
        assert shown is not None
        assert (shown.wrong, shown.every, shown.fewer) == (("81", "90"), 32, 30)
        own, other = {row.arm: row for row in made.document.arms if row.language == "all"}, {}
        assert made.document.other_questions is not None
        other = {row.arm: row for row in made.document.other_questions.arms}
        every, fewer = (other, own) if leave_out else (own, other)
        assert [row.name for row in shown.arms[0].rows] == ["untuned", "EN", "DE", "ENDE"]
        for row in shown.arms[0].rows:
            assert row.every == EXACT.show(every[row.name].exact_share)
            assert row.fewer == EXACT.show(fewer[row.name].exact_share)
        assert [row.name for row in shown.contrasts[0].rows] == [compared.name]
        text = " ".join("".join(Page(made.page).text).split())
        assert "of 2 of 32 questions are known to be wrong (81, 90)" in text
        assert f"All other sections are {'without these questions' if leave_out else 'over all questions'}" in text

    def test_nothing_is_said_where_no_reference_is_known_to_be_wrong(self, usual: Made) -> None:
        assert wrong_references.show(usual.document, View.of(usual.document)) is None


def test_of_very_many_mixes_it_is_not_counted_what_each_two_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are as many pairs as the square of the mixes, and nobody reads each."""
    few = make(tmp_path / "few", ("EN", "ENDEFRITES"), seeds=(0,))
    monkeypatch.setattr("jobs.report.load_artifacts.MOST_COMPARED", 1)
    many = make(tmp_path / "many", ("EN", "ENDEFRITES"), seeds=(0,))
    assert [overlap.mixes for overlap in few.document.overlaps] == [("EN", "ENDEFRITES")]
    assert "too many mixes" not in few.page
    assert not many.document.overlaps
    assert "too many mixes" in many.page
