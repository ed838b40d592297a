"""Copies a study's report out of the store."""

import csv
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from polyglot.cli.view import View
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.estimates.took import Took, time_and_cost, took
from polyglot.store.blobs import fetch
from polyglot.store.committed import committed
from polyglot.store.futures import concurrently
from polyglot.store.store import Store

# jobs/report/templates/sections/method.html.j2
_FILE = "<var>FILE</var>"
_TOOK = "<!-- time and cost -->"


def check_out(out: Path, *, option: str = "--out", what: str = "the report") -> None:
    """Raise BadInput when `what` could not be put below `out`, which `option` named: told before a study runs."""
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.lexists(folder))
    if not place.is_dir():
        got = f"{place}, which is {'a file' if place.exists() else 'a link to nothing'}"
        raise BadInput(f"{what} needs a folder", where=option, got=got, expected="a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise BadInput(f"{what} cannot be written", where=option, got=f"{place}: permission denied")


def typed(study: Path, *, mix: str | None, profile: str, store: str | None, data_only: bool) -> str:
    """The study file and the options as a shell takes them, behind any verb that looks at a study."""
    words = [str(study), *(["--mix", mix] if mix else []), *(["--data-only"] if data_only else [])]
    words += ["--profile", profile] if profile != "local" else []
    return shlex.join([*words, *(["--store", store] if store else [])])


def deliver_report(view: View, out: Path, *, asked: str = "") -> list[Path]:
    """Write the files of a view's report to a folder below `out` and return their paths, as `deliver_stages` does."""
    return deliver_stages(view.store, view.plan.stages, view.title, out, asked=asked)


def deliver_stages(
    store: Store, stages: Sequence[PlannedStage], title: str, out: Path, *, asked: str = ""
) -> list[Path]:
    """Write the files of the last stage, a report, to `out`/<title>, all or none, and return those that people open.

    The page is the first of them; what lies in folders (the pieces of its answers) is not among them. In the store a
    page is of content alone; here it says too how the study is run again (`asked` is what was `typed`) and what its
    stages took, each of which is a row of cost.csv.

    Raises PolyglotError when the report is not committed yet, BadInput when it cannot be put there.
    """
    check_out(out)
    stage = stages[-1].stage
    manifest = committed(store, stage.kind, stage.key)
    if manifest is None:
        raise PolyglotError(f"{title}: there is no report yet; `polyglot submit` makes it, `status` says how far")
    target = out / "".join(c if c.isalnum() or c in "-@." else "-" for c in title)
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=f".{target.name}-") as scratch:
        made, before = Path(scratch) / "made", Path(scratch) / "before"
        for folder in {(made / record.path).parent for record in manifest.files} | {before}:
            folder.mkdir(parents=True, exist_ok=True)
        concurrently(lambda record: fetch(store, record, made / record.path), manifest.files)
        rows = took(stages, store)
        _write_cost(made / "cost.csv", rows)
        if (page := made / "report.html").exists():
            _complete(page, asked, time_and_cost(rows))
        paths = [_placed(path, target / path.name, before) for path in sorted(made.iterdir(), key=_pages_last)]
    files = (path for path in paths if path.is_file())
    return sorted(files, key=lambda path: (path.name != "report.html", path.suffix != ".html", path.name))


def _complete(page: Path, asked: str, facts: Mapping[str, str]) -> None:
    """Put into a page what its template leaves a place for."""
    text = page.read_text(encoding="utf-8")
    if asked:
        text = text.replace(_FILE, f"<var>{escape(asked)}</var>")
    lines = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in facts.items())
    page.write_text(text.replace(_TOOK, "\n".join(lines)), encoding="utf-8")


def _write_cost(path: Path, rows: Iterable[Took]) -> None:
    """A row for each stage; what was not measured is empty."""
    names = ("seconds", "gpu_hours", "peak_memory_bytes", "tokens", "calls", "usd", "disk_bytes")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("stage", "kind", "key", "device", "gpus", "ranks", *names))
        for row in rows:
            stage, used, resources = row.planned.stage, row.used, row.planned.resources
            figures = (used.seconds, row.gpu_hours, used.memory_bytes, used.tokens, used.calls, used.usd)
            given = (row.planned.label, stage.kind, stage.key, row.device, resources.gpus, resources.ranks)
            writer.writerow((*given, *figures, used.disk_bytes))


def _pages_last(path: Path) -> tuple[bool, bool]:
    """Folders, data, pages: a page never stands beside pieces that it does not know."""
    return path.is_file(), path.suffix == ".html"


def _placed(made: Path, target: Path, before: Path) -> Path:
    """Put a file or a folder where it belongs, whole, in the place of what was there."""
    if made.is_dir() and target.exists():
        target.rename(before / target.name)
    return made.replace(target)
