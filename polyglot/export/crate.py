"""A study as an RO-Crate 1.3: what was asked, what was done and what was found, with a digest for every byte.

    ro-crate-metadata.json      the crate: each stage is an action of polyglot on the results that it read
    CITATION.cff, LICENCES.md   how to cite it, and where data and models come from
    study/                      study.yaml, lock.json, plan.json
    manifests/<kind>/<key>.json the stages, as they were committed
    results/<kind>/<key>/       what they wrote: records, answers, verdicts, tables; where whole all
    report/                     the report

Without `whole`, weights and rows of data sets are there by their digests alone, in the manifests.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from polyglot import __version__
from polyglot.core.canonical import Json, canonical
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.export.citation import citation, licences
from polyglot.export.files import NotComputed
from polyglot.export.findings import findings_of, report_stage
from polyglot.kinds.registry import kind_of
from polyglot.kinds.report import Report
from polyglot.plan.plan import Plan
from polyglot.store.blobs import fetch
from polyglot.store.committed import committed_many
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileRecord, Manifest
from polyglot.store.store import Store

if TYPE_CHECKING:
    from rocrate.model.file import File
    from rocrate.rocrate import ROCrate

_TEXT = (".json", ".jsonl", ".csv", ".html", ".js", ".css", ".md")
_WHOLE = frozenset({"model", "adapter", "data", "questions", "references"})  # what is left to its digests
_TYPES = {".json": "application/json", ".jsonl": "application/jsonl", ".csv": "text/csv", ".html": "text/html",
          ".md": "text/markdown", ".cff": "application/yaml", ".yaml": "application/yaml"}  # fmt: skip
_POLYGLOT = "#polyglot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What a study was submitted as: its file, its lock, and when, as a date and time of RFC 3339."""

    study: bytes
    lock: Json
    time: str


def write_crate(
    store: Store, plan: Plan, submitted: Submitted, folder: Path, *, whole: bool, authors: Sequence[str]
) -> Report:
    """Write the crate of a study that has a report into an empty folder, and return the report.

    Raises BadInput without the library, NotComputed without a report, StoreError.
    """
    try:
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        remedy = "Install polyglot-lab[export]"
        raise BadInput("RO-Crates need rocrate, which is not installed", where="--as", remedy=remedy) from error
    report, last = findings_of(store, plan), report_stage(plan)
    if report is None or last is None:
        raise NotComputed(f"{plan.study}: there is no report yet; `polyglot submit` makes it")
    done = committed_many(store, [planned.stage for planned in plan])
    texts = {
        "CITATION.cff": citation(report, authors, __version__).encode(),
        "LICENCES.md": licences(report, plan).encode(),
        "study/study.yaml": submitted.study,
        "study/lock.json": canonical(submitted.lock),
        "study/plan.json": json.dumps(plan.document(), ensure_ascii=False, indent=1).encode(),
    }
    crate = ROCrate()
    _describe(crate, report, submitted.time)
    with TemporaryDirectory(prefix="polyglot-") as scratch:
        made = Path(scratch)
        for name, data in texts.items():
            _put(made / name, data)
            _add(crate, made / name, name)
        for planned in plan:
            if planned.key in done:
                stage = planned.stage
                root = "report" if planned.key == last.key else f"results/{stage.kind}/{stage.key}"
                _add_stage(crate, store, planned, done, made, root, whole=whole)
        crate.write(folder)
    return report


def _describe(crate: "ROCrate", report: Report, time: str) -> None:
    """The crate's own properties, and what it was made with."""
    from rocrate.model.contextentity import ContextEntity

    crate.name = f"Results of the study {report.study}"
    crate.description = report.question or f"A study of multilingual instruction tuning: {report.study}"
    crate.datePublished = time
    crate.license = {"@id": "LICENCES.md"}
    about = {"@type": "SoftwareApplication", "name": "polyglot-lab", "version": __version__, "url": _URL}
    crate.add(ContextEntity(crate, _POLYGLOT, properties=about))


_URL = "https://pypi.org/project/polyglot-lab/"


def _add_stage(
    crate: "ROCrate",
    store: Store,
    planned: PlannedStage,
    done: Mapping[str, Manifest],
    made: Path,
    root: str,
    *,
    whole: bool,
) -> None:
    """A stage's manifest, its files below `root`, and the action that made them of what it read."""
    from rocrate.model.contextentity import ContextEntity

    manifest, stage = done[planned.key], planned.stage
    name = f"manifests/{stage.kind}/{stage.key}.json"
    _put(made / name, manifest.to_json())
    _add(crate, made / name, name, description=f"{planned.label}: result {manifest.result}")
    records = list(_kept(planned, manifest, whole=whole))
    for record in records:
        (made / root / record.path).parent.mkdir(parents=True, exist_ok=True)
    concurrently(lambda record: fetch(store, record, made / root / record.path), records)
    files = [_add(crate, made / root / record.path, f"{root}/{record.path}", record=record) for record in records]
    read = [f"manifests/{done[key].stage.kind}/{key}.json" for key in stage.inputs.values() if key in done]
    action = {
        "@type": "CreateAction",
        "name": planned.label,
        "instrument": {"@id": _POLYGLOT},
        "object": [{"@id": one} for one in dict.fromkeys(read)],
        "result": [{"@id": name}, *({"@id": file.id} for file in files)],
    }
    crate.add(ContextEntity(crate, f"#{stage.key}", properties=action))


def _kept(planned: PlannedStage, manifest: Manifest, *, whole: bool) -> Iterator[FileRecord]:
    """The files that are in the crate: all, or the texts of stages; of those that hold weights or rows, cards alone."""
    cards_alone = not _WHOLE.isdisjoint(kind_of(planned.stage.kind).offers(planned.stage.params))
    for record in manifest.files:
        is_card = "/" not in record.path and record.path.endswith(".json")
        if whole or (is_card if cards_alone else record.path.endswith(_TEXT)):
            yield record


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _add(
    crate: "ROCrate", source: Path, name: str, *, description: str = "", record: FileRecord | None = None
) -> "File":
    """Add a file under its name, with its type, size and digest."""
    about: dict[str, object] = {"name": Path(name).name, "contentSize": str(source.stat().st_size)}
    about["encodingFormat"] = _TYPES.get(source.suffix, "application/octet-stream")
    if description:
        about["description"] = description
    if record is not None:
        about["sha256"] = record.sha256
    return crate.add_file(source, name, properties=about)
