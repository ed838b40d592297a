"""Trainings with several processes a pod: the loss of one process, one result, and the checkpoint after a loss."""

import os
import signal
from pathlib import Path

import pytest

from polyglot.store.committed import committed
from polyglot.study.profile import load_profile
from tests.kit.container import Container
from tests.kit.desk import Desk
from tests.kit.ranks import checkpoints, ends, started, steps_done, training, training_record
from tests.kit.world import alive, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LONG = {"steps": 40, "checkpoint_steps": 2}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """A training by one process."""
    one = training(tmp_path_factory.mktemp("alone"), **LONG)
    assert one.run()[0] == 0
    return one


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """The same by two processes of one pod."""
    one = training(tmp_path_factory.mktemp("pair"), processes=2, **LONG)
    assert one.run()[0] == 0, one.stderr()
    return one


def nearly(one: Container, other: Container) -> bool:
    """Rounding grows with the steps."""
    found, expected = training_record(one)["loss"], training_record(other)["loss"]
    return bool(found[:10] == pytest.approx(expected[:10], rel=1e-5) and found == pytest.approx(expected, rel=1e-3))


class TestWhole:
    def test_two_of_one_pod_have_nearly_the_loss_of_one(self, alone: Container, pair: Container) -> None:
        assert nearly(pair, alone)
        assert pair.manifest is not None
        assert (pair.manifest.execution["world_size"], pair.attempts.starts(1)) == (2, 1)
        log = pair.archived().decode()
        assert log.count("committed as") == 1
        assert "rank 1 | " in log

    def test_so_have_two_pods_of_two(self, alone: Container, tmp_path: Path) -> None:
        one = training(tmp_path, processes=2, **LONG)
        with started(one, 2) as pods:
            assert ends(pods, 300) == [0, 0]
        assert nearly(one, alone)
        assert one.manifest is not None
        assert one.manifest.execution["world_size"] == 4
        assert one.attempts.ranks(1) == [0, 1]


class TestLoss:
    def test_the_first_is_killed_and_all_go_on_from_the_checkpoint(self, pair: Container, tmp_path: Path) -> None:
        """Of one that is not the first, test_ranks and test_group."""
        one = training(tmp_path, processes=2, **LONG)
        with one.started() as process:
            until(lambda: checkpoints(one) >= 2, 300)
            members = one.members(process)
            os.kill(members[0], signal.SIGKILL)
            process.communicate(timeout=60)
            assert process.returncode == 137
        assert "rank 0 was killed by SIGKILL" in one.termination_log.read_text()
        assert not any(map(alive, members))
        assert one.manifest is None
        assert one.run()[0] == 0
        assert one.manifest is not None
        assert pair.manifest is not None
        assert one.manifest.volatile["resumed_from_step"] >= 2
        assert one.manifest.result == pair.manifest.result


class TestStop:
    def test_all_save_together_and_end_with_43(self, tmp_path: Path) -> None:
        one = training(tmp_path, processes=2, steps=2000)
        with one.started() as process:
            until(lambda: steps_done(one) >= 1, 300)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            assert process.returncode == 43
        assert checkpoints(one) == 1
        assert one.attempts.failure(1) is None


def test_a_whole_study_on_this_machine_although_a_rank_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, in a call that lets no other thread of its process say anything."""
    desk = Desk.at(tmp_path, monkeypatch)
    monkeypatch.setenv("POLYGLOT_JOBS_PACKAGE", "tests.kit.hanging_jobs")
    monkeypatch.setenv("POLYGLOT_TEST_HANG", f"1 native 3 {tmp_path}/hung")
    study = desk.one_mix()
    profile = tmp_path / "two.yaml"
    profile.write_text(f"store: {desk.url}\nsettings: {{train: {{processes: 2, hang-seconds: 10}}}}\n")
    assert load_profile(str(profile)).settings["train"]["processes"] == 2
    said = desk.run("submit", study, "--profile", profile, "--out", tmp_path / "out")
    assert said.code == 0, said.err
    (one,) = [one for one in desk.session(study).plan if one.stage.kind == "train"]
    (line,) = [line for line in desk.run("why", one.label, "--store", desk.url).out.splitlines() if "attempt 1" in line]
    assert "transient" in line
    assert ": rank 1 (pod 0, process 1) has given no sign of life for 1" in line
    assert " s, the last from " in line  # what it told within the second before
    assert "; the others wait for it" in line
    assert "<!doctype html>" in Path(said.out.splitlines()[0]).read_text()
    made = committed(desk.store, "train", one.key)
    assert made is not None
    assert (made.execution["world_size"], made.volatile["attempt"]) == (2, 2)
