"""The section of a night: its verdict, its figures, and lines that end where a baseline does."""

from msgspec.structs import replace

from jobs.report.numbers import View
from jobs.report.page import render_page
from jobs.report.sections import night
from polyglot.kinds.drift import CategoryDrift, CellDrift, Drift, Finding, LanguageDrift, NightDrift
from tests.kit.reports import Made, Page


def row(name: str, verdict: str, ewma: float) -> NightDrift:
    moved = {"all": ewma, "EN": ewma, "DE": None}
    return NightDrift(
        **{"night": name, "verdict": verdict, "difference": moved, "ewma": moved},  # type: ignore[arg-type]
        flips=0.1,
        evidence=-2.0,
        fresh=verdict == "judge",
    )


def drift() -> Drift:
    history = (row("n1", "noise", 0.0), row("n2", "judge", -0.4), row("n3", "noise", 0.1), row("n4", "model", 0.1))
    return Drift(
        night="n4",
        before="n3",
        baseline="n2",
        baseline_nights=2,
        verdict="model",
        says="<b>x</b> answers with other weights",
        findings=(Finding(verdict="model", since="n4", says="<b>x</b> answers with other weights"),),
        anchors=("tiny/untuned", "tiny/built-in/EN/s0"),
        served_by=("judge-1",),
        remarks=("the fingerprint of the judge is f2, f1 before",),
        evidence=-3.21,
        limit=3.6889,
        cell_limit=5.0752,
        error=0.05,
        horizon=90,
        languages=(
            LanguageDrift(
                **{"language": "all", "verdicts": 640, "failed": 3, "mean": 6.54, "difference": -0.02},  # type: ignore[arg-type]
                flips=0.141,
                flips_before=None,
                ewma=0.1,
            ),
        ),
        categories=(CategoryDrift(category="math", verdicts=80, difference=0.031),),
        cells=(
            CellDrift(
                cell="tiny/built-in/EN/s0",
                differ=("EN",),
                equal_expected=True,
                model_changed=True,
                environment_changed=False,
                served_by=(),
                difference=None,
                evidence=None,
            ),
        ),
        history=history,
    )


def test_a_night_has_its_verdict_in_front_and_every_text_of_it_is_data(usual: Made) -> None:
    page = render_page(replace(usual.document, drift=drift()))
    parsed = Page(page)
    assert not parsed.open
    text = " ".join(" ".join(parsed.text).split())
    assert "The night n4: model" in text
    assert "<b>x</b> answers with other weights. Besides, the fingerprint of the judge is f2, f1 before." in text
    assert "held against the night n2 and the nights since, 2 sets of verdicts" in text
    assert "all 640 3 6.54 \u22120.02 14.1% n/a" in text
    assert "other bytes in EN; other weights" in text


def test_cells_have_a_limit_of_their_own_and_no_evidence_is_not_a_number(usual: Made) -> None:
    text = " ".join(" ".join(Page(render_page(replace(usual.document, drift=drift()))).text).split())
    assert "Evidence against the judge: -3.2; an alarm is at 3.7, against a cell at 5.1 (natural" in text
    nothing = replace(drift(), evidence=None, cell_limit=None)
    text = " ".join(" ".join(Page(render_page(replace(usual.document, drift=nothing))).text).split())
    assert "Evidence against the judge: n/a; an alarm is at 3.7 (natural" in text


def test_lines_end_where_a_baseline_does(usual: Made) -> None:
    report = replace(usual.document, drift=drift())
    shown = night.show(report, View.of(report))
    assert shown is not None
    assert [panel.name for panel in shown.panels] == ["all languages", "EN", "DE"]
    assert [panel.plot.count("<polyline") for panel in shown.panels] == [2, 2, 0]
    assert shown.blocked == ("n2",)


def test_a_report_of_no_night_has_none(usual: Made) -> None:
    assert night.show(usual.document, View.of(usual.document)) is None
    assert 'aria-labelledby="night"' not in usual.page
