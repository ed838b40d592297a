"""The summary's sentences on what no contrast asks, and on what the paper finds, have the document's numbers."""

from pathlib import Path

from jobs.report.sections.answer import findings
from polyglot.kinds.findings import Findings
from polyglot.kinds.metrics import EXACT
from tests.kit.reports import Made, contrast, make


def test_unseen_languages_and_categories_are_told_with_limits(usual: Made) -> None:
    told = dict(findings(usual.document, EXACT))
    outside = {row.arm: row for row in usual.document.arms if row.language == "out-of-mix"}
    least = min(outside.values(), key=lambda row: row.exact_share or 0.0)
    text = told["Languages outside of a mix"]
    assert f"least {least.arm} {EXACT.show(least.exact_share)} ({EXACT.interval(EXACT.of(least))})" in text
    assert "Untuned, the model reaches" in text
    parts = [row for row in usual.document.breakdown if row.arm == "ENDEFRITES" and row.category]
    most = max(parts, key=lambda row: row.exact_share or 0.0)
    text = told["By category"]
    assert text.startswith(f"ENDEFRITES reaches most in {most.category}, {EXACT.show(most.exact_share)} (")
    assert "no contrast tests them" in text or "their intervals overlap" in text


def test_the_papers_findings_stand_beside_what_was_measured(tmp_path: Path, usual: Made) -> None:
    text = dict(findings(usual.document, EXACT))["Beside the paper"]
    assert "higher than the mean of its monolingual mixes in 1 of 1 contrast" in text
    rows = (contrast("ENDEFR - DEFR", "whole - part", "ENDEFR", "DEFR", on=("DE", "FR")),)
    without = make(tmp_path, ("ENDEFR", "DEFR"), (0, 1), rows)
    text = dict(findings(without.document, EXACT))["Beside the paper"]
    assert "leaving English out of a parallel mix costs quality; here, on the languages of both, ENDEFR" in text
    assert " DEFR by " in text


def test_of_many_mixes_at_several_sizes_one_is_told_of_and_the_others_counted(tmp_path: Path) -> None:
    forms = ("EN", "DE", "FR", "ENDE", "ENFR", "DEFR", "ENDEFR")
    mixes = tuple(f"{form}@{size}" for form in forms for size in (40, 200))
    made = make(tmp_path, mixes, (0, 1), counted={"findings": Findings(size_margin=0.3)})
    text = dict(findings(made.document, EXACT))["How few instructions suffice"]
    assert text.startswith("ENDEFR: ")
    assert "Of 6 other mixes " in text
    assert "What is said of each of 7 mixes, and the gap of every size" in made.page
