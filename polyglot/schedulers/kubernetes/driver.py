"""The driver's Job: created once a submission, and how to follow it."""

import time
from collections.abc import Sequence

from polyglot.core.errors import TimedOut
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.documents import terminated
from polyglot.schedulers.kubernetes.names import Document
from polyglot.schedulers.kubernetes.render.driver import DriverValues
from polyglot.schedulers.kubernetes.states import is_over

_PATIENCE_SECONDS = 60.0


def create_driver(api: Api, manifest: Document) -> bool:
    """Create a driver's Job; False when one of the same submission runs. One that has ended makes room."""
    name = manifest["metadata"]["name"]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not api.create_job(manifest):
        existing = api.read_job(name)
        if existing is not None and not existing["metadata"].get("deletionTimestamp"):
            if not is_over(existing):
                return False
            api.delete_job(name, uid=existing["metadata"]["uid"], foreground=False)
        if time.monotonic() > deadline:
            raise TimedOut(f"the ended driver {name} does not go away; delete its Job")
        time.sleep(0.5)
    return True


def out_of_memory(pods: Sequence[Document]) -> list[str]:
    """A line for each driver that was killed for its memory: another one went on, with the same memory."""
    return [
        f"the driver {pod['metadata']['name']} ran out of its memory (OOMKilled); raise kubernetes.driver-memory of "
        "the profile and submit again"
        for pod, end in terminated(pods)
        if end.get("reason") == "OOMKilled"
    ]


def how_to_follow(driver: DriverValues) -> Sequence[str]:
    """Lines for people who have just submitted."""
    study = driver.annotations["polyglot.dev/study"]
    labels = f"polyglot.dev/study={driver.labels['polyglot.dev/study']},polyglot.dev/kind=train"
    return (
        "this machine is no longer needed; to follow:",
        f"  kubectl -n {driver.namespace} logs -f job/{driver.name}",
        f"  kubectl -n {driver.namespace} logs -f -l {labels} --prefix --max-log-requests=64 --tail=-1",
        f"  polyglot watch, status, logs -f and report, each with {study} and the same profile",
    )
