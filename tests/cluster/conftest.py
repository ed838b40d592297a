"""Fixtures of the tests that need a cluster: `make test-cluster`. With KUBECONFIG set they use that one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client

from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.namespace import Namespace, describe, fresh_namespace
from tests.kit.cluster.noop_study import images_of
from tests.kit.cluster.target import Target, noop_reference, target
from tests.kit.world import PATIENCE
from tools.builder import KINDS
from tools.cluster import lifecycle

HERE = Path(__file__).parent
FIRST_START_SECONDS = 3600  # with nothing built yet


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Limits are those of a fast machine, and the first test may have to start the cluster, or even build it."""
    for item in (item for item in items if item.path.is_relative_to(HERE)):
        marker = item.get_closest_marker("timeout")
        seconds = marker.args[0] if marker else float(config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(PATIENCE * seconds), append=False)
    first = next((item for item in items if "cluster" in getattr(item, "fixturenames", ())), None)
    if first is not None:
        first.add_marker(pytest.mark.timeout(FIRST_START_SECONDS), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show pods, events and logs of a failed test's namespace, which is still there."""
    report = yield
    made = getattr(item, "funcargs", {}).get("namespace")
    if report.when == "call" and report.failed and isinstance(made, Namespace):
        report.sections.append((f"namespace {made.name}", describe(made)))
    return report


@pytest.fixture(scope="session")
def cluster() -> Target:
    """The session's cluster. Ours keeps running afterwards: `make cluster-down` ends it."""
    return target()


@pytest.fixture(scope="session")
def kueue(cluster: Target) -> Target:
    """The cluster with Kueue: built and installed in ours, skipped where another has none."""
    if cluster.own:
        lifecycle.up(with_kueue=True)
    elif not any(group.name == "kueue.x-k8s.io" for group in client.ApisApi(cluster.api).get_api_versions().groups):
        pytest.skip("the cluster of KUBECONFIG has no Kueue")
    return cluster


@pytest.fixture(scope="session")
def images(cluster: Target) -> dict[str, str]:
    """Kind -> reference of the images that the shell names, else of ours, built from this checkout as it is."""
    named = {kind: os.environ.get(f"POLYGLOT_TEST_{kind.upper()}_IMAGE") for kind in KINDS}
    if None in named.values():
        if cluster.own:
            return lifecycle.build_images()
        pytest.skip(
            "no images were named for the cluster of KUBECONFIG: POLYGLOT_TEST_{CONTROLLER,WORKER,TRAINER}_IMAGE"
        )
    return {kind: reference for kind, reference in named.items() if reference}


@pytest.fixture(scope="session")
def noop_images(cluster: Target) -> dict[str, str]:
    """Kind -> reference of images whose stages do nothing. Drivers run on this machine."""
    return images_of(noop_reference(cluster))


@pytest.fixture(scope="module")
def installation(
    request: pytest.FixtureRequest,
    cluster: Target,
    noop_images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """Polyglot installed for one module, with stages that do nothing. Drivers run on this machine, and in the cluster
    too where the module says DRIVER_INSIDE = True.
    """
    inside = getattr(request.module, "DRIVER_INSIDE", False)
    controller = request.getfixturevalue("images")["controller"] if inside else ""
    with installed(cluster, images_of(noop_images["worker"], controller), tmp_path_factory.mktemp("installed")) as made:
        yield made


@pytest.fixture
def namespace(cluster: Target) -> Iterator[Namespace]:
    """A namespace that no other test uses."""
    with fresh_namespace(cluster) as made:
        yield made
