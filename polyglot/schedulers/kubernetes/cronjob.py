"""What a cluster knows of nights: the CronJob that starts them, its Jobs, and which tick a Job was made for."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from polyglot.core.calendar import Calendar, JobState, Run
from polyglot.core.errors import BadInput
from polyglot.core.night import night_name
from polyglot.core.schedule import Schedule
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.documents import condition
from polyglot.schedulers.kubernetes.names import Document
from polyglot.study.cluster import Cluster

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"  # RFC 3339, in the CronJob's own time zone
BY_HAND = "cronjob.kubernetes.io/instantiate"  # what `kubectl create job --from=cronjob/…` writes instead
NIGHTLY = "app.kubernetes.io/component=nightly"


def read_calendar(cluster: Cluster, name: str) -> Calendar | None:
    """What the CronJob of a name and its Jobs say; None when there is no such CronJob."""
    api = Api.connect(cluster.namespace, context=cluster.context)
    document = api.read_cronjob(name)
    return None if document is None else calendar_of(document, api.list("jobs", NIGHTLY, patience_seconds=5)[0])


def calendar_of(cronjob: Document, jobs: Sequence[Document]) -> Calendar:
    """The same, from the documents. Raises BadInput for a schedule that is none of ours."""
    spec, status = cronjob["spec"], cronjob.get("status", {})
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    deadline = spec.get("startingDeadlineSeconds")
    return Calendar(
        name=f"cronjob {cronjob['metadata']['name']}",
        schedule=Schedule(spec["schedule"], spec.get("timeZone") or "Etc/UTC"),
        deadline_seconds=None if deadline is None else float(deadline),
        suspended=bool(spec.get("suspend")),
        created=datetime.fromisoformat(cronjob["metadata"]["creationTimestamp"]),
        last=datetime.fromisoformat(status["lastScheduleTime"]) if status.get("lastScheduleTime") else None,
        arguments=tuple(pod["containers"][0].get("args", ())),
        runs=_runs(jobs),
    )


def tick_of_own_job(cluster: Cluster | None) -> str:
    """The name of the night for which this Job was made. Raises BadInput outside of a Job of a CronJob."""
    name = os.environ.get("POLYGLOT_JOB", "")
    job = Api.connect(cluster.namespace).read_job(name) if name and cluster is not None else None
    tick = tick_of(job) if job is not None else ""
    if not tick:
        raise BadInput(
            "there is no tick to name the evaluation after",
            where=f"job {name}" if name else "reevaluate",
            expected=f"a Job of a CronJob, with the annotation {SCHEDULED}",
            remedy="Outside of one, name it: --night 2026-01-31",
        )
    return tick


def tick_of(job: Document) -> str:
    """The name of the night of a Job: when it was due; when it was made, for one that a person made; else ""."""
    annotations: Mapping[str, str] = job["metadata"].get("annotations") or {}
    due = annotations.get(SCHEDULED, "")
    if not due and BY_HAND in annotations:
        due = job["metadata"]["creationTimestamp"]
    return night_name(due) if due else ""


def _runs(jobs: Sequence[Document]) -> dict[str, Run]:
    """The Jobs by their night; of several of one night the one that runs, else one that ended well."""
    found: dict[str, Run] = {}
    for job in jobs:
        failed = condition(job, "Failed")
        state = JobState.FAILED if failed else JobState.COMPLETE if condition(job, "Complete") else JobState.ACTIVE
        reason = f"{failed.get('reason', '')}: {failed.get('message', '')}".strip(": ") if failed else ""
        run = Run(job=job["metadata"]["name"], state=state, reason=reason)
        night = tick_of(job)
        if night and (night not in found or found[night].state > run.state):
            found[night] = run
    return found
