"""The report says of sizes and shares what was decided, and why nothing was."""

from pathlib import Path

from jobs.report.sections.answer import findings
from polyglot.kinds.findings import Findings
from polyglot.kinds.metrics import EXACT
from tests.kit.reports import Made, Page, make

SHARES = ("DEFR-sampled", "ENDEFR-sampled", "EN:0.6,DE:0.2,FR:0.2", "EN:0.8,DE:0.1,FR:0.1", "EN")


def said(made: Made, heading: str) -> str:
    return dict(findings(made.document, EXACT)).get(heading, "")


def section(page: str, name: str) -> str:
    return page.partition(f'<section aria-labelledby="{name}">')[2].partition("</section>")[0]


def test_sizes_that_suffice_are_said_with_the_size_that_they_are_relative_to(tmp_path: Path) -> None:
    mixes = ("ENDE@40", "ENDE@399", "ENDE")
    made = make(tmp_path, mixes, (0, 1, 2), counted={"findings": Findings(size_margin=3.0)})
    text = said(made, "How few instructions suffice")
    assert text.startswith("ENDE: 399 ids suffice (\u2264 399): they are behind all ids, the largest size tried, by ")
    assert "less than the margin of 3" in text
    page = section(made.page, "sizes")
    assert text in " ".join(Page(page).text)
    assert '<polygon class="band' in page
    assert "suffices" in page
    assert not Page(made.page).open


def test_why_no_size_is_said_to_suffice(tmp_path: Path) -> None:
    mixes = ("ENDE@40", "ENDE")
    undeclared = make(tmp_path / "a", mixes, (0, 1, 2))
    assert "the study declares no margin, so no size is said to suffice; the smallest margin that this study" in said(
        undeclared, "How few instructions suffice"
    )
    margin = {"counted": {"findings": Findings(size_margin=0.3)}}
    assert "cannot tell; with one training seed a size" in said(
        make(tmp_path / "b", mixes, (0,), **margin), "How few instructions suffice"
    )
    several = make(tmp_path / "d", ("ENDE@40", "ENDE", "EN@40", "EN"), (0,), **margin)
    assert said(several, "How few instructions suffice").count("cannot tell") == 1
    assert said(several, "How few instructions suffice").startswith("EN and ENDE: cannot tell; ")
    alone = make(tmp_path / "c", ("ENDE",), (0, 1), **margin)
    assert "no mix here has several sizes" in said(alone, "How few instructions suffice")
    assert 'id="sizes"' not in alone.page


def test_shares_have_a_curve_a_table_and_a_sentence(tmp_path: Path) -> None:
    languages = ("EN", "DE", "FR")
    made = make(tmp_path, SHARES, (0, 1, 2), languages=languages, counted={"findings": Findings(mixture_margin=0.3)})
    text = said(made, "The best shares of languages")
    assert "of 5 mixes may be the best, as none is shown to be better: " in text
    assert "equal shares" in text
    page = section(made.page, "ratios")
    assert page.count("<tr>") >= 6
    assert "EN 60% DE 20% FR 20%" in page
    assert "the bar" in page
    assert not Page(made.page).open


def test_three_languages_are_a_triangle(tmp_path: Path) -> None:
    mixes = ("EN", "DE", "FR", "DEFR-sampled", "ENFR-sampled", "ENDE-sampled", "ENDEFR-sampled", "EN:0.6,DE:0.2,FR:0.2")
    made = make(tmp_path, mixes, (0, 1, 2), languages=("EN", "DE", "FR"))
    page = section(made.page, "ratios")
    assert page.count('<circle class="point"') >= 231
    assert page.count('<circle class="dot in"') == len(mixes)
    assert "The study declares no margin" in page


def test_why_nothing_is_said_of_shares(tmp_path: Path) -> None:
    margin = {"counted": {"findings": Findings(mixture_margin=0.3)}}
    single = make(tmp_path / "a", SHARES, (0,), languages=("EN", "DE", "FR"), **margin)
    assert "with one training seed a mix" in said(single, "The best shares of languages")
    none = make(tmp_path / "b", ("ENDE", "EN"), (0, 1), **margin)
    assert "Cannot tell" in said(none, "The best shares of languages")
