"""Reports of studies with known effects, and what tests ask of a page."""

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from jobs.aggregate import job as aggregate
from jobs.report import job
from polyglot.core import records
from polyglot.kinds.cells import Contrast
from polyglot.kinds.report import Report
from tests.kit.fake_scores import (
    LANGUAGES,
    FakeStudy,
    cells_of,
    fake_context,
    report_params,
    untuned,
    usual_ability,
)
from tests.kit.fake_scores import contrast as base_contrast
from tests.kit.folder_input import FolderInput


@dataclass(frozen=True, kw_only=True)
class Made:
    """A report of a study."""

    document: Report
    page: str
    inputs: dict[str, FolderInput]


# of a contrast, that an aggregate of version 6 did not write
TESTED = {"p", "p_holm", "shown", "detectable", "exact_p", "exact_p_holm", "exact_shown", "exact_detectable",
          "family_size", "failed_share", "primary"}  # fmt: skip

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}


USUAL = (*LANGUAGES, "ENDEFRITES", "ENDEFRITES-sampled", "DEFRITES", "ENDEFRITES@48")


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
    return replace(base_contrast(family, treatment, *control, on=on), name=name)


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


def make(
    root: Path,
    mixes: tuple[str, ...],
    seeds: tuple[int, ...],
    contrasts: tuple[Contrast, ...] = (),
    languages: tuple[str, ...] = LANGUAGES,
    **fields: Any,
) -> Made:
    """Run aggregate (`counted`: other parameters of it) and report; return the report, its page and its inputs."""
    made = FakeStudy(
        cells=(untuned(), *cells_of(mixes, seeds)),
        contrasts=contrasts,
        languages=languages,
        ability=usual_ability,
        resamples=300,
        per_category=4,
        failed_share=fields.pop("failed_share", 0.01),
    ).write(root / "in")
    counted = made.aggregate_params().model_copy(update=fields.pop("counted", {}))
    aggregate.run(fake_context(counted, made.inputs, root / "aggregate"))
    inputs = dict(made.inputs)
    inputs["aggregate"] = FolderInput(root / "aggregate" / "out", "a" * 64)
    out = fake_context(report_params(**fields), inputs, root)
    job.run(out)
    assert (out.out / "scores.csv").read_bytes() == inputs["aggregate"].path("scores.csv").read_bytes()
    page = (out.out / "report.html").read_text(encoding="utf-8")
    document = records.read(out.out / "report.json", Report)
    assert job.to_json(document) == (out.out / "report.json").read_bytes()
    return Made(document=document, page=page, inputs=inputs)


def of_version_6(document: Report, folder: Path) -> Report:
    """The same report as it was written and is read where its aggregate is of version 6, which tested nothing."""
    plain = json.loads(job.to_json(document))
    for name in ("gains", "thresholds", "mixtures"):
        del plain[name]
    for row in (*plain["contrasts"], *(plain["other_questions"] or {}).get("contrasts", ())):
        for name in TESTED:
            del row[name]
    for row in (*plain["arms"], *plain["breakdown"]):
        for name in ("failed_share", "lowest", "highest"):
            row.pop(name, None)
    for name in ("smallest_p", "most_failed"):
        del plain["method"][name]
    path = folder / "report.json"
    path.write_text(json.dumps(plain), encoding="utf-8")
    return records.read(path, Report)
