"""The CronJob of charts/polyglot in an installation: installed with a schedule, fired by hand, held."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubernetes import client

from polyglot.schedulers.kubernetes.cronjob import SCHEDULED
from tests.kit.cluster.installation import Installation
from tests.kit.cluster.noop_study import NoopStudy, submitted
from tests.kit.graphs import stage
from tools.cluster import chart

NAME = "polyglot-nightly"
ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """An installation whose CronJob evaluates one study of this name by this controller's image."""

    installation: Installation
    study: str
    image: str

    def install(self, schedule: str, *, zone: str = ZONE, **values: Any) -> None:
        """Install the chart with this schedule, or change it. Raises ClusterError with what helm says."""
        target = self.installation.namespace.target
        chart.install(
            target.kubeconfig,
            self.installation.namespace.name,
            accounts=False,
            image=self.image,
            imagePullPolicy=target.pull_policy,
            profile={"content": self.installation.profile.read_text()},
            environment={"AWS_ENDPOINT_URL_S3": target.store.inside, "AWS_REGION": "us-east-1"},
            nightly={
                "enabled": True,
                "studies": [self.study],
                "schedule": schedule,
                "timeZone": zone,
                "priorityClassName": "",
                "resources": {"cpu": "100m", "memory": "512Mi"},
                **values,
            },
        )

    @property
    def batch(self) -> client.BatchV1Api:
        return self.installation.namespace.target.batch

    def cronjob(self) -> Any:
        """As it is now."""
        return self.batch.read_namespaced_cron_job(NAME, self.installation.namespace.name)

    def suspend(self) -> None:
        """Let it start no more nights."""
        patch = {"spec": {"suspend": True}}
        self.batch.patch_namespaced_cron_job(NAME, self.installation.namespace.name, patch)

    def fire(self, name: str, due: str) -> None:
        """Make a Job of its template, with the annotation of a tick."""
        spec = self.cronjob().spec.job_template
        made = client.ApiClient().sanitize_for_serialization(spec)
        metadata = {**made["metadata"], "name": name, "annotations": {SCHEDULED: due}}
        body = {"metadata": metadata, "spec": made["spec"]}
        self.batch.create_namespaced_job(self.installation.namespace.name, body)

    def ended(self, *jobs: str) -> dict[str, str]:
        """How these Jobs ended, once all of them have; empty before that."""
        found = {
            job.metadata.name: next(
                (c.type for c in job.status.conditions or [] if c.type in ("Complete", "Failed")), ""
            )
            for job in self.batch.list_namespaced_job(self.installation.namespace.name).items
        }
        return {name: found[name] for name in jobs} if all(found.get(name) for name in jobs) else {}

    def nights(self, *, since: datetime, check: bool = False) -> list[dict[str, Any]]:
        """What `polyglot nights` says since an instant."""
        options = ["--profile", self.installation.profile, "--since", since.isoformat(), "-o", "json"]
        said = self.installation.polyglot("nights", self.study, *options, *(["--check"] if check else []))
        return list(json.loads(said.stdout))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoopNightly(Nightly):
    """One of a study that does nothing: a stage before the answers, the answers, the report."""

    noop: NoopStudy

    def starts(self, night: str) -> dict[str, list[int]]:
        """How often workers started on each stage of a night, by the label that it has by day."""
        submission = self.noop.submission.again(night)
        found = NoopStudy(installation=self.installation, submission=submission, path=self.noop.path).starts()
        return {label.removesuffix(f" @{night}"): starts for label, starts in found.items()}


def nightly_of(installation: Installation, image: str) -> NoopNightly:
    """Submit a study, run it to its end from this machine, and return what evaluates it by this controller's image."""
    root = stage("noop", "root")
    answers = stage("answer", "model", [root], seconds=1)
    study = submitted(installation, [root, answers, stage("report", "all", [answers])])
    installation.polyglot(*study.drive)
    return NoopNightly(installation=installation, study=study.submission.study, image=image, noop=study)
