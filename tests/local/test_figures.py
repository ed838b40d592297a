"""Figures for papers, of a study with known effects; matplotlib asks a process for the machine's fonts."""

import re
from pathlib import Path

from msgspec.structs import replace

from polyglot.export.figures import write_figures
from tests.kit.reports import USUAL, make, of_version_6, usual_contrasts


def test_every_figure_of_the_report_is_a_file_with_its_names_and_the_same_bytes_again(tmp_path: Path) -> None:
    report = make(tmp_path / "made", USUAL, (0, 1, 2), usual_contrasts(), metric="exact").document
    paths = write_figures(report, tmp_path, "svg")
    names = {path.stem for path in paths}
    assert {"scores", "contrasts-parallel-mono"} <= names
    assert {re.sub("-tiny.*", "", name) for name in names} >= {"scores", "sizes", "categories", "training"}
    text = (tmp_path / "scores.svg").read_text(encoding="utf-8")
    assert all(f">{mix}<" in text for mix in USUAL)
    before = {path: path.read_bytes() for path in paths}
    write_figures(report, tmp_path, "svg")
    assert {path: path.read_bytes() for path in paths} == before
    earlier = of_version_6(report, tmp_path)
    assert write_figures(earlier, tmp_path, "svg") == paths


def test_data_sets_whose_names_differ_by_a_sign_have_a_figure_each(tmp_path: Path) -> None:
    report = make(tmp_path / "made", ("EN", "DE"), (0,)).document
    tables = {}
    for table in ("arms", "breakdown"):
        rows = getattr(report, table)
        both = [replace(row, dataset=name) for name in ("a_b", "a-b", "A b") for row in rows if row.dataset is not None]
        tables[table] = tuple(both)
    roster = tuple(
        replace(cell, dataset=name) for name in ("a_b", "a-b", "A b") for cell in report.roster if cell.dataset
    )
    paths = write_figures(replace(report, roster=roster, **tables), tmp_path, "svg")
    names = [path.name for path in paths]
    assert len({name.casefold() for name in names}) == len(names)
    assert {"categories-tiny-a-b.svg", "categories-tiny-a-b-2.svg", "categories-tiny-A-b-3.svg"} <= set(names)
