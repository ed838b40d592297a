"""What keeps a stage from starting, as `polyglot why` tells it, in the cluster's own words (faults 9 and 19)."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polyglot.spec.cluster import Images
from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.noop_study import NoopStudy, images_of, submitted
from tests.kit.cluster.target import Target
from tests.kit.graphs import chain, fan
from tests.kit.world import end, until

_ABSENT = f"polyglot.local/absent@sha256:{'0' * 64}"
_REVOKED = "a-revoked-secret-that-nothing-prints"


@pytest.fixture(scope="module")
def installation(
    cluster: Target, noop_images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with installed(cluster, images_of(noop_images["worker"]), tmp_path_factory.mktemp("start")) as made:
        yield made


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
        assert driver.wait(60) == 1, log.read_text()
    finally:
        end(driver)
    first, *_ = study.why("noop one0").splitlines()
    assert "failed for good: could not start for 10 s" in first
    assert says in first
    assert says in log.read_text()


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
        assert driver.wait(180) == 0, log.read_text()
    finally:
        end(driver)
        core.delete_namespaced_resource_quota("none", name)
    assert study.starts() == {"noop one0": [1]}


def test_a_revoked_key_ends_the_stage_at_once(installation: Installation, log: Path) -> None:
    """Fault 9: permanent with the first pod that has it, a line that says why, and the secret in none of them.

    The worker cannot leave its reason in a store that refuses it, so the line is of its log, which the driver archives.
    """
    core, name = installation.namespace.target.core, installation.namespace.name
    good = core.read_namespaced_secret("polyglot-store", name).data
    study = submitted(installation, chain(12, seconds=1, nonce="revoked"))
    driver = started(study, log)
    try:
        until(lambda: len(study.results()) >= 1, 60)
        core.patch_namespaced_secret("polyglot-store", name, {"stringData": {"secret-key": _REVOKED}})
        assert driver.wait(120) == 1, log.read_text()
    finally:
        end(driver)
        core.patch_namespaced_secret("polyglot-store", name, {"data": good})
    failed = f"noop link{len(study.results())}"
    why = study.why(failed)
    assert f"{failed} failed for good" in why.splitlines()[0]
    assert [line for line in why.splitlines() if "the secret key is not the one of this access key" in line], why
    (job,) = [f"{planned.name}-r1" for planned in study.order.stages if planned.label == failed]
    assert [one["pods"] for one in study.jobs() if one["name"] == job] == [1]
    events = [event.message for event in core.list_namespaced_event(name).items]
    pods = [core.read_namespaced_pod_log(pod.metadata.name, name) for pod in core.list_namespaced_pod(name).items]
    for text in (why, log.read_text(), *pods, json.dumps(events)):
        assert _REVOKED not in text
    study.retry(failed)
    installation.polyglot(*study.drive)
    assert len(study.results()) == 12
