"""Fault 30: drivers and workers have the rights that they use and no other, as the API server itself says it.

tests/cluster/golden/rights.txt lists them: read its diff like one of code.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.noop_study import images_of
from tests.kit.cluster.rights import listed, may
from tests.kit.cluster.target import Target

GOLDEN = Path(__file__).parent / "golden" / "rights.txt"
NOWHERE = images_of(f"polyglot.local/absent@sha256:{'0' * 64}")  # nothing runs
DRIVER, WORKER = "polyglot-driver", "polyglot-worker"

READ, WRITE = ("get", "list", "watch"), ("create", "update", "patch", "delete", "deletecollection")
SECRETS = [f"{verb} {what}" for verb, what in product((*READ, *WRITE), ("secrets", "configmaps"))]
INTO_PODS = [f"create pods/{what}" for what in ("exec", "attach", "portforward", "proxy", "eviction", "binding")]
MORE_POWER = [
    *("create serviceaccounts", "create serviceaccounts/token", "impersonate serviceaccounts", "impersonate users"),
    *(f"{verb} roles.rbac.authorization.k8s.io" for verb in (*READ, *WRITE, "bind", "escalate")),
    *(f"{verb} rolebindings.rbac.authorization.k8s.io" for verb in (*READ, *WRITE)),
    *("create clusterrolebindings.rbac.authorization.k8s.io", "approve certificatesigningrequests.certificates.k8s.io"),
]
OTHER_WORK = [
    *("create pods", "update pods", "patch pods", "deletecollection pods", "patch pods/ephemeralcontainers"),
    *(f"create {what}.apps" for what in ("deployments", "daemonsets", "statefulsets", "replicasets")),
    *(f"{verb} cronjobs.batch" for verb in (*READ, *WRITE)),
    *("create services", "create persistentvolumeclaims", "patch networkpolicies.networking.k8s.io"),
    *("delete networkpolicies.networking.k8s.io", "patch resourcequotas", "create workloads.kueue.x-k8s.io"),
]
CLUSTER = [
    *(f"{verb} namespaces" for verb in (*READ, *WRITE)),
    *(f"{verb} nodes" for verb in (*READ, "patch", "delete")),
    *("get nodes/proxy", "list persistentvolumes", "create customresourcedefinitions.apiextensions.k8s.io"),
    *("patch mutatingwebhookconfigurations.admissionregistration.k8s.io", "create priorityclasses.scheduling.k8s.io"),
]
DRIVERS = [
    *(f"{verb} jobs.batch" for verb in ("create", "get", "list", "watch", "delete")),
    *("list pods", "watch pods", "delete pods", "get pods/log"),
    *("list events", "watch events", "create events"),  # of a night that found a change
]
CHANGES = ["update jobs.batch", "patch jobs.batch", "deletecollection jobs.batch", "patch jobs.batch/status"]


@pytest.fixture(scope="module")
def installation(cluster: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(cluster, NOWHERE, tmp_path_factory.mktemp("rights")) as made:
        yield made


def sections(text: str) -> dict[str, list[str]]:
    """The lines below each `[name]`, comments left out."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = []
        elif line and not line.startswith("#"):
            list(found.values())[-1].append(line)
    return found


def test_the_rights_are_the_golden_ones(installation: Installation) -> None:
    """What every account of the cluster has is listed too: it differs by cluster, and is compared on our own alone."""
    namespace, target = installation.namespace.name, installation.namespace.target
    everybody = listed(target, namespace, "default")
    found = {
        "every account": sorted(everybody),
        DRIVER: sorted(listed(target, namespace, DRIVER) - everybody),
        WORKER: sorted(listed(target, namespace, WORKER) - everybody),
    }
    golden = sections(GOLDEN.read_text(encoding="utf-8"))
    if not target.own:
        del found["every account"], golden["every account"]
    assert found == golden, "\n".join(f"[{name}]\n" + "\n".join(lines) for name, lines in found.items())


def test_a_driver_may_do_its_work(installation: Installation) -> None:
    """And every other answer below is the API server's, not one that it would give to everything."""
    namespace, target = installation.namespace.name, installation.namespace.target
    assert [right for right in DRIVERS if not may(target, namespace, DRIVER, right)] == []


@pytest.mark.parametrize(
    ("account", "rights"),
    [
        (DRIVER, [*SECRETS, *INTO_PODS, *MORE_POWER, *OTHER_WORK, *CHANGES, "get pods", "patch events"]),
        (WORKER, [*SECRETS, *INTO_PODS, *MORE_POWER, *OTHER_WORK, *CHANGES, *DRIVERS, "get pods", "patch events"]),
    ],
    ids=[DRIVER, WORKER],
)
def test_what_is_nobody_s_work_is_denied(installation: Installation, account: str, rights: list[str]) -> None:
    namespace, target = installation.namespace.name, installation.namespace.target
    assert [right for right in rights if may(target, namespace, account, right)] == []
    assert not may(target, namespace, account, "get secrets", name="polyglot-store")
    assert not may(target, namespace, account, "create serviceaccounts/token", name=account)


@pytest.mark.parametrize("account", [DRIVER, WORKER])
@pytest.mark.parametrize("where", ["default", "kube-system", ""])
def test_nothing_is_allowed_outside_the_namespace(installation: Installation, account: str, where: str) -> None:
    namespace, target = installation.namespace.name, installation.namespace.target
    rights = [*SECRETS, *DRIVERS, *CHANGES, *MORE_POWER, *(CLUSTER if not where else [])]
    assert [right for right in rights if may(target, namespace, account, right, where=where)] == []
