"""Copies a study's report out of the store."""

import csv
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from polyglot.cli.view import View
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import Submission
from polyglot.estimates.goodput import goodputs, in_words
from polyglot.estimates.took import Took, time_and_cost, took
from polyglot.kinds.train import TrainParams
from polyglot.store.blobs import fetch
from polyglot.store.committed import committed
from polyglot.store.futures import concurrently
from polyglot.store.store import Store

# jobs/report/templates/sections/method.html.j2
_AGAIN = re.compile("<!-- again -->.*?<!-- end of again -->", re.DOTALL)
_TOOK = "<!-- time and cost -->"


def check_out(out: Path, *, option: str = "--out", what: str = "the report") -> None:
    """Raise BadInput when `what` could not be put below `out`, which `option` named: told before a study runs."""
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.lexists(folder))
    if not place.is_dir():
        got = f"{place}, which is {'a file' if place.exists() else 'a link to nothing'}"
        raise BadInput(f"{what} needs a folder", where=option, got=got, expected="a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise BadInput(f"{what} cannot be written", where=option, got=f"{place}: permission denied")


def options_of(*, mix: str | None, profile: str, store: str | None, data_only: bool = False) -> str:
    """The options that were given, as a shell takes them behind a study, with a blank before each."""
    words = [*(["--mix", mix] if mix else []), *(["--data-only"] if data_only else [])]
    words += ["--profile", profile] if profile != "local" else []
    return "".join(f" {shlex.quote(word)}" for word in [*words, *(["--store", store] if store else [])])


def deliver_report(view: View, out: Path, *, file: str | None, options: str) -> list[Path]:
    """Write the files of a view's report to a folder below `out` and return their paths, as `deliver_stages` does.

    `file` is the study file that was planned; None where the view is of what was submitted before.
    """
    name = f"{view.plan.study}{options}" if file is None else f"{shlex.quote(file)}{options}"
    study = f"FILE{options}" if file is None else name
    again = (f"polyglot plan {study}", f"polyglot submit {study}", f"polyglot report {name}")
    return deliver_stages(view.store, view.plan.stages, view.title, out, again=again)


def deliver_night(store: Store, submission: Submission, night: str, out: Path, *, options: str) -> list[Path]:
    """The same of a night's report."""
    named = f"{submission.study} --night {night}{options}"
    again = (f"polyglot reevaluate {named}", f"polyglot report {named}")
    return deliver_stages(store, submission.stages, submission.title, out, again=again)


def deliver_stages(
    store: Store, stages: Sequence[PlannedStage], title: str, out: Path, *, again: Sequence[str]
) -> list[Path]:
    """Write the files of the last stage, a report, to `out`/<title>, all or none, and return those that people open.

    The page is the first of them; what lies in folders (the pieces of its answers) is not among them. In the store a
    page is of content alone; here it says too how the study is run `again`, line by line, and what the stages behind it
    took, each of which is a row of cost.csv.

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
            _complete(page, again, {**time_and_cost(rows), **_goodput(stages, store)})
        paths = [_placed(path, target / path.name, before) for path in sorted(made.iterdir(), key=_pages_last)]
    files = (path for path in paths if path.is_file())
    return sorted(files, key=lambda path: (path.name != "report.html", path.suffix != ".html", path.name))


def _goodput(stages: Sequence[PlannedStage], store: Store) -> dict[str, str]:
    """What share of their time the trainings used; nothing where no step of any was recorded."""
    said = in_words(goodputs([planned for planned in stages if planned.stage.kind == TrainParams.kind], store))
    return {"goodput": said} if said else {}


def _complete(page: Path, again: Sequence[str], facts: Mapping[str, str]) -> None:
    """Put into a page what its template leaves a place for."""
    text = page.read_text(encoding="utf-8")
    lines = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in facts.items())
    commands = f"<pre>{escape(chr(10).join(again))}</pre>"
    text = _AGAIN.sub(lambda _: commands, text.replace(_TOOK, "\n".join(lines)))
    page.write_text(text, encoding="utf-8")


def _write_cost(path: Path, rows: Iterable[Took]) -> None:
    """A row for each stage; what was not measured is empty."""
    names = ("seconds", "gpu_hours", "peak_memory_bytes", "tokens", "calls", "usd", "usd_unseen_at_most", "disk_bytes")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("stage", "kind", "key", "device", "gpus", "ranks", *names))
        for row in rows:
            stage, used = row.planned.stage, row.used
            given = (row.planned.label, stage.kind, stage.key, row.device, used.gpus, used.ranks)
            seconds = None if used.seconds is None else round(used.seconds, 3)
            figures = (used.memory_bytes, used.tokens, used.calls, used.usd, used.usd_unseen, used.disk_bytes)
            writer.writerow((*given, seconds, round(used.gpu_hours, 4), *figures))


def _pages_last(path: Path) -> tuple[bool, bool]:
    """Folders, data, pages: a page never stands beside pieces that it does not know."""
    return path.is_file(), path.suffix == ".html"


def _placed(made: Path, target: Path, before: Path) -> Path:
    """Put a file or a folder where it belongs, whole, in the place of what was there."""
    if made.is_dir() and target.exists():
        target.rename(before / target.name)
    return made.replace(target)
