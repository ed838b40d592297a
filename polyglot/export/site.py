"""The first page of a static site over studies and their nights: what each asks, what it found, where its pages are."""

from collections.abc import Sequence
from dataclasses import dataclass

from polyglot.core.pages import templates
from polyglot.kinds.metrics import BY_NAME
from polyglot.kinds.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A report of the site: its name, when it was made, and where its files lie, the page first."""

    name: str
    time: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPages:
    """One study: its document, its report and those of its nights, the newest first."""

    report: Report
    page: Page
    nights: tuple[Page, ...]

    @property
    def asks(self) -> str:
        """What was measured, in a line."""
        roster, method = self.report.roster, self.report.method
        tuned = [cell for cell in roster if cell.mix is not None]
        mixes = _counted(len({cell.arm_key for cell in tuned}), "mix", "mixes")
        seeds = _counted(len({cell.seed for cell in tuned} - {None}), "seed", "seeds")
        models = ", ".join(dict.fromkeys(cell.model for cell in roster))
        return f"{models}; {mixes}, {seeds}, {' '.join(method.languages)}, {method.questions} questions"

    @property
    def best(self) -> str:
        """The highest and the lowest cross-lingual mean of its mixes, with their intervals."""
        metric = BY_NAME[self.report.metric]
        rows = [row for row in self.report.arms if row.language == "all" and row.dataset is not None]
        known = [(value, row) for row in rows if (value := metric.of(row).value) is not None]
        if not known:
            return "no mix has a mean over all languages"
        ends = [max(known, key=lambda pair: pair[0])[1], min(known, key=lambda pair: pair[0])[1]]
        said = [f"{row.arm} {metric.show(metric.of(row).value)} ({metric.interval(metric.of(row))})" for row in ends]
        title = metric.title[:1].upper() + metric.title[1:]
        return f"{title}: {' to '.join(dict.fromkeys(said))}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def site_page(studies: Sequence[StudyPages], title: str) -> str:
    """The page as HTML: no request, no script."""
    return templates("polyglot.export").get_template("site.html.j2").render(studies=studies, title=title)
