"""What this room calls things: the API's documents, and what the charts write on each Job and pod (`render.values`)."""

from typing import Any

Document = dict[str, Any]  # an object of the API, as its JSON

KEY = "polyglot.dev/key"  # annotation: the stage's whole key
MANAGED = "app.kubernetes.io/managed-by=polyglot"  # label selector
JOB_NAME = "batch.kubernetes.io/job-name"  # label that Kubernetes writes on a Job's pods
RANK = "batch.kubernetes.io/job-completion-index"  # annotation that Kubernetes writes on the pods of an Indexed Job
