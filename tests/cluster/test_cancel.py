"""`polyglot cancel` on a cluster: what runs has saved when it returns, and the next submit goes on from there."""

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.core.stage import PlannedStage, Resources
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.client import Client
from polyglot.schedulers.kubernetes.driver import create_driver
from polyglot.schedulers.kubernetes.render.driver import driver_values, render_driver
from polyglot.schedulers.kubernetes.stop import stop_study
from polyglot.study.cluster import Images
from tests.kit.bad_inputs.studies import study_text
from tests.kit.cluster.installation import Installation
from tests.kit.cluster.noop_study import NoopStudy, images_of, submitted
from tests.kit.graphs import MIB, stage
from tests.kit.world import until

STEPS = 150
DRIVER_INSIDE = True  # see the fixture `installation`


def start_driver(study: NoopStudy, *, title: str = "noop", digest12: str = "") -> str:
    """Create a driver as `submit` does, and return its Job's name."""
    submission, installation = study.submission, study.installation
    values = driver_values(
        submission.cluster,
        study=submission.study,
        title=title,
        digest12=digest12 or submission.digest12,
        path=study.path,
        store_url=installation.store_url,
    )
    create_driver(api_of(installation), render_driver(values))
    return values.name


def api_of(installation: Installation) -> Api:
    return Api(Client(installation.namespace.target.api), installation.namespace.name)


def stopped(study: NoopStudy, planned: PlannedStage) -> list[str]:
    """The starts of a stage that ended because they were asked to (exit code 43)."""
    entries = study.installation.store.list(f"{planned.stage.path}/attempts/1/stopped/")
    return [entry.path.rpartition("/")[2] for entry in entries]


@pytest.mark.timeout(300)
def test_a_cancelled_study_has_saved_and_is_gone_on_with(installation: Installation) -> None:
    root = stage("noop", "root", nonce="cancel")
    patient = Resources(memory_bytes=256 * MIB, grace_seconds=60)
    slow = stage("steps", "slow", [root], steps=STEPS, seconds=0.1, nonce="cancel", resources=patient)
    stages = [root, slow, stage("noop", "sink", [slow], nonce="cancel")]
    study = submitted(installation, stages)
    file = installation.folder / "noop.yaml"
    file.write_text(study_text(study="noop"))  # edited since: none of its stages are those that run
    start_driver(study)

    def steps_done() -> int:
        progress = Attempts(installation.store, slow.stage).progress()
        return progress.done if progress else 0

    until(lambda: steps_done() >= 3, 120)
    before = study.results()
    assert set(before) == {"noop root"}
    said = installation.polyglot("cancel", file, "--profile", installation.profile).stderr
    assert not installation.drivers()
    assert [job["name"] for job in study.jobs() if job["name"].startswith("steps")] == []
    assert not [pod for pod in pods(installation) if pod.startswith("steps")]
    assert said.index("stopped driver-noop-") < said.index(f"stopped {slow.name}-r1")  # nothing can start anew
    assert stopped(study, slow) == ["1.json"]
    assert study.results() == before
    nothing = installation.polyglot("cancel", file, "--profile", installation.profile).stderr
    assert "noop.yaml was changed since it was submitted" in nothing
    assert nothing.endswith(f"\nnoop: nothing runs in namespace {installation.namespace.name}\n")

    start_driver(study)
    until(lambda: len(study.results()) == len(stages), 150)
    assert before.items() <= study.results().items()
    assert study.starts() == {"noop root": [1], "steps slow": [2], "noop sink": [1]}
    assert steps_done() == STEPS


def test_a_cancelled_mix_leaves_the_drivers_of_others(installation: Installation) -> None:
    """Their image is nowhere, so that they wait."""
    absent = Images(**images_of(f"polyglot.local/absent@sha256:{'0' * 64}", f"polyglot.local/absent@sha256:{'0' * 64}"))
    study = submitted(installation, [stage("noop", "one", nonce="mix")], images=absent)
    api = api_of(installation)
    english = start_driver(study, title="noop-EN", digest12="0" * 12)
    german = start_driver(study, title="noop-DE", digest12="1" * 12)
    assert list(stop_study(api, "noop", keys=set(), title="noop-EN")) == [english]
    assert api.read_job(english) is None
    assert german in list(stop_study(api, "noop", keys=set()))


def pods(installation: Installation) -> list[str]:
    found = installation.namespace.target.core.list_namespaced_pod(installation.namespace.name).items
    return [pod.metadata.name for pod in found]
