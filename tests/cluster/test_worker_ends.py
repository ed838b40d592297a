"""How a worker ends of its own accord on a cluster: over its memory, by a bug, refused by its store (faults 17, 18 and
9), without an input.

`polyglot why` gives the reason in its first line, whether the store could be told it or not.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.attempts.retract import retract
from polyglot.core.stage import PlannedStage, Resources
from polyglot.plan.build import build_plan
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.pool import Pool
from polyglot.study.profile import load_profile
from tests.kit.cluster.installation import ROOT, Installation, installed
from tests.kit.cluster.noop_study import NoopStudy, submitted
from tests.kit.cluster.target import Target
from tests.kit.graphs import MIB, chain, fan, stage
from tests.kit.world import end, exit_code, until

REVOKED = "a-revoked-secret-that-nothing-prints"
SMALL = Resources(memory_bytes=192 * MIB, grace_seconds=5)
STARTS_UNTIL_THE_HINT = [1, 1, 1, 0]  # two new attempts at most; the fourth record is that of giving up
HINT = (
    "failed for good: out of memory in 3 attempts: its peak was at least the 0.75 GiB that it was allowed (OOMKilled); "
    "raise resources.memory of this kind of stage in the profile, or lower its batch size"
)


HUNGRY, BUG = stage("failing", "hungry", how="eat", resources=SMALL), stage("failing", "bug", how="bug")
AFTER, OTHERS = stage("noop", "after", [BUG]), fan(2, nonce="ends")


@pytest.fixture(scope="module")
def study(installation: Installation) -> NoopStudy:
    """A study with two branches that fail and one that does not, run to its end."""
    made = submitted(installation, [HUNGRY, BUG, AFTER, *OTHERS])
    done = installation.polyglot(*made.drive, check=False)
    assert done.returncode == 1, done.stderr
    return made


def ends(installation: Installation, planned: PlannedStage) -> list[Any]:
    """How the workers of a stage ended, as the cluster tells it, one a pod."""
    core, labels = installation.namespace.target.core, f"polyglot.dev/key={planned.key[:12]}"
    pods = core.list_namespaced_pod(installation.namespace.name, label_selector=labels).items
    return [pod.status.container_statuses[0].state.terminated for pod in pods]


class TestMemory:
    """Fault 17."""

    def test_a_worker_over_its_limit_is_given_more_twice_and_the_hint_names_the_peak(
        self, installation: Installation, study: NoopStudy
    ) -> None:
        assert [(one.reason, one.exit_code) for one in ends(installation, HUNGRY)] == [("OOMKilled", 137)] * 3
        assert study.starts()[HUNGRY.label] == STARTS_UNTIL_THE_HINT
        first, *rest = study.why(HUNGRY.label).splitlines()
        assert first == f"{HUNGRY.label} {HINT}"
        given = ["", ", given 0.38 GiB of memory instead of 0.19", ", given 0.75 GiB of memory instead of 0.19"]
        for number, (gib, more) in enumerate(zip(("0.19", "0.38", "0.75"), given, strict=True), 1):
            (line,) = [line for line in rest if line.startswith(f"  attempt {number}{more}: out-of-memory at ")]
            assert f"(peak memory {gib} GiB)" in line

    def test_a_real_training_over_its_limit(self, cluster: Target, images: dict[str, str], tmp_path: Path) -> None:
        """The quickstart's base model, beside a stage that has all the memory that it needs."""
        sections = {"resources": {"base": {"cpus": 1, "memory": "192MiB"}}}
        with installed(cluster, images, tmp_path, sections=sections) as made:
            locked = lock_study(load_study(ROOT / "studies" / "quickstart.yaml"))
            plan = build_plan(locked, load_profile(str(made.profile)), mix="EN")
            base, ingest = plan.find("base tiny"), plan.find("ingest house")
            study = submitted(made, [base, ingest])
            done = made.polyglot(*study.drive)
            assert "it is given 0.38 GiB of memory instead of 0.19" in done.stderr
            reasons = [one.reason for one in ends(made, base)]
            assert sorted(reasons) == ["Completed", *["OOMKilled"] * (len(reasons) - 1)]
            assert len(reasons) > 1
            assert study.results().keys() == {base.label, ingest.label}

    def test_at_the_pool_s_limit_nothing_is_repeated(self, installation: Installation) -> None:
        one = stage("failing", "hungry", how="eat", resources=SMALL, nonce="pool")
        pools = {"default": Pool.model_construct(most_memory_bytes=256 * MIB)}
        study = submitted(installation, [one], pools=pools)
        assert installation.polyglot(*study.drive, check=False).returncode == 1
        assert [end.reason for end in ends(installation, one)] == ["OOMKilled"] * 2
        assert "out of memory with 0.25 GiB, the most that the pool default gives: " in study.why(one.label)


