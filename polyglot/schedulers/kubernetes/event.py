"""An Event that tells a cluster's watchers what a night found."""

from datetime import UTC, datetime

from polyglot.core.canonical import sha256_bytes
from polyglot.schedulers.kubernetes.names import Document

NIGHTLY = "polyglot-nightly"  # the CronJob of charts/polyglot
_LONGEST = 1024  # characters of a message, as the API server has it


def event_about(job_found: Document | None, reason: str, text: str, *, namespace: str, job: str) -> Document:
    """The Event about a night's Job, or about the CronJob. Its name is of its content: told twice, it is one."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    kind, name = ("Job", job) if job_found is not None else ("CronJob", NIGHTLY)
    about = {"apiVersion": "batch/v1", "kind": kind, "name": name, "namespace": namespace}
    if job_found is not None:
        about["uid"] = job_found["metadata"]["uid"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{NIGHTLY}.{sha256_bytes(f'{reason} {text}'.encode())[:16]}", "namespace": namespace},
        "involvedObject": about,
        "reason": reason,
        "message": text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…",
        "type": "Warning",
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": {"component": "polyglot"},
        "reportingComponent": "polyglot",
        "reportingInstance": job or "polyglot",
    }
