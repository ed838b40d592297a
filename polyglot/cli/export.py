"""`polyglot export`: what studies found, in the forms that papers, archives and the web take."""

import shutil
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

import typer

from polyglot.cli.deliver import check_out, deliver_night, deliver_stages, options_of
from polyglot.cli.looking import open_view, study_name
from polyglot.cli.options import ProfileName, StoreUrl
from polyglot.cli.output import say
from polyglot.cli.view import View
from polyglot.core.errors import BadInput
from polyglot.engine.submission import submission_at, submission_of_night
from polyglot.export.crate import Submitted, write_crate
from polyglot.export.figures import FigureForm, write_figures
from polyglot.export.files import NotComputed, scratch_beside
from polyglot.export.findings import findings_of
from polyglot.export.latex import latex_tables
from polyglot.export.result_tables import WRITERS, tables_of
from polyglot.export.site import Page, StudyPages, site_page
from polyglot.kinds.report import Report
from polyglot.store.committed import find, inputs_hold
from polyglot.store.nights import nights
from polyglot.store.submissions import all_submissions, submitted_files

_TIME = "%Y-%m-%d %H:%M UTC"


class Form(StrEnum):
    """How findings are written."""

    LATEX = "latex"
    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"
    SVG = "svg"
    PDF = "pdf"
    RO_CRATE = "ro-crate"
    SITE = "site"


def command(
    studies: Annotated[
        list[str], typer.Argument(metavar="STUDY…", help="Studies by their names or files; several for a site.")
    ],
    form: Annotated[
        Form,
        typer.Option(
            "--as",
            help="latex: means and contrasts in booktabs; parquet, csv, json: a table each of arms, cells, contrasts; "
            "svg, pdf: every figure; ro-crate: study, lock, manifests, records and report as an RO-Crate; site: pages "
            "of all studies and their nights with a first page.",
        ),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="The folder; without it STUDY-FORM, or `site`.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="In an RO-Crate: weights and data too, not by their digests alone.")
    ] = False,
    author: Annotated[
        list[str] | None, typer.Option("--author", metavar="NAME", help='Who is cited, as "Family, Given".')
    ] = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Write a study's findings as LaTeX, tables or figures, as an RO-Crate, or many studies as a static site.

    Everything is read from the store: the newest submission of a study, once its report is there. The folder is
    replaced where it was written so before, and refused where it holds anything else.
    """
    if len(studies) > 1 and form is not Form.SITE:
        raise BadInput("one study at a time", where=f"--as {form}", got=f"{len(studies)} studies", expected="one study")
    target = to or Path("site" if form is Form.SITE else f"{study_name(studies[0])}-{form}")
    check_out(target.parent, option="--to", what="what is exported")
    _check_target(target)
    views = [open_view(name, mix=None, profile=profile, store=store) for name in studies]
    with scratch_beside(target) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        if form is Form.SITE:
            _write_site(views, made, profile=profile, store=store)
        elif form is Form.RO_CRATE:
            _write_crate(views[0], made, whole=whole, authors=author or [])
        else:
            _write(_report(views[0]), form, made)
        (made / _MARK).write_text(f"{form}\n", encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)
    for path in sorted(target.iterdir()):
        if path.is_file() and path.name != _MARK:
            print(path)


_MARK = ".polyglot-export"


def _check_target(target: Path) -> None:
    """Raise BadInput for a place with anything that was not exported."""
    if target.is_symlink() or (target.exists() and not (target / _MARK).is_file()):
        is_empty = target.is_dir() and not target.is_symlink() and not any(target.iterdir())
        if not is_empty:
            remedy = "Name another folder with --to, or remove it"
            raise BadInput("there is something else already", where=str(target), remedy=remedy)


def _report(view: View) -> Report:
    report = findings_of(view.store, view.plan)
    if report is None:
        raise NotComputed(f"{view.title}: there is no report of results yet; `polyglot submit` makes it")
    return report


def _write(report: Report, form: Form, folder: Path) -> None:
    """Tables or figures."""
    if form is Form.LATEX:
        for name, text in latex_tables(report).items():
            (folder / name).write_text(text, encoding="utf-8")
    elif form in (Form.SVG, Form.PDF):
        write_figures(report, folder, cast(FigureForm, form.value))
    else:
        for name, rows in tables_of(report).items():
            WRITERS[form.value](name, rows, folder)


def _write_crate(view: View, folder: Path, *, whole: bool, authors: Sequence[str]) -> None:
    submitted = _submitted(view)
    write_crate(view.store, view.plan, submitted, folder, whole=whole, authors=authors)


def _submitted(view: View) -> Submitted:
    """The newest submission of just these stages: study file and lock belong to them. Raises BadInput."""
    keys = set(view.plan.by_key)
    for time, path in all_submissions(view.store, view.plan.study):
        if keys == {planned.key for planned in submission_at(view.store, path).stages}:
            study, lock = submitted_files(view.store, path)
            return Submitted(study=study, lock=lock, time=f"{time:%Y-%m-%dT%H:%M:%S+00:00}")
    remedy = "Submit it as it is, or export what was submitted by its name"
    raise BadInput("never submitted so", where=view.store.url, got=view.title, remedy=remedy)


def _write_site(views: Sequence[View], folder: Path, *, profile: str, store: str | None) -> None:
    """The pages of each study in a folder of its name, those of its nights below it, and the first page."""
    options = options_of(mix=None, profile=profile, store=store)
    studies = []
    for view in views:
        name, report = view.plan.study, _report(view)
        again = (f"polyglot report {name}{options}",)
        files = deliver_stages(view.store, view.plan.stages, view.title, folder, again=again)
        submitted = all_submissions(view.store, name)
        time = f"{submitted[0][0]:{_TIME}}" if submitted else "never"
        pages = tuple(_night_pages(view, folder, options))
        studies.append(StudyPages(report=report, page=_page(name, time, files, folder), nights=pages))
    title = studies[0].report.study if len(studies) == 1 else "Studies"
    (folder / "index.html").write_text(site_page(studies, title), encoding="utf-8")


def _night_pages(view: View, folder: Path, options: str) -> Sequence[Page]:
    """The reports of a study's nights that are committed, the newest first."""
    found = []
    for night in reversed(nights(view.store, view.plan.study)):
        manifest = find(view.store, night.report, first=("report",))
        if manifest is None or not inputs_hold(view.store, manifest):
            say(f"{view.plan.study}: night {night.name} has no report, and is left out")
            continue
        submission = submission_of_night(view.store, night)
        files = deliver_night(view.store, submission, night.name, folder, options=options)
        found.append(_page(night.name, f"{night.time:{_TIME}}", files, folder))
    return found


def _page(name: str, time: str, files: Sequence[Path], folder: Path) -> Page:
    return Page(name=name, time=time, files=tuple(quote(str(path.relative_to(folder))) for path in files))
