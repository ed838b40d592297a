"""Which nights a study was evaluated again: `studies/<name>/nights/<night>.json`, each written once.

A record says that a night's evaluation began, of which submission, under which key its report is committed, and what
the night is held against; a night without a record was missed.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from polyglot.core.errors import Corrupt, Missing
from polyglot.core.night import instant_of
from polyglot.kinds.drift import Watch
from polyglot.store.futures import concurrently
from polyglot.store.manifest import seal, unseal
from polyglot.store.store import Store
from polyglot.store.submissions import study_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """`submission` is the path of what is evaluated, `report` the key of its report stage under this name.

    `watch` is what it is held against; None where nothing was known then, and in records of earlier versions. `time` is
    when the record was stored, by the store's clock.
    """

    name: str
    submission: str
    report: str
    time: datetime
    watch: Watch | None = None


def record_night(
    store: Store, study: str, name: str, *, submission: str, report: str, watch: Watch | None = None
) -> Night:
    """Note that a night's evaluation begins, and return the record that stands: the first one, whoever wrote it."""
    path = _path(study, name)
    held = {} if watch is None else {"watch": msgspec.to_builtins(watch)}
    store.create(path, seal({"night": name, "order": submission, "report": report, **held}))
    return _read(store, path)


def find_night(store: Store, study: str, name: str) -> Night | None:
    """Return the record of a night, or None."""
    try:
        return _read(store, _path(study, name))
    except Missing:
        return None


def nights(store: Store, study: str) -> list[Night]:
    """Return the recorded nights of a study, in the order in which they began."""
    paths = [entry.path for entry in store.list(f"{study_folder(study)}nights/")]
    return sorted(concurrently(lambda path: _read(store, path), paths), key=lambda night: night.time)


def _read(store: Store, path: str) -> Night:
    record = unseal(store.read(path), where=f"{store.url}: {path}")
    entry = store.head(path)
    if entry is None:
        raise Missing(f"{store.url}: {path}: it was removed just now")
    try:
        watch = msgspec.convert(record["watch"], Watch) if "watch" in record else None
    except msgspec.ValidationError as error:
        raise Corrupt(f"{store.url}: {path}: {error}") from error
    named = {"name": record["night"], "submission": record["order"], "report": record["report"]}
    return Night(**named, time=entry.modified, watch=watch)


def _path(study: str, name: str) -> str:
    instant = instant_of(name)
    return f"{study_folder(study)}nights/{f'{instant:%Y%m%dT%H%M%SZ}' if instant else name}.json"
