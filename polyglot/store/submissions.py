"""Studies as they were submitted, below `studies/<name>/<digest>/`: study.yaml, lock.json, plan-*.json, *order-*.json.

One digest may hold several plans: the same study narrowed to other mixes. Written once, never changed; the plan comes
last, so a study whose plan is there is whole. A submission is a plan with the resources, settings and place of every
stage: what a driver on a cluster is started with (order-*), and what a later evaluation of the same models begins from;
for that one is kept of studies that ran on somebody's own machine too (local-order-*). One that answers nothing
(data-order-*, local-data-order-*) is no night's. What is submitted again after something else gets a mark beside it
(….again-1), as the newest submission of a study is found by the time of its objects.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from polyglot.core.canonical import Json, sha256_bytes
from polyglot.core.errors import BadInput, Corrupt, Missing, StoreError
from polyglot.core.stage import PlanRow
from polyglot.store.futures import concurrently
from polyglot.store.paths import check_path
from polyglot.store.store import Store

_ROOT = "studies/"
_AGAIN = ".again-"


def save_study(store: Store, study_name: str, digest: str, *, study: bytes, lock: bytes, plan: bytes) -> None:
    """Keep a study; keeping it again changes nothing. Raises StoreError when the digest names other content."""
    base = f"{study_folder(study_name)}{digest}/"
    for name, data in (
        ("study.yaml", study),
        ("lock.json", lock),
        (f"plan-{sha256_bytes(plan)[:12]}.json", plan),
    ):
        path = base + name
        # a comment changed in the study file leaves its digest, and the first text stays
        if not store.create(path, data) and name == "lock.json" and store.read(path) != data:
            raise StoreError(f"{store.url}: {path} holds another lock, although the digest is the same")


def save_submission(
    store: Store, study_name: str, digest: str, submission: bytes, *, local: bool = False, answers: bool = True
) -> str:
    """Keep what is to be run, and return its path, which a driver is told. `answers`: whether nights may go by it."""
    start = ("local-" if local else "") + ("" if answers else "data-") + "order-"
    path = f"{study_folder(study_name)}{digest}/{start}{sha256_bytes(submission)[:12]}.json"
    if not store.create(path, submission):
        found = [each for _, each in _named(store, study_name, start)]
        if _unmarked(found[-1]) != path:
            store.create(f"{path}{_AGAIN}{1 + sum(each.startswith(path + _AGAIN) for each in found)}", b"{}")
    return path


def newest_submission(store: Store, study_name: str, *, local: bool = False) -> str:
    """Return the path of a study's newest submission. Raises BadInput when it was never submitted to such a place."""
    found = _submissions(store, study_name, local=local)
    if not found:
        raise BadInput(
            "never submitted " + ("on this machine" if local else "to a cluster"),
            where=store.url,
            got=repr(study_name),
            expected="the name of a submitted study" + "".join(f", {name}" for name in names(store)[:5]),
            remedy="`polyglot submit STUDY`, with the same profile and more than its data, does",
        )
    return _unmarked(found[-1])


def _submissions(store: Store, study_name: str, *, local: bool) -> list[str]:
    """The paths of a study's submissions and their marks, the oldest first."""
    return [path for _, path in _named(store, study_name, "local-order-" if local else "order-")]


def all_submissions(store: Store, study_name: str) -> list[tuple[datetime, str]]:
    """(time, path) of whatever was submitted under a name and wherever it ran, the newest first; [] for none."""
    found = _named(store, study_name, "order-", "local-order-", "data-order-", "local-data-order-")
    newest = {_unmarked(path): time for time, path in found}
    return sorted(((time, path) for path, time in newest.items()), reverse=True)


def locks(store: Store, study_name: str) -> Iterator[Json]:
    """Yield the documents of the locks that a study was submitted with, the newest first. Raises Corrupt."""
    for _, path in reversed(_named(store, study_name, "lock.json")):
        yield _read_json(store, path)


def submitted_files(store: Store, path: str) -> tuple[bytes, Json]:
    """The study file and the lock that belong to the submission at a path."""
    folder = path.rpartition("/")[0]
    return store.read(f"{folder}/study.yaml"), _read_json(store, f"{folder}/lock.json")


def _unmarked(path: str) -> str:
    """The path of the submission that a path, its own or a mark's, stands for."""
    return path.partition(_AGAIN)[0]


def first_submitted(store: Store, study_name: str) -> datetime:
    """Return when a study was first submitted that nights may go by, by the store's clock. Raises Missing."""
    found = _named(store, study_name, "order-", "local-order-")
    if not found:
        alone = ", its data alone were" if _named(store, study_name, "plan-") else ""
        raise Missing(f"{store.url}: no study {study_name!r} was submitted{alone}")
    return found[0][0]


def names(store: Store) -> list[str]:
    """Return the names of all studies that were submitted, sorted."""
    return list(store.folders(_ROOT))


def plans(store: Store, study_name: str) -> list[PlanRow]:
    """Return the rows of every plan that was submitted under a name, the oldest plan first; [] for an unknown name."""
    rows: list[PlanRow] = []
    found = _named(store, study_name, "plan-")
    for plan in concurrently(lambda item: _read_json(store, item[1]), found):
        rows.extend(plan if isinstance(plan, list) else [plan])
    return rows


def newest_plan(store: Store, study_name: str) -> tuple[datetime, list[PlanRow]] | None:
    """Return the plan that was first submitted last under a name, and when; None for an unknown name."""
    found = _named(store, study_name, "plan-")
    return (found[-1][0], _read_json(store, found[-1][1])) if found else None


def _read_json(store: Store, path: str) -> Any:
    try:
        return json.loads(store.read(path))
    except ValueError as error:
        raise Corrupt(f"{store.url}: {path}: cannot be read; its bytes were damaged") from error


def _named(store: Store, study_name: str, *starts: str) -> Sequence[tuple[datetime, str]]:
    """(time, path) of a study's files whose own names start in one of these ways, the oldest first."""
    entries = store.list(study_folder(study_name))
    return sorted((entry.modified, entry.path) for entry in entries if entry.path.rpartition("/")[2].startswith(starts))


def study_folder(name: str) -> str:
    """Return `studies/<name>/`. Raises BadInput for what cannot be a study's name."""
    try:
        if "/" in name:
            raise ValueError
        return check_path(f"{_ROOT}{name}") + "/"
    except ValueError:
        raise BadInput(
            "not a study's name", where="study", got=repr(name), expected="ASCII letters, digits, '.', '_', '-'"
        ) from None
