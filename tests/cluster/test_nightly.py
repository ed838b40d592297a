"""Fault 22: nights on a real cluster. A CronJob that fires, fires twice, fires too late or not at all."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.kit.cluster.installation import installed
from tests.kit.cluster.nightly import ZONE, NoopNightly, nightly_of
from tests.kit.cluster.noop_study import images_of
from tests.kit.cluster.target import Target
from tests.kit.world import until
from tools.cluster import processes
from tools.cluster.shell import ClusterError

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ONCE = {"noop root": [1], "answer model": [1], "report all": [1]}


@pytest.fixture(scope="module")
def nightly(
    cluster: Target, noop_images: dict[str, str], images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NoopNightly]:
    chosen = images_of(noop_images["worker"], images["controller"])
    with installed(cluster, chosen, tmp_path_factory.mktemp("nightly")) as made:
        yield nightly_of(made, images["controller"])


def name(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def states(nightly: NoopNightly, since: datetime) -> dict[str, str]:
    return {row["night"]: row["state"] for row in nightly.nights(since=since)}


@pytest.mark.timeout(300)
def test_a_cronjob_that_fires_evaluates_a_night_under_the_time_it_was_due(nightly: NoopNightly) -> None:
    """Its annotation is written in the CronJob's own time zone; the night is named in UTC."""
    nightly.install("* * * * *")
    until(lambda: nightly.cronjob().status.last_schedule_time, 90)
    nightly.suspend()
    due = nightly.cronjob().status.last_schedule_time
    until(lambda: states(nightly, due).get(name(due)) == "evaluated", 150)
    (row,) = [row for row in nightly.nights(since=due) if row["night"] == name(due)]
    assert (row["report"], nightly.starts(name(due))) == (
        nightly.noop.submission.again(name(due)).stages[-1].key,
        ONCE,
    )
    assert row["due"] == due.astimezone(ZoneInfo(ZONE)).isoformat()
    options = ["--profile", nightly.installation.profile, "--since", due.isoformat()]
    assert "is suspended" in nightly.installation.polyglot("nights", "noop", *options).stderr


@pytest.mark.timeout(300)
def test_a_night_that_fires_twice_is_evaluated_once_and_one_that_does_not_was_missed(nightly: NoopNightly) -> None:
    """Three Jobs of the CronJob's template with given ticks, one of them twice, and no Job for a fourth tick."""
    nightly.install("0 * * * *", suspend=True)
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    first, second, missed = last - 3 * HOUR, last - 2 * HOUR, last - HOUR
    nightly.fire("one", name(first))
    nightly.fire("two", name(second))
    nightly.fire("two-again", (second.astimezone(UTC) + HOUR).strftime("%Y-%m-%dT%H:%M:%S+01:00"))
    nightly.fire("last", name(last))
    jobs = ("one", "two", "two-again", "last")
    until(lambda: nightly.ended(*jobs), 240)
    assert nightly.ended(*jobs) == dict.fromkeys(jobs, "Complete")
    seen = states(nightly, first)
    ended = {night for night, state in seen.items() if state == "evaluated" and night <= name(last)}
    assert ended == {name(first), name(second), name(last)}
    assert [nightly.starts(name(tick)) for tick in (first, second, last)] == [ONCE] * 3
    assert seen[name(missed)] == ("suspended" if nightly.cronjob().status.last_schedule_time is None else "missed")


def test_a_zone_that_is_not_there_is_refused_by_the_cluster(nightly: NoopNightly) -> None:
    with pytest.raises(ClusterError, match="unknown time zone"):
        nightly.install("0 2 * * *", zone="Europe/Nowhere")


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_tick_that_passes_while_no_controller_runs_was_missed(nightly: NoopNightly) -> None:
    """The controller manager comes back too late for it, and goes on with the next one."""
    if not nightly.installation.namespace.target.own:
        pytest.skip("stops a daemon of our own cluster")
    nightly.install("* * * * *", suspend=True)
    processes.stop("kube-controller-manager")
    try:
        nightly.install("* * * * *", startingDeadlineSeconds=10)
        tick = datetime.now(UTC).replace(second=0, microsecond=0) + MINUTE
        while datetime.now(UTC) < tick + timedelta(seconds=11):
            time.sleep(0.2)
        assert states(nightly, tick)[name(tick)] == "missed"
    finally:
        processes.start_again("kube-controller-manager")
    until(lambda: states(nightly, tick).get(name(tick + MINUTE)) == "evaluated", 150)
    nightly.suspend()
    said = nightly.installation.polyglot(
        *("nights", "noop", "--profile", nightly.installation.profile, "--since", tick.isoformat(), "--check"),
        check=False,
    )
    assert said.returncode == 1
    assert f"{name(tick)} missed" in said.stderr.splitlines()[-1]
