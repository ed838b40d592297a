"""Studies of no-op stages on a cluster: a submission in the store, as `submit` leaves one, and what became of it."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polyglot.attempts.attempts import Attempts
from polyglot.core.canonical import canonical, sha256_bytes
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import Submission
from polyglot.plan.plan import make_plan
from polyglot.store.blobs import blob_path
from polyglot.store.committed import committed, committed_many
from polyglot.store.manifest import Manifest
from polyglot.store.submissions import save_study, save_submission
from polyglot.study.cluster import Cluster
from polyglot.study.profile import load_profile
from tests.kit.cluster.installation import Installation
from tools.builder import KINDS


def images_of(noop: str, controller: str = "") -> dict[str, str]:
    """The images of a profile whose stages do nothing; without a `controller` drivers run on this machine alone."""
    return {**dict.fromkeys(KINDS, noop), **({"controller": controller} if controller else {})}


def cluster_of(installation: Installation) -> Cluster:
    """The cluster of an installation's profile."""
    found = load_profile(str(installation.profile)).cluster
    assert found is not None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NoopStudy:
    """A plan of no-op stages that was submitted to an installation's store."""

    installation: Installation
    submission: Submission
    path: str

    @property
    def drive(self) -> list[str]:
        """The command line that runs it from this machine."""
        return ["drive", self.path, "--store", self.installation.store_url]

    def why(self, label: str) -> str:
        """What `polyglot why` says of a stage."""
        return self.of_stage("why", label).stdout

    def retry(self, label: str) -> None:
        """Let a stage that failed for good run again."""
        self.of_stage("retry", label)

    def of_stage(self, verb: str, label: str) -> "subprocess.CompletedProcess[str]":
        """Run a verb on a stage, which is named by its key: other studies of the store may have its label."""
        (key,) = [planned.key for planned in self.submission.stages if planned.label == label]
        options = ("--store", self.installation.store_url, "--profile", self.installation.profile)
        return self.installation.polyglot(verb, key, *options)

    def results(self) -> dict[str, str]:
        """Result digests of the committed stages, by label."""
        found = committed_many(self.installation.store, [planned.stage for planned in self.submission.stages])
        return {planned.label: found[planned.key].result for planned in self.submission.stages if planned.key in found}

    def manifest(self, label: str) -> Manifest:
        """The manifest of a committed stage."""
        (stage,) = [planned.stage for planned in self.submission.stages if planned.label == label]
        found = committed(self.installation.store, stage.kind, stage.key)
        assert found is not None, f"{label} is not committed"
        return found

    def text(self, label: str) -> str:
        """What a committed stage wrote into its file `text`."""
        record = self.manifest(label).file("text")
        assert record is not None
        return self.installation.store.read(blob_path(record.sha256)).decode()

    def starts(self) -> dict[str, list[int]]:
        """How often workers started on each attempt, by label."""
        store = self.installation.store
        of = {planned.label: Attempts(store, planned.stage) for planned in self.submission.stages}
        return {label: [attempts.starts(number) for number in attempts.numbers()] for label, attempts in of.items()}

    def jobs(self) -> list[Mapping[str, Any]]:
        """The Jobs of its stages, as they are now: name and how many pods each has had."""
        target, namespace = self.installation.namespace.target, self.installation.namespace.name
        keys = {planned.key for planned in self.submission.stages}
        found = target.batch.list_namespaced_job(namespace).items
        return [
            {
                "name": job.metadata.name,
                "uid": job.metadata.uid,
                "pods": (job.status.succeeded or 0) + (job.status.failed or 0) + (job.status.active or 0),
            }
            for job in found
            if (job.metadata.annotations or {}).get("polyglot.dev/key") in keys
        ]


def submitted(
    installation: Installation, stages: Sequence[PlannedStage], *, max_attempts: int = 5, **changes: Any
) -> NoopStudy:
    """Leave plan and submission of these stages in the store; `changes` are fields of the profile's Cluster."""
    plan = make_plan("noop", stages)
    cluster = cluster_of(installation).model_copy(update=changes)
    submission = Submission(
        study=plan.study,
        title=plan.study,
        stages=plan.stages,
        backend="kubernetes",
        cluster=cluster,
        max_attempts=max_attempts,
    )
    rows, store = canonical(plan.document()), installation.store
    digest = sha256_bytes(rows)
    save_study(store, plan.study, digest, study=b"study: noop\n", lock=b"{}", plan=rows)
    return NoopStudy(
        installation=installation,
        submission=submission,
        path=save_submission(store, plan.study, digest, submission.to_json()),
    )
