"""Two workers of one training: they meet, train as one, end together, and go on from the checkpoint after a loss."""

import os
import signal
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.store.locate import open_store
from tests.kit.container import Container
from tests.kit.ranks import checkpoints, ends, started, steps_done, training, training_record
from tests.kit.world import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LONG = {"steps": 40, "checkpoint_steps": 2}


def log_of(one: Container, rank: int) -> str:
    attempts = Attempts(open_store(one.store_url), one.planned.stage, rank=rank)
    return b"".join(attempts.log(one.number)).decode()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """A training that two ranks have finished."""
    one = training(tmp_path_factory.mktemp("undisturbed"), **LONG)
    with started(one, 2) as ranks:
        assert ends(ranks) == [0, 0]
    return one


class TestWhole:
    def test_the_first_speaks_for_all_and_each_has_a_log_of_its_own(self, undisturbed: Container) -> None:
        assert undisturbed.manifest is not None
        assert undisturbed.manifest.execution["world_size"] == 2
        assert undisturbed.attempts.starts(1) == 1  # the other counts its own
        assert "rank 0 of 2" in log_of(undisturbed, 0)
        assert "rank 1 of 2" in log_of(undisturbed, 1)
        assert "committed as" in log_of(undisturbed, 0)
        assert "committed as" not in log_of(undisturbed, 1)

    def test_two_ranks_have_nearly_the_loss_of_one(self, undisturbed: Container, tmp_path: Path) -> None:
        alone = training(tmp_path / "alone", **LONG)
        assert alone.run()[0] == 0
        found, expected = training_record(undisturbed)["loss"], training_record(alone)["loss"]
        assert found[:10] == pytest.approx(expected[:10], rel=1e-5)
        assert found == pytest.approx(expected, rel=1e-3)  # rounding grows with the steps

    def test_a_rank_that_comes_when_all_is_done_finds_so(self, tmp_path: Path) -> None:
        one = training(tmp_path)
        assert one.run()[0] == 0
        with started(one, 2) as ranks:
            assert ends(ranks) == [0, 0]

    def test_no_rank_ends_well_before_the_manifest(self, tmp_path: Path) -> None:
        one, hold = training(tmp_path), tmp_path / "hold"
        with started(one, 2, {0: {"POLYGLOT_HOLD": f"train:blobs:{hold}"}}) as ranks:
            until(lambda: Path(f"{hold}.reached").exists(), 120)
            until(lambda: "waiting for the first rank's manifest" in log_of(one, 1), 30)
            assert ranks[1][1].poll() is None
            hold.touch()
            assert ends(ranks) == [0, 0]


class TestLoss:
    def test_a_rank_is_killed_and_both_go_on_from_the_checkpoint(self, undisturbed: Container, tmp_path: Path) -> None:
        one = training(tmp_path, **LONG)
        with started(one, 2) as ranks:
            until(lambda: checkpoints(one) >= 2, 120)
            os.kill(ranks[1][0].worker(ranks[1][1]), signal.SIGKILL)
            assert ends(ranks) == [1, 137]  # nobody told the first one to stop within ten seconds
        assert one.manifest is None
        with started(one, 2) as ranks:
            assert ends(ranks) == [0, 0]
        assert one.manifest is not None
        assert one.manifest.volatile["resumed_from_step"] >= 2
        assert undisturbed.manifest is not None
        assert one.manifest.result == undisturbed.manifest.result

    def test_a_survivor_that_is_told_to_stop_ends_with_43(self, tmp_path: Path) -> None:
        one = training(tmp_path, steps=400, checkpoint_steps=2)
        with started(one, 2) as ranks:
            until(lambda: checkpoints(one) >= 1, 120)
            os.kill(ranks[0][0].worker(ranks[0][1]), signal.SIGKILL)
            until(lambda: "rank 1 failed" in log_of(one, 1), 60)
            ranks[1][1].send_signal(signal.SIGTERM)
            assert ends(ranks) == [137, 43]
        assert one.attempts.failure(1) is None  # the driver records what became of the rank that was lost


class TestStop:
    def test_all_stop_together_with_43_although_only_one_is_told(self, tmp_path: Path) -> None:
        one = training(tmp_path, steps=2000)
        with started(one, 2) as ranks:
            until(lambda: steps_done(one) >= 1, 120)
            ranks[1][1].send_signal(signal.SIGTERM)
            assert ends(ranks) == [43, 43]
        assert checkpoints(one) == 1

    @pytest.mark.parametrize("present", [0, 1])
    def test_while_it_waits_for_a_rank_that_does_not_come(self, tmp_path: Path, present: int) -> None:
        one = training(tmp_path)
        absent = {1 - present: {"POLYGLOT_HOLD": f"train:inputs:{tmp_path}/hold"}}
        with started(one, 2, absent) as ranks:
            until(lambda: Path(f"{tmp_path}/hold.reached").exists(), 60)
            until(lambda: "waiting for" in log_of(one, present), 120)
            ranks[present][1].send_signal(signal.SIGTERM)
            until(lambda: ranks[present][1].poll() is not None, 60)  # long before the wait for a rank is over
            assert ranks[present][1].returncode == 43
