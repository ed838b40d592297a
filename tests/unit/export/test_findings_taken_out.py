"""Findings in the forms that papers and other programs read, of a study with known effects."""

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from polyglot.export.latex import escaped, latex_tables
from polyglot.export.result_tables import WRITERS, tables_of
from polyglot.export.site import Page, StudyPages, site_page
from polyglot.kinds.metrics import EXACT
from polyglot.kinds.report import Report
from polyglot.provenance.findings import contrasts_beside
from tests.kit.reports import TESTED, USUAL, make, of_version_6, usual_contrasts

HOSTILE = "100% of $\\{x}_1 & more ~^#"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make(
        tmp_path_factory.mktemp("usual"), mixes=USUAL, seeds=(0, 1, 2), contrasts=usual_contrasts(), metric="exact"
    ).document


def test_latex_has_a_row_a_mix_and_a_column_a_language(report: Report) -> None:
    text = latex_tables(report)["scores.tex"]
    assert r"Mix & EN & DE & FR & IT & ES & all \\" in text
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    rows = {line.split(" & ")[0]: line.count("&") for line in body.splitlines() if line.endswith(r"\\")}
    assert set(USUAL) <= set(rows)
    assert set(rows.values()) == {6}
    mean = next(row for row in report.arms if row.arm == "ENDEFRITES" and row.language == "DE").exact
    shown = f"{100 * mean.value:.0f} {{\\tiny [{100 * mean.low:.0f}--{100 * mean.high:.0f}]}}"  # type: ignore[operator]
    assert shown in next(line for line in body.splitlines() if line.startswith("ENDEFRITES &"))


def test_latex_has_every_contrast_under_its_family(report: Report) -> None:
    text = latex_tables(report)["contrasts.tex"]
    for row in report.contrasts:
        assert f"\n{escaped(row.name)} & " in text
    assert text.count(r"\emph{") == len({row.family for row in report.contrasts})


def test_latex_prints_what_it_would_read_as_commands() -> None:
    assert escaped(HOSTILE) == (r"100\% of \$\textbackslash{}\{x\}\_1 \& more \textasciitilde{}\textasciicircum{}\#")


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_tables_hold_the_reports_own_numbers(report: Report, tmp_path: Path, form: str) -> None:
    paths = {name: WRITERS[form](name, rows, tmp_path) for name, rows in tables_of(report).items()}
    if form == "parquet":
        arms = pd.read_parquet(paths["arms"]).to_dict("records")
        types = {name: str(pq.read_schema(paths["arms"]).field(name).type) for name in ("seed_ids", "failed_share")}
        assert types == {"seed_ids": "list<element: int64>", "failed_share": "double"}  # also where there are none
    elif form == "csv":
        arms = list(csv.DictReader(paths["arms"].open(encoding="utf-8")))
    else:
        arms = json.loads(paths["arms"].read_text(encoding="utf-8"))
    assert len(arms) == len(report.arms)
    found = next(row for row in arms if row["arm"] == "ENDEFRITES" and row["language"] == "all")
    wanted = next(row for row in report.arms if row.arm == "ENDEFRITES" and row.language == "all")
    assert (float(found["mean"]), float(found["low"])) == (wanted.mean, wanted.low)
    seeds = found["per_seed"].split() if isinstance(found["per_seed"], str) else list(found["per_seed"])
    assert [float(seed) for seed in seeds] == list(wanted.per_seed)


def test_a_report_from_before_contrasts_were_tested_is_taken_out_and_compared(report: Report, tmp_path: Path) -> None:
    earlier = of_version_6(report, tmp_path)
    text = latex_tables(earlier)["contrasts.tex"]
    assert "Holm" not in text
    assert all(f"\n{escaped(row.name)} & " in text for row in report.contrasts)
    WRITERS["csv"]("contrasts", tables_of(earlier)["contrasts"], tmp_path)
    for row in csv.DictReader((tmp_path / "contrasts.csv").open(encoding="utf-8")):
        assert {row[name] for name in TESTED - {"primary"}} == {""}
    beside = contrasts_beside(earlier.contrasts, report.contrasts, EXACT)
    assert [row.difference for row in beside] == [0.0] * len(report.contrasts)
    # whether a contrast is tested is no finding: the intervals are the same
    unshown = [replace(row, exact_shown=0, exact_p_holm=0.9) for row in report.contrasts]
    assert any(row.exact.sign for row in unshown)
    assert not any(row.turned for row in contrasts_beside(earlier.contrasts, unshown, EXACT))


def test_the_first_page_of_a_site_names_studies_and_nights_and_runs_nothing(report: Report) -> None:
    hostile = replace(report, question="<script>alert(1)</script>?")
    page = Page(name=report.study, time="2026-01-31 02:00 UTC", files=("a/report.html", "a/scores.csv"))
    night = Page(name="2026-02-01", time="2026-02-01 02:00 UTC", files=("a-at/report.html",))
    text = site_page([StudyPages(report=hostile, page=page, nights=(night,))], "Studies")
    assert 'href="a/report.html"' in text
    assert 'href="a-at/report.html">2026-02-01<' in text
    assert "<script" not in text
