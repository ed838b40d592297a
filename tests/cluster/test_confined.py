"""Fault 30: what a worker can do from inside its container, tried there by a stage of its own."""

import json
from typing import Any

import pytest

from tests.kit.cluster.installation import Installation
from tests.kit.cluster.noop_study import submitted
from tests.kit.graphs import stage

UID = 10001
SCRATCH = ("/work", "/tmp")


@pytest.fixture(scope="module")
def found(installation: Installation) -> dict[str, Any]:
    """What the stage says; see tests/kit/noop_jobs/confined.py."""
    namespace = installation.namespace.name
    study = submitted(installation, [stage("confined", "tries", namespace=namespace)])
    installation.polyglot(*study.drive)
    tried: dict[str, Any] = json.loads(study.text("confined tries"))
    return tried


def test_it_has_no_token_and_no_right(found: dict[str, Any]) -> None:
    assert not found["token"]
    assert set(found["api"].values()) <= {401, 403, 0}, found["api"]
    assert found["kubectl"] is None


def test_it_is_nobody_s_root(found: dict[str, Any]) -> None:
    assert set(found["ids"]) == {UID}
    assert found["capabilities"] == dict.fromkeys(found["capabilities"], 0)
    assert (found["no_new_privileges"], found["seccomp"]) == (1, 2)  # 2: a filter, the runtime's default
    assert found["mount"] == "EPERM"
    assert found["devices"] == []


def test_it_writes_below_its_scratch_and_nowhere_else(found: dict[str, Any]) -> None:
    assert set(SCRATCH) <= set(found["writable"])
    assert [path for path in found["writable"] if not path.startswith(SCRATCH)] == []


def test_it_sees_the_store_s_keys_as_files_and_no_other_secret(found: dict[str, Any]) -> None:
    assert found["secret_files"] == ["store/access-key", "store/secret-key"]
    assert found["secret_file_writable"] == []
    assert found["secrets_in_environment"] == []
    assert found["services_in_environment"] == ["KUBERNETES_SERVICE_HOST"]  # every pod has this one


def test_it_sees_its_own_processes_alone(found: dict[str, Any]) -> None:
    assert 1 in found["processes"]
    assert len(found["processes"]) < 10


def test_its_pod_says_the_same(installation: Installation, found: dict[str, Any]) -> None:
    """No volume with a token, and no other Secret than the store's."""
    del found
    target, name = installation.namespace.target, installation.namespace.name
    (pod,) = target.core.list_namespaced_pod(name, label_selector="polyglot.dev/kind=confined").items
    volumes = target.api.sanitize_for_serialization(pod.spec.volumes)
    assert [volume["secret"]["secretName"] for volume in volumes if "secret" in volume] == ["polyglot-store"]
    assert not [volume for volume in volumes if {"projected", "hostPath", "configMap"} & set(volume)]
    assert not any([pod.spec.host_network, pod.spec.host_pid, pod.spec.host_ipc])
