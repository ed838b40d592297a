"""The engine over real workers whose place says that they do not go on: a lost node, as the cluster tells of it."""

from collections.abc import Iterator
from dataclasses import replace

from polyglot.attempts.history import History
from polyglot.engine.engine import run
from polyglot.schedulers.base import Event, Running, Waiting
from polyglot.schedulers.local.scheduler import LocalScheduler
from tests.kit.graphs import chain, stage
from tests.kit.world import QUICK, Recorder, World

SAID = "the node node-2 has not answered since noon"
LIMITS = replace(QUICK, deadline_seconds=30)


class LostNode(LocalScheduler):
    """Starts workers and then says that their node is lost. Their ends are heard when it `returns`, or never."""

    outlives_driver = True
    returns = False
    times = 1  # that each thing is said

    def watch(self, timeout_seconds: float) -> Iterator[Event]:
        for event in super().watch(timeout_seconds):
            if isinstance(event, Running):
                yield event
                yield from [Waiting(attempt=event.attempt, text=SAID)] * self.times
            if self.returns:
                yield event


def scheduler_of(world: World) -> LostNode:
    return LostNode(world.state, warm=False, environment=world.environment(), sample_seconds=0.05)


def test_what_a_worker_on_a_lost_node_commits_is_seen_in_the_store(plain: World) -> None:
    stages, recorder = chain(2, seconds=0.3), Recorder()
    with scheduler_of(plain) as scheduler:
        summary = run(stages, plain.store, scheduler, observer=recorder, limits=LIMITS)
    assert summary.committed == 2
    assert [label for label, _ in recorder.of("committed")] == ["noop link0", "noop link1"]
    assert [plain.attempts(planned).starts(1) for planned in stages] == [1, 1]


def test_a_stage_that_goes_on_is_not_called_stuck_for_longer(plain: World) -> None:
    one = stage("noop", "one", seconds=0.5)
    with scheduler_of(plain) as scheduler:
        scheduler.returns = True
        assert run([one], plain.store, scheduler, limits=LIMITS).committed == 1
    assert len(list(plain.store.list(f"{one.stage.path}/attempts/1/notes/"))) == 2  # that it waits, that it goes on
    assert History(plain.store, one.stage).noted(1) is None


def test_what_is_said_again_is_noted_once(plain: World) -> None:
    one = stage("noop", "one", seconds=0.5)
    with scheduler_of(plain) as scheduler:
        scheduler.times = 3
        assert run([one], plain.store, scheduler, limits=LIMITS).committed == 1
    assert len(list(plain.store.list(f"{one.stage.path}/attempts/1/notes/"))) == 1
