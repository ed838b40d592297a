"""How this room knows its objects again: what the charts write on every Job and pod (see `render.values`)."""

KEY = "polyglot.dev/key"  # annotation: the stage's whole key
MANAGED = "app.kubernetes.io/managed-by=polyglot"  # label selector
JOB_NAME = "batch.kubernetes.io/job-name"  # label that Kubernetes writes on a Job's pods