class TestDisk:
    def test_a_worker_that_fills_its_disk_is_given_twice_as_much(self, installation: Installation) -> None:
        """Its Job ignores disruptions, and so would replace the evicted pod for ever."""
        resources = Resources(memory_bytes=256 * MIB, grace_seconds=5, scratch_bytes=64 * MIB)
        one = stage("failing", "full", how="fill", mib=100, resources=resources)
        study = submitted(installation, [one])
        installation.polyglot(*study.drive)
        assert study.starts() == {one.label: [1, 1]}
        why = study.why(one.label)
        assert "attempt 1: out-of-disk at " in why
        assert "attempt 2, given 0.12 GiB of disk instead of 0.06: committed" in why


class TestPermanent:
    """Fault 18."""

    def test_a_bug_has_one_pod_and_a_reason_in_one_line(self, installation: Installation, study: NoopStudy) -> None:
        (job,) = [job for job in study.jobs() if BUG.name in job["name"]]
        assert (job["name"], job["pods"]) == (f"{BUG.name}-r1", 1)
        batch, namespace = installation.namespace.target.batch, installation.namespace.name
        conditions = {one.type: one for one in batch.read_namespaced_job(job["name"], namespace).status.conditions}
        assert conditions["Failed"].reason == "PodFailurePolicy"
        (ended,) = ends(installation, BUG)
        assert ended.exit_code == 42
        assert ended.message.startswith("TypeError: int() argument must be")
        assert study.starts()[BUG.label] == [1]
        assert study.why(BUG.label).splitlines()[0] == f"{BUG.label} failed for good: {ended.message}"

    def test_the_other_branches_finish(self, study: NoopStudy) -> None:
        assert study.results().keys() == {planned.label for planned in OTHERS}
        assert study.starts() | {planned.label: [1] for planned in OTHERS} == study.starts()
        assert study.why(AFTER.label).startswith(f"{AFTER.label} cannot run: needs {BUG.label}, which failed")


def test_an_input_that_is_withdrawn_is_made_again_and_its_reader_after_it(
    installation: Installation, tmp_path: Path
) -> None:
    """The reader's Job ends with its only pod: a new one could find the input no sooner."""
    root, slow = stage("noop", "withdrawn"), stage("noop", "slow", seconds=8)
    reader = stage("noop", "reader", [root, slow])
    installation.polyglot(*submitted(installation, [root]).drive)
    study = submitted(installation, [root, slow, reader])
    driver = installation.start(*study.drive, log=tmp_path / "driver.log")
    try:
        until(lambda: study.starts()[slow.label] == [1], 60)
        retract(installation.store, "noop", root.key, "to see", who="test")
        assert exit_code(driver, 120) == 0, (tmp_path / "driver.log").read_text()
    finally:
        end(driver)
    assert study.text(reader.label) == "reader(withdrawn(),slow())"
    assert study.starts() == {root.label: [2], slow.label: [1], reader.label: [1]}
    assert sum(job["pods"] for job in study.jobs() if reader.name in job["name"]) == 1
    assert "its result was withdrawn; it is made again" in (tmp_path / "driver.log").read_text()
    assert "exit code 45: an input is not committed any more" in study.why(reader.label)


@pytest.mark.timeout(400)
def test_a_revoked_key_ends_the_stage_at_once(installation: Installation, tmp_path: Path) -> None:
    """Fault 9: permanent with the first pod that has it, a first line that says why, and the secret in none of them.

    The store refuses the worker's failure record and its log too, so the line comes by the pod's termination message.
    """
    core, name, log = installation.namespace.target.core, installation.namespace.name, tmp_path / "driver.log"
    good = core.read_namespaced_secret("polyglot-store", name).data
    study = submitted(installation, chain(8, seconds=1, nonce="revoked"))
    driver = installation.start(*study.drive, log=log)
    try:
        until(lambda: len(study.results()) >= 1, 60)
        core.patch_namespaced_secret("polyglot-store", name, {"stringData": {"secret-key": REVOKED}})
        assert exit_code(driver, 120) == 1, log.read_text()
    finally:
        end(driver)
        core.patch_namespaced_secret("polyglot-store", name, {"data": good})
    failed = study.submission.stages[len(study.results())]
    why = study.why(failed.label)
    first, *_ = why.splitlines()
    assert first.startswith(f"{failed.label} failed for good: exit code 42: ")
    assert "the secret key is not the one of this access key" in first
    assert [one["pods"] for one in study.jobs() if failed.name in one["name"]] == [1]
    (ended,) = ends(installation, failed)
    assert "the secret key is not the one of this access key" in ended.message
    events = [event.message for event in core.list_namespaced_event(name).items]
    logs = [core.read_namespaced_pod_log(pod.metadata.name, name) for pod in core.list_namespaced_pod(name).items]
    objects = core.list_namespaced_pod(name).to_dict(), study.jobs()
    for text in (why, log.read_text(), *logs, json.dumps(events), json.dumps(objects, default=str)):
        assert REVOKED not in text
    study.retry(failed.label)
    installation.polyglot(*study.drive)
    assert len(study.results()) == len(study.submission.stages)
    assert {label: counts[-1] for label, counts in study.starts().items()} == dict.fromkeys(study.results(), 1)
