"""What this room calls things: the API's documents, and what the charts write on each Job and pod (`render.values`)."""

import re
from typing import Any

from polyglot.core.slug import slug

Document = dict[str, Any]  # an object of the API, as its JSON

KEY = "polyglot.dev/key"  # annotation: the stage's whole key
TITLE = "polyglot.dev/title"  # annotation of a driver: the study and the mix that it was narrowed to
MANAGED = "app.kubernetes.io/managed-by=polyglot"  # label selector
DRIVERS = "polyglot.dev/kind=driver"  # label selector
JOB_NAME = "batch.kubernetes.io/job-name"  # label that Kubernetes writes on a Job's pods
RANK = "batch.kubernetes.io/job-completion-index"  # annotation that Kubernetes writes on the pods of an Indexed Job
QUEUE = "kueue.x-k8s.io/queue-name"  # label of a Job that Kueue shall start
WORKLOAD = re.compile(r"job-(.+)-[0-9a-f]{5}")  # what Kueue calls its own object of a Job


def drivers_of(study: str) -> str:
    """The label selector of a study's drivers."""
    return f"polyglot.dev/study={slug(study)},app.kubernetes.io/component=driver"
