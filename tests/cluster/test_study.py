"""A study on the cluster, as its user runs it: the quickstart's real stages in real containers, through S3."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyglot.plan.build import build_plan
from polyglot.store.committed import committed_many
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.profile import load_profile
from tests.kit.cluster.installation import DRIVER, ROOT, Installation, installed
from tests.kit.cluster.target import Target
from tests.kit.world import until

STUDY = ROOT / "studies" / "quickstart.yaml"
MIX = "EN"


@pytest.fixture(scope="module")
def installation(
    cluster: Target, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with installed(cluster, images, tmp_path_factory.mktemp("study")) as made:
        yield made


def results(store: Store) -> dict[str, str]:
    """Result digests of the study's committed stages, by label."""
    plan = build_plan(lock_study(load_study(STUDY)), load_profile("local"), mix=MIX)
    found = committed_many(store, [planned.stage for planned in plan])
    return {planned.label: found[planned.key].result for planned in plan if planned.key in found}


@pytest.mark.timeout(1800)
def test_the_quickstart_runs_although_its_driver_is_deleted_three_times(installation: Installation) -> None:
    """Fault 12: what the driver knew, its successor finds; results equal a run on this machine."""
    options = ["--mix", MIX, "--profile", installation.profile]
    said = installation.polyglot("submit", STUDY, *options).stderr
    assert "this machine is no longer needed" in said
    namespace, core = installation.namespace.name, installation.namespace.target.core
    deleted: set[str] = set()
    store = installation.store
    for wanted in (1, 3, 5):  # stages committed before each blow

        def due(wanted: int = wanted) -> bool:
            time.sleep(0.5)
            return len(results(store)) >= wanted and any(
                pod.status.phase == "Running" and pod.metadata.name not in deleted for pod in installation.drivers()
            )

        until(due, 600)
        victim = next(pod for pod in installation.drivers() if pod.metadata.name not in deleted).metadata.name
        core.delete_namespaced_pod(victim, namespace, grace_period_seconds=1)
        deleted.add(victim)
    followed = installation.polyglot("submit", STUDY, *options, "--attach", "--out", installation.folder / "out")
    assert "runs already" in followed.stderr
    page = Path(followed.stdout.splitlines()[0])
    assert "Judged by the built-in rule-based judge" in page.read_text()
    assert len(deleted) == 3
    here = installation.folder / "here"
    installation.polyglot("submit", STUDY, "--mix", MIX, "--store", here, "--out", installation.folder / "local")
    there, local = results(store), results(open_store(str(here)))
    assert there == local
    for name in ("scores.csv", "contrasts.csv"):
        assert page.with_name(name).read_bytes() == next((installation.folder / "local").rglob(name)).read_bytes()


@pytest.mark.timeout(600)
def test_a_finished_study_is_answered_from_the_store(installation: Installation) -> None:
    options = ["--mix", MIX, "--profile", installation.profile]
    status = installation.polyglot("status", STUDY, *options).stdout
    assert status.count("\tcommitted\t") == len(status.splitlines()) - 1 > 0
    logs = installation.polyglot("logs", STUDY, f"train tiny/house/{MIX}/s0", *options).stdout
    assert "committed as" in logs
    assert "a-secret-of-the-test" not in logs


def drivers_ended(installation: Installation) -> bool:
    namespace = installation.namespace
    jobs = namespace.target.batch.list_namespaced_job(namespace.name, label_selector=DRIVER).items
    return all(any(each.type in ("Complete", "Failed") for each in job.status.conditions or []) for job in jobs)


@pytest.mark.timeout(900)
def test_a_cell_is_made_again_in_the_cluster_with_equal_digests(installation: Installation) -> None:
    """By Jobs into another place of the bucket; the same command compares once they have ended."""
    again = f"{installation.store_url}-again"
    options = ["quickstart#EN/s0", "--profile", installation.profile, "--into", again, "-o", "json"]
    left = installation.polyglot("reproduce", *options)
    assert "the same command compares" in left.stderr
    until(lambda: drivers_ended(installation), 600)
    rows = json.loads(installation.polyglot("reproduce", *options).stdout)
    assert {row["kind"] for row in rows} >= {"base", "train", "answer", "judge"}
    assert [(row["stage"], row["outcome"]) for row in rows] == [(row["stage"], "equal") for row in rows]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ["model", "answers", "verdicts", "data", "questions", "references"])
def test_results_are_taken_out_of_the_cluster_by_a_machine_without_the_studys_files(
    installation: Installation, what: str, tmp_path: Path
) -> None:
    """By the study's name, byte for byte what a run on one machine has."""
    here = installation.folder / "here"
    installation.polyglot("submit", STUDY, "--mix", MIX, "--store", here)  # done, where the test above has run
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    options = ["fetch", "quickstart", what, "--mix", MIX]
    folders = {}
    for name, store in (("there", installation.store_url), ("here", str(here))):
        said = installation.polyglot(*options, "--store", store, "--to", name, folder=elsewhere).stdout
        folders[name] = [elsewhere / line for line in said.splitlines()]  # a folder a result
    assert [each.name for each in folders["there"]] == [each.name for each in folders["here"]] != []
    for there, local in zip(folders["there"], folders["here"], strict=True):
        files = sorted(path.relative_to(there) for path in there.rglob("*") if path.is_file())
        assert files == sorted(path.relative_to(local) for path in local.rglob("*") if path.is_file()) != []
        for file in files:
            assert (there / file).read_bytes() == (local / file).read_bytes(), file
