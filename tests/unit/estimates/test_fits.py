"""What cannot fit is refused with the smallest that does; what fits gets its estimate and a quarter."""

from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.estimates.estimate import Estimated
from polyglot.estimates.fits import CapacityOf, check_fits, sized
from polyglot.kinds.forecast import Forecast
from polyglot.kinds.kind import GIB
from polyglot.schedulers.base import Capacity
from polyglot.study.profile import load_profile
from tests.kit import estimates
from tests.kit.stages import stage

H100 = "gpu: {device: h100, most-memory: 200GiB}, big: {}"


def lines_of(session: estimates.Session) -> list[str]:
    with pytest.raises(BadInput) as caught:
        check_fits(session.estimated, session.profile, session.site.capacity)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


class TestGpus:
    def test_seven_billion_parameters_are_refused_on_one_of_80_gb_with_the_smallest_that_does(
        self, tmp_path: Path
    ) -> None:
        (line,) = lines_of(estimates.seven(tmp_path, estimates.cluster(H100)))
        assert line.startswith("train mistral/bactrian/EN/s0 and 1 more: it needs 12")
        assert "weights 40.5 GiB, gradients 27.0 GiB, optimiser 54.0 GiB, activations" in line  # 6, 4 and 8 bytes each
        assert "of a GPU by its estimate, and H100 has 79.6 GiB. The smallest that does is H200, with 140.4 GiB" in line
        assert line.endswith(
            "With `recompute: true` and 2 processes (ranks x gpus) it needs 59.2 GiB"
        )  # on one it would not do

    def test_what_a_gpu_holds_at_once_is_halved_until_it_fits(self, tmp_path: Path) -> None:
        session = estimates.seven(tmp_path, estimates.cluster(H100.replace("h100", "h200")))
        check_fits(session.estimated, session.profile, session.site.capacity)
        held = {row.planned.label: row for row in session.estimated}
        training = held["train mistral/bactrian/EN/s0"]
        assert training.planned.settings["micro_batch_tokens"] in (1024, 2048)
        assert (training.forecast.memory_bytes or 0) < 140.4 * GIB
        assert held["answer mistral/bactrian/EN/s0"].planned.settings["batch_size"] == 256  # short answers: it fits

    def test_a_gpu_without_a_name_is_refused_nothing(self, tmp_path: Path) -> None:
        session = estimates.seven(tmp_path, estimates.cluster("gpu: {}, big: {}"))
        check_fits(session.estimated, session.profile, session.site.capacity)
        training = next(row for row in session.estimated if row.planned.stage.kind == "train")
        assert training.forecast.seconds is None
        assert training.forecast.lacking == ("the GPU's name: write `device:` into the profile or its pool",)

    def test_the_machine_beside_it_holds_a_checkpoint(self, tmp_path: Path) -> None:
        pools = "gpu: {device: h200, most-memory: 24GiB}, big: {most-memory: 64GiB}"
        (line,) = lines_of(estimates.seven(tmp_path, estimates.cluster(pools)))
        assert line.startswith("train mistral/bactrian/EN/s0 and 1 more: it needs")
        assert "it needs 30.0 GiB of memory by its estimate, and the pool gpu gives 24.0 GiB" in line
        assert line.endswith("The smallest pool that does is big, with 64.0 GiB")


class TestThisMachine:
    def rows(self, gib: float, kind: str = "train") -> list[Estimated]:
        planned = PlannedStage(stage=stage(kind=kind), label=f"{kind} one")
        return [Estimated(planned=planned, forecast=Forecast(memory={"weights": int(gib * GIB)}))]

    def here(self, gib: float) -> CapacityOf:
        capacity = Capacity(memory_bytes=int(gib * GIB), where="this machine")
        return lambda planned: capacity

    def test_a_stage_gets_a_quarter_more_and_never_more_than_there_is(self) -> None:
        profile = load_profile("local")
        (given,) = sized(self.rows(4), profile, self.here(23))
        assert given.resources.memory_bytes == 5 * GIB
        (given,) = sized(self.rows(20), profile, self.here(23))
        assert given.resources.memory_bytes == 23 * GIB

    def test_what_is_more_than_there_is_is_refused(self) -> None:
        with pytest.raises(BadInput) as caught:
            check_fits(self.rows(24), load_profile("local"), self.here(23))
        assert str(caught.value) == (
            "train one: it needs 24.0 GiB (weights 24.0 GiB) of memory by its estimate, and this machine gives "
            "23.0 GiB. It takes a machine with 24.0 GiB"
        )

    def test_a_setting_that_would_do_is_named(self, tmp_path: Path) -> None:
        rows = self.rows(24)
        for smaller, said in ((20, True), (23.5, False)):
            forecast = replace(
                rows[0].forecast, smaller=(("twice the room", 30 * GIB), ("`recompute: true`", int(smaller * GIB)))
            )
            with pytest.raises(BadInput) as caught:
                check_fits([replace(rows[0], forecast=forecast)], load_profile("local"), self.here(23))
            assert ("With `recompute: true` it needs 20.0 GiB" in str(caught.value)) is said

    def test_a_profile_that_names_the_memory_overrules_the_estimate(self, tmp_path: Path) -> None:
        profile = load_profile(estimates.profile_of(tmp_path, "resources: {train: {memory: 3GiB}}\n"))
        rows = self.rows(24)
        check_fits(rows, profile, self.here(23))
        (given,) = sized(rows, profile, self.here(23))
        assert given.resources == rows[0].planned.resources

    def test_the_smallest_pool_that_does_is_named(self, tmp_path: Path) -> None:
        pools = "gpu: {most-memory: 8GiB}, big: {most-memory: 64GiB}, huge: {most-memory: 1TiB}"
        profile = load_profile(estimates.profile_of(tmp_path, estimates.cluster(pools, more="")))
        with pytest.raises(BadInput, match=r"The smallest pool that does is big, with 64\.0 GiB"):
            check_fits(self.rows(24), profile, self.here(8))


def test_a_cluster_gives_the_disk_that_a_checkpoint_needs(tmp_path: Path) -> None:
    session = estimates.seven(tmp_path, estimates.cluster(H100))
    given = {planned.stage.kind: planned.resources.scratch_bytes for planned in session.stages}
    assert given["train"] > 16 * 7.248e9  # the base, the model, and 12 bytes a parameter between
    assert given["judge"] == 0  # the profile's
