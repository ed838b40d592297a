"""Fault 12: a driver is killed at every named step, is doubled, is deleted; nothing is lost, and nothing done twice.

The stages do nothing, so that the driver is what is tested: tests/kit/noop_jobs in the worker's image.
"""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.stage import PlannedStage
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.client import Client
from polyglot.schedulers.kubernetes.driver import create_driver
from polyglot.schedulers.kubernetes.render.driver import driver_values, render_driver
from tests.kit.cluster.api_proxy import api_proxy
from tests.kit.cluster.installation import DRIVER, ROOT, Installation, installed
from tests.kit.cluster.noop_study import NoopStudy, images_of, submitted
from tests.kit.cluster.target import Target
from tests.kit.graphs import chain, fan, stage
from tests.kit.world import World, end, exit_code, until

SEED = 12
_BEFORE = ["the order is read", "the Jobs are listed", "helm runs", "a stage is ordered", "a Job is rendered"]
_FIRST_RUNS = ["a Job is there already", "a Job is adopted"]
_FAILS = ["a failure is not recorded", "a failure is recorded"]
_LATER = ["an end is seen", "an end is told", "a commit is seen"]
_LAYERS = 6
DRIVER_INSIDE = True  # see the fixture `installation`


def layers(nonce: str, *, root_seconds: float = 0) -> list[PlannedStage]:
    """A root, a stage that dies of SIGKILL once beside it, and layers of two stages that need both before them."""
    root = stage("noop", "root", seconds=root_seconds, nonce=nonce)
    dies = stage("steps", "dies", [root], steps=6, seconds=0.2, dies_after=4, nonce=nonce)
    made, last = [root, dies], [root]
    for i in range(_LAYERS):
        last = [stage("noop", f"{side}{i}", last, nonce=nonce) for side in ("left", "right")]
        made += last
    return [*made, stage("noop", "sink", [*last, dies], nonce=nonce)]


def check_one_of_each(study: NoopStudy, *, attempts: dict[str, int] | None = None) -> None:
    """One Job an attempt, one pod a Job, one start an attempt: nothing lost, nothing twice."""
    wanted = {planned.label: (attempts or {}).get(planned.label, 1) for planned in study.submission.stages}
    assert study.starts() == {label: [1] * number for label, number in wanted.items()}
    jobs = study.jobs()
    names = [
        f"{planned.name}-r{number}"
        for planned in study.submission.stages
        for number in range(1, wanted[planned.label] + 1)
    ]
    assert Counter(job["name"] for job in jobs) == Counter(names)
    assert {job["name"]: job["pods"] for job in jobs} == dict.fromkeys(names, 1)


@pytest.mark.timeout(600)
def test_a_driver_killed_at_every_step_is_gone_on_with_by_the_next(installation: Installation, tmp_path: Path) -> None:
    """Twelve deaths of one study; each command is the same, and the last one ends it."""
    study = submitted(installation, layers("killed", root_seconds=15))
    chance = random.Random(SEED)  # noqa: S311 - spreads the steps
    for step in chance.sample(_BEFORE, len(_BEFORE)):
        assert installation.killed(step, 1, *study.drive), step
        assert study.jobs() == []
    assert installation.killed("a Job is created", 1, *study.drive)
    for step in (*chance.sample(_FIRST_RUNS, len(_FIRST_RUNS)), *_FAILS):
        assert installation.killed(step, 1, *study.drive), step
    for step in chance.sample(_LATER, len(_LATER)):
        assert installation.killed(step, chance.randint(1, 2), *study.drive), step
    uids = {job["name"]: job["uid"] for job in study.jobs()}
    installation.polyglot(*study.drive)
    check_one_of_each(study, attempts={"steps dies": 2})
    assert uids.items() <= {job["name"]: job["uid"] for job in study.jobs()}.items()  # none was made anew

    stages, here = layers("killed", root_seconds=15), World(tmp_path)
    here.run(stages)
    assert study.results() == here.results(stages)


@pytest.mark.timeout(300)
def test_two_drivers_of_one_study_make_one_set_of_jobs(installation: Installation) -> None:
    study = submitted(installation, [*chain(3, nonce="two"), *fan(4, nonce="two")])
    logs = [installation.folder / f"driver-{number}.log" for number in range(2)]
    drivers = [installation.start(*study.drive, log=log) for log in logs]
    assert [exit_code(driver, 240) for driver in drivers] == [0, 0], "\n".join(log.read_text() for log in logs)
    check_one_of_each(study)


