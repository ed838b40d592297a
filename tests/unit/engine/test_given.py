"""What the next attempt is given when earlier ones ran out of something."""

import pytest

from polyglot.core.stage import PlannedStage, Resources, Stage
from polyglot.engine.given import Given, given
from polyglot.engine.outcomes import Failed, GiveUp
from polyglot.kinds.registry import KINDS
from polyglot.schedulers.base import Capacity, Outcome

GIB = 2**30
POOL = Capacity(memory_bytes=24 * GIB, where="the pool gpus")


def planned(kind: str = "train", **settings: int) -> PlannedStage:
    return PlannedStage(
        stage=Stage(kind=kind, version=1, params={}),
        label=kind,
        resources=Resources(memory_bytes=4 * GIB, scratch_bytes=10 * GIB),
        settings=settings,
    )


def ran_out(outcome: Outcome, *had: int | None) -> list[Failed]:
    return [Failed(number=n, outcome=outcome, reason=f"reason {n}", had=of) for n, of in enumerate(had, 1)]


def after(outcome: Outcome, *had: int | None, capacity: Capacity = POOL, stage: PlannedStage | None = None) -> Given:
    found = given(stage or planned(), ran_out(outcome, *had), capacity)
    assert isinstance(found, Given)
    return found


class TestMemory:
    def test_as_planned_while_nothing_ran_out(self) -> None:
        assert given(planned(), [], POOL) == Given(planned=planned())
        assert given(planned(), ran_out(Outcome.TRANSIENT, None), POOL) == Given(planned=planned())

    @pytest.mark.parametrize(
        ("had", "capacity", "gib"),
        [
            ((4 * GIB,), POOL, 8),
            ((4 * GIB, 8 * GIB), POOL, 24),  # the last try has all that there is
            ((4 * GIB, 8 * GIB), Capacity(), 16),  # nobody knows what there is
            ((4 * GIB,), Capacity(memory_bytes=6 * GIB), 6),
            ((None,), POOL, 8),  # a record of an older version
            ((1 * GIB,), POOL, 4),  # the profile asks for more by now
            ((3 * GIB,), POOL, 6),
        ],
    )
    def test_the_next_attempt_has_more(self, had: tuple[int | None, ...], capacity: Capacity, gib: int) -> None:
        found = after(Outcome.OUT_OF_MEMORY, *had, capacity=capacity)
        assert found.planned.resources.memory_bytes == gib * GIB
        assert found.text == ("" if gib == 4 else f"{gib}.00 GiB of memory instead of 4.00")
        assert found.planned.settings == {}  # smaller batches would change a CPU's bits

    def test_there_is_no_more(self) -> None:
        found = given(planned(), ran_out(Outcome.OUT_OF_MEMORY, 4 * GIB, 24 * GIB), POOL)
        assert isinstance(found, GiveUp)
        assert found.reason == (
            "out of memory with 24.00 GiB, the most that the pool gpus gives: reason 2; run it where there is more, or "
            "set micro_batch_tokens of train below 16384 in the profile's settings"
        )


class TestDevice:
    @pytest.mark.parametrize(
        ("kind", "settings", "had", "text"),
        [
            ("train", {}, (16384,), "micro_batch_tokens 8192 instead of 16384"),
            ("train", {"micro_batch_tokens": 6000}, (6000, 3000), "micro_batch_tokens 1500 instead of 6000"),
            ("answer", {"batch_size": 256}, (256,), "batch_size 128 instead of 256"),
            ("translate", {}, (32,), "batch_size 16 instead of 32"),
        ],
    )
    def test_the_next_attempt_holds_half_at_once(
        self, kind: str, settings: dict[str, int], had: tuple[int, ...], text: str
    ) -> None:
        found = after(Outcome.OUT_OF_DEVICE_MEMORY, *had, stage=planned(kind, **settings))
        assert found.text == text
        name, size = text.split()[:2]
        assert found.planned.settings == {**settings, name: int(size)}
        assert found.planned.resources == planned().resources

    @pytest.mark.parametrize(("kind", "had"), [("quality", None), ("answer", 1)])
    def test_nothing_is_repeated_that_would_end_alike(self, kind: str, had: int | None) -> None:
        found = given(planned(kind), ran_out(Outcome.OUT_OF_DEVICE_MEMORY, had), POOL)
        assert isinstance(found, GiveUp)
        assert found.reason.startswith("out of a GPU's memory: reason 1; lower its batch size")

    def test_the_settings_that_are_halved_are_settings(self) -> None:
        for kind in KINDS.values():
            assert kind.at_once.keys() <= kind.settings.model_fields.keys()


class TestDisk:
    def test_the_next_attempt_has_twice_the_disk(self) -> None:
        assert after(Outcome.OUT_OF_DISK, 10 * GIB).text == "20.00 GiB of disk instead of 10.00"
        found = after(Outcome.OUT_OF_DISK, 10 * GIB, 20 * GIB)
        assert found.planned.resources.scratch_bytes == 40 * GIB


def test_one_stage_may_run_out_of_several_things() -> None:
    failed = [
        Failed(number=1, outcome=Outcome.OUT_OF_MEMORY, reason="a", had=4 * GIB),
        Failed(number=2, outcome=Outcome.TRANSIENT, reason="b"),
        Failed(number=3, outcome=Outcome.OUT_OF_DEVICE_MEMORY, reason="c", had=16384),
    ]
    found = given(planned(), failed, POOL)
    assert isinstance(found, Given)
    assert found.text == "8.00 GiB of memory instead of 4.00, micro_batch_tokens 8192 instead of 16384"
