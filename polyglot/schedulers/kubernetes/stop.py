"""Stops what a study has on a cluster: the driver, then the Jobs of its stages, in the foreground."""

import time
from collections.abc import Callable, Iterator, Set

from polyglot.core.errors import TimedOut
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.names import KEY, MANAGED, TITLE, Document, drivers_of
from polyglot.schedulers.kubernetes.states import is_over

_PATIENCE_SECONDS = 600.0


def stop_study(api: Api, study: str, *, keys: Set[str], title: str | None = None) -> Iterator[str]:
    """Delete the drivers of a study, then the Jobs of these keys; yield each name when it is gone.

    `title` narrows the drivers to those of a part of the study. Raises TimedOut when a Job is still there after ten
    minutes: its node may be lost.
    """
    yield from _delete(api, drivers_of(study), lambda job: title in (None, _annotations(job).get(TITLE)))
    stages = f"{MANAGED},app.kubernetes.io/component!=driver"
    yield from _delete(api, stages, lambda job: _annotations(job).get(KEY) in keys)


def _annotations(job: Document) -> Document:
    found: Document = job["metadata"].get("annotations") or {}
    return found


def _delete(api: Api, selector: str, wanted: Callable[[Document], bool]) -> Iterator[str]:
    jobs, _ = api.list("jobs", selector)
    waiting = {job["metadata"]["name"]: job["metadata"]["uid"] for job in jobs if wanted(job) and not is_over(job)}
    for name, uid in waiting.items():
        api.delete_job(name, uid=uid)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while waiting:
        if time.monotonic() > deadline:
            raise TimedOut(f"still there after {_PATIENCE_SECONDS:.0f} s: {', '.join(sorted(waiting))}")
        left = {job["metadata"]["uid"] for job in api.list("jobs", selector)[0]}
        for name in [name for name, uid in waiting.items() if uid not in left]:
            del waiting[name]
            yield name
        time.sleep(0.5 if waiting else 0)
