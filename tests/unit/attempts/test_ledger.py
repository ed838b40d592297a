"""Which start did which steps, and which of these are in the result: from what starts left in a store."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.attempts.garbage import collect
from polyglot.attempts.history import History
from polyglot.attempts.ledger import NO_END, STOPPED, ledger
from polyglot.attempts.progress import Progress
from polyglot.attempts.traces import StepGroup
from polyglot.core.errors import StoreError
from polyglot.store.locate import open_store

STAGE = "stages/train/" + "ab" * 32
counts = st.integers(1, 10**9 - 1)
seconds = st.integers(0, 10**9).map(lambda milliseconds: milliseconds / 1000)


@given(counts, counts, seconds, seconds, seconds, seconds)
def test_a_group_is_read_as_it_was_named(
    first: int, more: int, took: float, waited: float, stalled: float, validated: float
) -> None:
    group = StepGroup(
        first=first,
        last=first + more,
        seconds=took,
        data_seconds=waited,
        checkpoint_seconds=stalled,
        validation_seconds=validated,
    )
    assert StepGroup.of_name(group.name) == group


def test_a_share_of_a_group_is_that_of_its_steps() -> None:
    group = StepGroup(first=11, last=20, seconds=1)
    assert group.share(above=0, upto=10) == 0
    assert group.share(above=10, upto=20) == 1
    assert group.share(above=10, upto=13) == pytest.approx(0.3)


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    return Attempts(open_store(f"file://{tmp_path}/store"), STAGE)


def start(attempts: Attempts, n: int, groups: list[tuple[int, int]], *, told: int = 0) -> int:
    """A start that left some groups of steps of a second each, and said how far it was."""
    number = attempts.record_start(n, {"processes": 2})
    for first, last in groups:
        group = StepGroup(first=first, last=last, seconds=last - first + 1)
        attempts.leave(n, number, "steps", group.name, b"rows")
    if told:
        attempts.report_progress(n, number, Progress(done=told, total=100, unit="steps"))
    return number


def test_what_a_start_did_beyond_the_checkpoint_of_the_next_one_is_lost(attempts: Attempts, tmp_path: Path) -> None:
    start(attempts, 1, [(1, 20), (21, 30)], told=34)  # killed: 31 to 34 were never put
    attempts.stop(1, start(attempts, 1, [(21, 40)], told=40))
    attempts.disrupt(1, "pod", "evicted: node pressure")
    start(attempts, 1, [(41, 50)], told=50)
    attempts.fail(1, Failure(outcome="transient", reason="killed by SIGKILL"))
    start(attempts, 2, [(41, 100)], told=100)
    store = open_store(f"file://{tmp_path}/store")
    found = ledger(History(store, STAGE), committed=True)
    assert [(one.after, one.reached, one.kept_steps, one.lost_steps) for one in found] == [
        (0, 34, 20, 14),
        (20, 40, 20, 0),
        (40, 50, 0, 10),
        (40, 100, 60, 0),
    ]
    assert [one.end for one in found] == [
        NO_END,
        "evicted: node pressure",
        "transient: killed by SIGKILL",
        "committed",
    ]
    assert sum(one.kept_steps for one in found) == 100


def test_a_run_that_began_again_kept_nothing_of_the_one_before(attempts: Attempts, tmp_path: Path) -> None:
    attempts.stop(1, start(attempts, 1, [(1, 60)]))
    start(attempts, 2, [(1, 10)])
    first, second = ledger(History(open_store(f"file://{tmp_path}/store"), STAGE), committed=False, running=True)
    assert (first.kept_steps, first.lost_steps, first.end) == (0, 60, STOPPED)
    assert (second.kept_steps, second.end) == (10, "running")


def test_a_start_that_left_no_step_keeps_those_of_the_checkpoint_that_the_next_one_went_on_from(
    attempts: Attempts, tmp_path: Path
) -> None:
    start(attempts, 1, [(1, 30)], told=30)
    start(attempts, 1, [], told=35)
    start(attempts, 1, [(31, 50)])
    found = ledger(History(open_store(f"file://{tmp_path}/store"), STAGE), committed=True)
    assert [one.kept_steps for one in found][::2] == [30, 20]
    assert found[1].groups == ()


def test_a_start_ends_before_the_next_one_begins(attempts: Attempts, tmp_path: Path) -> None:
    start(attempts, 1, [(1, 2)])
    start(attempts, 1, [(3, 4)])
    first, second = History(open_store(f"file://{tmp_path}/store"), STAGE).sessions()
    assert first.began <= first.last_sign < second.began <= second.last_sign


def test_garbage_collection_leaves_the_steps_and_another_s_bytes_are_refused(
    attempts: Attempts, tmp_path: Path
) -> None:
    number = start(attempts, 1, [(1, 2)])
    name = StepGroup(first=1, last=2, seconds=2).name
    collect(open_store(f"file://{tmp_path}/store"), grace_days=0, dry_run=False)
    attempts.leave(1, number, "steps", name, b"rows")
    with pytest.raises(StoreError, match="written by someone else"):
        attempts.leave(1, number, "steps", name, b"other")
