"""The page about translations: texts are data, and likeness to machine translations is never called quality."""

import json
from pathlib import Path

import pytest

from jobs.quality import job as quality
from jobs.report import job as report
from jobs.report.quality import render_quality
from polyglot.core import records
from polyglot.kinds.quality import QualityParams
from polyglot.kinds.report import QualityReport, ReportParams
from tests.kit.data_jobs import data_context, staged
from tests.kit.folder_input import FolderInput

EVIL = "</div><script>alert(1)</script> \u202eשלום"


def page(root: Path, reference_is: str) -> tuple[str, QualityReport]:
    inputs = {}
    for name, language in (("source", "EN"), ("translated", "ES"), ("reference", "ES")):
        (root / name / "rows").mkdir(parents=True)
        turns = [{"role": "user", "content": f"{EVIL} {name}"}, {"role": "assistant", "content": f"word {name}"}]
        row = {"id": "a", "language": language, "turns": turns, "origin": "f:1", "licence": ""}
        (root / name / "rows" / f"{language}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
        inputs[name] = root / name
    made = data_context(root / "quality", inputs=inputs)
    params = QualityParams.model_validate(
        {"what": "dataset", "source": "EN", "target": "ES", "reference_is": reference_is}
    )
    quality.run(staged(made, params, tuple(inputs)))
    context = data_context(root / "report")
    context.inputs = {"quality:q": FolderInput(made.out)}
    report.run(staged(context, ReportParams(study="s", checks=("q",)), ("quality:q",)))
    document = records.read(context.out / "report.json", QualityReport)
    return (context.out / "report.html").read_text(encoding="utf-8"), document


def test_texts_are_escaped_and_each_has_its_own_direction(tmp_path: Path) -> None:
    html, _ = page(tmp_path, "human")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert html.count('dir="auto"') == 6  # source, translation and reference of two turns


@pytest.mark.parametrize(
    ("reference_is", "word", "other"), [("human", "quality", "agreement"), ("machine", "agreement", "quality")]
)
def test_what_a_score_is_called_depends_on_its_reference(
    tmp_path: Path, reference_is: str, word: str, other: str
) -> None:
    html, _ = page(tmp_path, reference_is)
    assert f'<span class="badge {word}">' in html
    assert f'<span class="badge {other}">' not in html
    assert f"Corpus {word}:" in html
    assert f": {word} chrF" in html


def test_equal_documents_give_equal_bytes_and_a_study_alone_has_its_page_as_the_report(tmp_path: Path) -> None:
    html, document = page(tmp_path, "human")
    assert render_quality(document, name="report") == html
    assert (tmp_path / "report" / "out" / "quality.csv").is_file()
    assert not (tmp_path / "report" / "out" / "scores.csv").exists()
