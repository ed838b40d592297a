"""What keeps a stage from starting, as `polyglot why` tells it, in the cluster's own words (fault 19)."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.stage import Resources
from polyglot.study.cluster import Images
from tests.kit.cluster.installation import Installation
from tests.kit.cluster.noop_study import NoopStudy, submitted
from tests.kit.graphs import MIB, fan, stage
from tests.kit.world import end, exit_code, until

_ABSENT = f"polyglot.local/absent@sha256:{'0' * 64}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "driver.log"


def started(study: NoopStudy, log: Path) -> "subprocess.Popen[bytes]":
    return study.installation.start(*study.drive, log=log)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"images": Images(controller=_ABSENT, worker=_ABSENT, trainer=_ABSENT)}, "polyglot.local/absent@sha256:000"),
        ({"store_secret": "absent"}, 'secret "absent" not found'),
    ],
    ids=["image", "secret"],
)
def test_what_is_missing_is_told_and_ends_the_stage(
    installation: Installation, log: Path, changes: dict[str, Any], says: str
) -> None:
    """Fault 19: the event's text while it waits, and after `pending-deadline` as the reason of the failure."""
    study = submitted(installation, fan(1, nonce=says), pending_deadline_seconds=10, **changes)
    driver = started(study, log)
    try:
        until(lambda: says in study.why("noop one0"), 60)
        assert exit_code(driver, 60) == 1, log.read_text()
    finally:
        end(driver)
    first, *_ = study.why("noop one0").splitlines()
    assert "failed for good: could not start for 10 s" in first
    assert says in first
    assert says in log.read_text()


@pytest.mark.parametrize(
    ("quota", "says"),
    [
        ({}, "Each node that it may go to is too small for it alone"),
        ({"limits.memory": "800Gi"}, "one pod alone asks for more limits.memory than the quota has"),
    ],
    ids=["nodes", "quota"],
)
def test_what_can_never_fit_ends_the_stage(
    installation: Installation, log: Path, quota: dict[str, str], says: str
) -> None:
    core, name = installation.namespace.target.core, installation.namespace.name
    if quota:
        core.create_namespaced_resource_quota(name, {"metadata": {"name": "small"}, "spec": {"hard": quota}})
    huge = stage("noop", "huge", resources=Resources(memory_bytes=900 * 1024 * MIB), nonce=says)
    study = submitted(installation, [huge], pending_deadline_seconds=5)
    try:
        assert installation.polyglot(*study.drive, check=False).returncode == 1
    finally:
        if quota:
            core.delete_namespaced_resource_quota("small", name)
    first, *_ = study.why(huge.label).splitlines()
    assert "failed for good: could not start for 5 s: " in first
    assert says in first


def test_a_job_that_somebody_suspends_names_who_and_goes_on(installation: Installation, log: Path) -> None:
    """And waits for as long as it takes: whoever suspended it can undo that."""
    batch, name = installation.namespace.target.batch, installation.namespace.name
    slow = stage("noop", "held", seconds=4)
    study = submitted(installation, [slow], pending_deadline_seconds=1)
    driver = started(study, log)
    try:
        until(lambda: study.starts()[slow.label], 60)
        patch = {"spec": {"suspend": True}}
        batch.patch_namespaced_job(f"{slow.name}-r1", name, patch, field_manager="somebody")
        until(lambda: "its Job was suspended by somebody at " in study.why(slow.label), 60)
        batch.patch_namespaced_job(f"{slow.name}-r1", name, {"spec": {"suspend": False}})
        assert exit_code(driver, 120) == 0, log.read_text()
    finally:
        end(driver)


def test_an_exhausted_quota_is_told_and_waited_for(installation: Installation, log: Path) -> None:
    """Fault 19, in a `restricted` namespace: no pod is let in until there is room again."""
    core, name = installation.namespace.target.core, installation.namespace.name
    core.create_namespaced_resource_quota(name, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    study = submitted(installation, fan(1, nonce="quota"), pending_deadline_seconds=5)
    driver = started(study, log)
    try:
        until(lambda: "exceeded quota" in study.why("noop one0"), 60)
        assert "is submitted and does not start" in study.why("noop one0")
        assert driver.poll() is None
        core.patch_namespaced_resource_quota("none", name, {"spec": {"hard": {"pods": "9"}}})
        assert exit_code(driver, 180) == 0, log.read_text()
    finally:
        end(driver)
        core.delete_namespaced_resource_quota("none", name)
    assert study.starts() == {"noop one0": [1]}
