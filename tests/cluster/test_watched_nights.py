"""Seven nights a minute apart on a cluster: each change is named with its night, in an Event and to the webhook."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polyglot.kinds.drift import Drift
from tests.kit.cluster import scoring_server
from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.nightly import Nightly
from tests.kit.cluster.pod_server import PodServer
from tests.kit.cluster.target import Target
from tests.kit.watched_nights import NAME, drift_of, shake, watched_study
from tests.kit.world import until

ADDRESS = "/told?token=not-for-everybody"
NIGHTS = 7
JUDGE_SHIFTS, WEIGHTS_CHANGE = 4, 6  # on these nights


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A submitted study whose nights are watched, with its judge and its webhook in the cluster."""

    nightly: Nightly
    judge: PodServer
    hook: PodServer

    @property
    def installation(self) -> Installation:
        return self.nightly.installation

    def evaluate(self, due: datetime, name: str) -> Drift:
        """Run a night by a Job of the CronJob's template, and return what it found."""
        self.nightly.fire(name, night(due))
        until(lambda: self.nightly.ended(name), 400)
        assert self.nightly.ended(name) == {name: "Complete"}, self.log(name)
        return drift_of(self.installation.store, night(due), self.installation.folder / "cache")

    def log(self, job: str) -> str:
        """What a night's Job has said."""
        core, namespace = self.installation.namespace.target.core, self.installation.namespace.name
        pods = core.list_namespaced_pod(namespace, label_selector=f"batch.kubernetes.io/job-name={job}").items
        return "".join(core.read_namespaced_pod_log(pod.metadata.name, namespace) for pod in pods)

    def events(self) -> list[tuple[str, str, str]]:
        """Reason, Job and type of the Events about nights, in their order."""
        core, namespace = self.installation.namespace.target.core, self.installation.namespace.name
        found: list[Any] = [
            event for event in core.list_namespaced_event(namespace).items if event.reason.endswith("Changed")
        ]
        found.sort(key=lambda event: event.involved_object.name)
        return [(event.reason, event.involved_object.name, event.type) for event in found]

    def told(self) -> list[dict[str, str]]:
        """What the webhook was told."""
        lines = self.hook.said().splitlines()
        mark = scoring_server.TOLD
        return [json.loads(line.removeprefix(mark)) for line in lines if line.startswith(mark)]


def night(due: datetime) -> str:
    return f"{due:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def watched(cluster: Target, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    settings = {"base-url": f"http://judge:{scoring_server.PORT}/v1", "concurrency": 8}
    sections = {
        "settings": {"judge": settings},
        "nights": {"webhook-file": "/var/run/polyglot/webhook/url"},
    }
    with installed(cluster, images, tmp_path_factory.mktemp("nights"), sections=sections) as made:
        judge, hook = (
            PodServer(
                installation=made,
                image=images["worker"],
                name=name,
                source=scoring_server.__file__,
                port=scoring_server.PORT,
            )
            for name in ("judge", "hook")
        )
        for server in (judge, hook):
            server.serve()
        secret = {"metadata": {"name": "alarms"}, "stringData": {"url": f"{hook.url}{ADDRESS}"}}
        cluster.core.create_namespaced_secret(made.namespace.name, secret)
        nightly = Nightly(installation=made, study=NAME, image=images["controller"])
        made.polyglot("submit", watched_study(made.folder), "--profile", made.profile, "--attach")
        nightly.install("* * * * *", zone="Etc/UTC", suspend=True, webhookSecret="alarms")
        yield Watched(nightly=nightly, judge=judge, hook=hook)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_seven_nights_name_the_judge_on_the_fourth_and_the_weights_on_the_sixth(watched: Watched) -> None:
    first = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=NIGHTS)
    ticks = [first + timedelta(minutes=number) for number in range(NIGHTS)]
    installation, found = watched.installation, []
    for number, due in enumerate(ticks, 1):
        if number == JUDGE_SHIFTS:
            replace(watched.judge, environment={"SHIFT": "-2"}).start()
        if number == WEIGHTS_CHANGE:
            shake(installation.store, night(ticks[number - 2]), installation.folder)
        found.append(watched.evaluate(due, f"night-{number}"))
    assert [one.verdict for one in found] == ["noise", "noise", "noise", "judge", "noise", "model", "noise"]
    assert [one.before for one in found] == ["", *(night(due) for due in ticks[:-1])]
    judged, weighed = ticks[JUDGE_SHIFTS - 1], ticks[WEIGHTS_CHANGE - 1]
    assert found[JUDGE_SHIFTS - 1].languages[0].difference == pytest.approx(-2, abs=0.35)
    assert [cell.cell for cell in found[WEIGHTS_CHANGE - 1].cells if cell.model_changed] == ["tiny/house/EN/s0"]

    # who is told
    jobs = [f"night-{number}" for number in (JUDGE_SHIFTS, WEIGHTS_CHANGE)]
    assert watched.events() == [("JudgeChanged", jobs[0], "Warning"), ("ModelChanged", jobs[1], "Warning")]
    told = [(one["night"], one["verdict"], one["path"]) for one in watched.told()]
    assert told == [(night(judged), "judge", ADDRESS), (night(weighed), "model", ADDRESS)]
    assert "told the webhook" in watched.log(jobs[0])
    assert "not-for-everybody" not in "".join(watched.log(job) for job in jobs)
    options = ["--profile", installation.profile, "--since", first.isoformat()]
    said = installation.polyglot("nights", NAME, *options, "--check", check=False)
    assert said.returncode == 1
    assert f"2 nights found a change: {night(judged)} judge, {night(weighed)} model" in said.stderr.splitlines()[-1]
