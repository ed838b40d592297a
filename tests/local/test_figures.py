"""Figures for papers, of a study with known effects; matplotlib asks a process for the machine's fonts."""

import re
from pathlib import Path

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