@pytest.mark.timeout(300)
def test_a_driver_pod_deleted_while_it_creates_jobs(installation: Installation) -> None:
    """Requests in flight are lost with it; its Job starts another, which finds what was created."""
    stages = fan(12, nonce="deleted")
    study = submitted(installation, stages)
    values = driver_values(
        study.submission.cluster,
        study=study.submission.study,
        title=study.submission.title,
        digest12=study.submission.digest12,
        path=study.path,
        store_url=installation.store_url,
    )
    namespace, core = installation.namespace.name, installation.namespace.target.core
    create_driver(Api(Client(installation.namespace.target.api), namespace), render_driver(values))
    until(lambda: study.jobs(), 60)
    for pod in installation.drivers():
        core.delete_namespaced_pod(pod.metadata.name, namespace, grace_period_seconds=0)
    until(lambda: len(study.results()) == len(stages), 200)
    until(lambda: not installation.drivers(), 30)
    check_one_of_each(study)


@pytest.mark.timeout(300)
def test_an_api_server_that_refuses_forgets_and_loses_replies(installation: Installation, tmp_path: Path) -> None:
    """Faults 12 and 13: 429, a creation whose reply is lost, and every watch too old after its first event."""
    study = submitted(installation, [*chain(2, nonce="proxied"), *fan(3, nonce="proxied")])
    with api_proxy(installation.namespace.target, tmp_path) as proxy:
        proxy.refusals, proxy.lost_replies, proxy.events_a_watch = 3, 2, 1
        environment = {**installation.environment, "KUBECONFIG": str(proxy.kubeconfig)}
        replace(installation, environment=environment).polyglot(*study.drive)
        assert (proxy.done["refusals"], proxy.done["lost_replies"]) == (3, 2)
        assert proxy.done["watches gone"] > len(study.submission.stages)
    check_one_of_each(study)


@pytest.mark.timeout(300)
def test_an_api_server_that_refuses_for_long_is_what_a_stage_waits_for(
    installation: Installation, tmp_path: Path
) -> None:
    """Told within a minute, while the driver goes on to look after its other Jobs."""
    first, waiting = stage("noop", "taken in", seconds=8), stage("noop", "refused", [stage("noop", "before")])
    study = submitted(installation, [stage("noop", "before"), waiting, first])
    with api_proxy(installation.namespace.target, tmp_path) as proxy:
        proxied = replace(installation, environment={**installation.environment, "KUBECONFIG": str(proxy.kubeconfig)})
        driver = proxied.start(*study.drive, log=tmp_path / "driver.log")
        try:
            until(lambda: len(study.jobs()) == 2, 60)
            proxy.refusals = 10**6
            until(lambda: "create job: too many requests" in study.why(waiting.label), 60)
            until(lambda: f"{first.label}: committed" in (tmp_path / "driver.log").read_text(), 30)
            proxy.refusals = 0
            assert exit_code(driver, 60) == 0, (tmp_path / "driver.log").read_text()
        finally:
            end(driver)
    check_one_of_each(study)


@pytest.mark.timeout(300)
def test_a_submission_killed_anywhere_is_made_once(
    cluster: Target, noop_images: dict[str, str], tmp_path: Path
) -> None:
    """Three deaths of `submit`, then two at the same time: one order, one driver. Its image is nowhere, so it waits."""
    absent = f"polyglot.local/absent@sha256:{'0' * 64}"
    with installed(cluster, images_of(noop_images["worker"], absent), tmp_path) as made:
        command = ["submit", ROOT / "studies" / "quickstart.yaml", "--mix", "EN", "--profile", made.profile]
        for step in ("the submission is not kept", "the order is kept", "the driver is created"):
            assert made.killed(step, 1, *command), step
        logs = [tmp_path / f"submit-{number}.log" for number in range(2)]
        submits = [made.start(*command, log=log) for log in logs]
        assert [exit_code(one, 120) for one in submits] == [0, 0], "\n".join(log.read_text() for log in logs)
        assert all("runs already" in log.read_text() for log in logs)
        jobs = cluster.batch.list_namespaced_job(made.namespace.name, label_selector=DRIVER).items
        assert len(jobs) == 1
        assert len([entry for entry in made.store.list("studies/") if "/order-" in entry.path]) == 1
