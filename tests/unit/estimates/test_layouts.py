"""`layout: auto`: the fastest that fits is chosen, what a profile says stays, and every pod has what it computes on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.errors import BadInput
from polyglot.estimates.estimate import Estimated, estimate
from polyglot.estimates.fits import check_fits, few_cpus
from polyglot.estimates.room import Room
from polyglot.estimates.sources import Outside
from polyglot.kinds.device import GPUS
from polyglot.kinds.forecast import Ask, Forecast
from polyglot.kinds.registry import kind_of
from polyglot.study.profile import load_profile
from tests.kit import estimates

GIB = 2**30


def profile(pool: str, train: str, settings: str = "layout: auto") -> str:
    text = estimates.cluster(f"gpu: {{{pool}}}, big: {{}}").replace("train: {gpus: 1}", f"train: {{{train}}}")
    return text.replace("prices:", f"settings: {{train: {{{settings}}}}}\nprices:")


def training(tmp_path: Path, text: str, model: str = "mistral-7b") -> Estimated:
    study = estimates.SEVEN.replace("mistral-7b", model)
    rows = estimates.seven(tmp_path, text, study=study).estimated
    return next(
        row for row in rows if row.planned.label.endswith("/ENDEFRITES/s0") and row.planned.stage.kind == "train"
    )


def place(row: Estimated) -> tuple[int, int]:
    return row.planned.resources.gpus, row.planned.resources.ranks


def test_seven_billion_parameters_take_all_gpus_of_a_node_and_compute_nothing_twice(tmp_path: Path) -> None:
    row = training(tmp_path, profile("device: h100", "gpus: 8"))
    assert place(row) == (8, 1)
    assert row.planned.settings["micro_batch_tokens"] == 16384
    assert row.planned.settings["recompute"] is False
    assert row.forecast.sources["layout"] == "1 x 8 processes, 16384 tokens at once, 0 of 32 layers computed again"


def test_a_second_node_is_taken_where_the_network_is_fast_and_left_where_it_is_slow(tmp_path: Path) -> None:
    assert place(training(tmp_path, profile("device: h100", "gpus: 8, ranks: 2"))) == (8, 1)
    fast = profile("device: h100, network-gbit: 6400", "gpus: 8, ranks: 2")
    assert place(training(tmp_path, fast)) == (8, 2)


def test_where_less_fits_smaller_passes_come_before_layers_computed_again(tmp_path: Path) -> None:
    row = training(tmp_path, profile("device: h100", "gpus: 2"))
    assert row.planned.settings["micro_batch_tokens"] < 16384
    assert row.planned.settings["recompute"] is False
    assert (row.forecast.memory_bytes or 0) < 0.9 * 81559 * 2**20


def test_a_mixture_is_cut_only_where_its_experts_can_be(tmp_path: Path) -> None:
    row = training(tmp_path, profile("device: h200", "gpus: 6"), "mixtral-8x7b")
    assert place(row)[0] in (1, 2, 4)
    row = training(tmp_path, profile("device: h200", "gpus: 8"), "mixtral-8x7b")
    assert place(row) == (8, 1)
    assert "offload" not in row.planned.settings
    assert row.planned.settings["recompute"] == 16  # half of its layers are enough


def test_what_no_gpu_can_hold_lies_beside_them_where_the_machine_has_room(tmp_path: Path) -> None:
    row = training(tmp_path, profile("device: h100, most-memory: 1TiB", "gpus: 4"), "mixtral-8x7b")
    assert row.planned.settings["offload"] is True
    assert row.forecast.memory["optimiser"] == 0
    assert (row.forecast.host_bytes or 0) > 16 * 46e9
    session = estimates.seven(
        tmp_path,
        profile("device: h100, most-memory: 500GiB", "gpus: 4"),
        study=estimates.SEVEN.replace("mistral-7b", "mixtral-8x7b"),
    )
    with pytest.raises(BadInput, match="and H100 has 79.6 GiB"):
        check_fits(session.estimated, session.profile, session.site.capacity)


def test_what_the_profile_says_stays(tmp_path: Path) -> None:
    row = training(
        tmp_path, profile("device: h100", "gpus: 8", "layout: auto, micro-batch-tokens: 3000, recompute: true")
    )
    assert row.planned.settings["micro_batch_tokens"] == 3000
    assert row.planned.settings["recompute"] is True


def test_where_the_data_are_not_known_all_gpus_are_taken(tmp_path: Path) -> None:
    study = estimates.SEVEN.replace(
        "published: bactrian-x",
        "format: alpaca, config: '{language}', languages: [EN, DE, FR, IT, ES], "
        f"hub: own/data, revision: {estimates.REVISION}",
    )
    rows = estimates.seven(tmp_path, profile("device: h100", "gpus: 8, ranks: 2"), study=study).estimated
    row = next(row for row in rows if row.planned.stage.kind == "train")
    assert row.forecast.seconds is None
    assert place(row) == (8, 2)
    assert "offload" not in row.planned.settings


def test_adapters_and_what_must_lie_beside_the_gpu(tmp_path: Path) -> None:
    """Of an adapter all lies on every GPU; what is offloaded is the frozen model."""
    small = profile("device: l4", "gpus: 1")
    memory = {}
    for rank in (16, 256):
        study = estimates.SEVEN.replace("batch-size: 64", f"batch-size: 64, method: lora, lora-rank: {rank}")
        rows = estimates.seven(tmp_path, small, study=study).estimated
        row = next(row for row in rows if row.planned.stage.kind == "train")
        assert row.planned.settings["offload"] is True
        memory[rank] = row.forecast.memory
    assert memory[256]["optimiser"] == 16 * memory[16]["optimiser"] > 0
    study = estimates.SEVEN.replace("batch-size: 64", "batch-size: 64, method: lora")
    rows = estimates.seven(tmp_path, profile("device: l4", "gpus: 4"), study=study).estimated
    row = next(row for row in rows if row.planned.stage.kind == "train")
    assert "offload" not in row.planned.settings  # as it fits, though by these rates it would be faster


def test_an_update_beside_the_gpu_takes_as_long_as_its_threads_need(tmp_path: Path) -> None:
    seconds = {}
    for given in ("gpus: 4", "gpus: 4, cpus: 16", "gpus: 4, cpus: 64"):
        row = training(tmp_path, profile("device: h100, most-memory: 1TiB", given), "mixtral-8x7b")
        assert row.planned.settings["offload"] is True
        assert row.forecast.seconds is not None
        seconds[given] = row.forecast.seconds
    one, four, sixteen = seconds.values()
    assert one > 2.5 * four  # a thread a process, then 25 GB/s, which are a quarter of the machine's
    assert four == sixteen


def test_few_cpus_beside_gpus_are_said(tmp_path: Path) -> None:
    for given, expected in (("gpus: 8", 1), ("gpus: 8, cpus: 15", 1), ("gpus: 8, cpus: 16", 0)):
        session = estimates.seven(tmp_path, profile("device: h100", given))
        lines = [line for line in few_cpus(session.plan.stages) if line.startswith("train: ")]
        assert len(lines) == expected
        assert all("for 8 GPUs" in line and "{train: {cpus: 16}}" in line for line in lines)


def test_slices_that_pass_through_the_gpu_when_they_are_loaded_count(tmp_path: Path) -> None:
    settings = "layout: auto, offload: true"
    row = training(tmp_path, profile("device: h100, most-memory: 2TiB", "gpus: 2", settings), "mixtral-8x7b")
    assert place(row) == (1, 1)  # on one it is loaded beside the GPU; two would hold 93 GB of it each meanwhile
    row = training(tmp_path, profile("device: h100, most-memory: 2TiB", "gpus: 4", settings), "mixtral-8x7b")
    assert place(row) == (4, 1)


def test_settings_that_do_not_go_together_are_refused_before_anything_runs(tmp_path: Path) -> None:
    study = estimates.SEVEN.replace("batch-size: 64", "batch-size: 64, optimizer: adamw-8bit")
    with pytest.raises(BadInput, match="offload: does not go with optimizer adamw-8bit"):
        estimates.seven(tmp_path, profile("device: h100", "gpus: 8", "offload: true"), study=study)
    row = next(
        row
        for row in estimates.seven(tmp_path, profile("device: h100", "gpus: 8"), study=study).estimated
        if row.planned.stage.kind == "train"
    )
    assert "offload" not in row.planned.settings
    small = estimates.SEVEN.replace("batch-size: 64", "batch-size: 2")
    with pytest.raises(BadInput, match="more processes than a step has samples"):
        estimates.seven(tmp_path, "settings: {train: {layout: auto, processes: 4}}\n", study=small)


def test_no_more_ranks_than_a_step_has_samples(tmp_path: Path) -> None:
    study = estimates.SEVEN.replace("batch-size: 64", "batch-size: 5")
    session = estimates.seven(tmp_path, profile("device: h100", "gpus: 8, ranks: 2"), study=study)
    training = next(planned for planned in session.plan.stages if planned.stage.kind == "train")
    row = next(row for row in session.estimated if row.planned.key == training.key)
    ask = Ask(
        stage=training.stage,
        settings=training.settings,
        resources=training.resources,
        device=GPUS["h100"],
        inputs={"base": row.forecast.result},
        sources=Outside(session.locked, session.folder),
    )
    found = {(layout.gpus, layout.ranks) for layout in kind_of("train").layouts(ask)}
    assert found == {(1, 1), (2, 1), (4, 1)}
    assert place(row) == (2, 1)  # four would wait for each other longer than these few tokens take


def test_of_a_model_or_a_gpu_that_nobody_knows_the_layout_that_needs_least_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = training(tmp_path, profile("most-memory: 100GiB", "gpus: 8"))
    assert place(row) == (8, 1)
    assert "offload" not in row.planned.settings
    assert row.planned.settings["recompute"] is True

    def away(*_: object) -> bytes:
        raise OSError("no network")

    monkeypatch.setattr("polyglot.estimates.sources.read_repository_file", away)
    study = estimates.SEVEN.replace("published: mistral-7b", "hub: own/model")
    study = study.replace("batch-size: 64", "batch-size: 6")
    rows = estimates.seven(tmp_path, profile("device: h100", "gpus: 8"), study=study).estimated
    row = next(row for row in rows if row.planned.stage.kind == "train")
    assert place(row) == (4, 1)
    assert row.planned.settings["recompute"] is True
    assert row.forecast.lacking == ("the base model's shape",)


def test_on_processors_only_what_is_computed_again_is_chosen(tmp_path: Path) -> None:
    """Micro-batches would change the result's bits, and two machines would not agree."""
    text = "settings: {train: {layout: auto}}\n"
    session = estimates.seven(tmp_path, text)
    outside = Outside(session.locked, session.folder)

    def settings(gib: float) -> Mapping[str, Any]:
        def room_of(_: object) -> Room:
            return Room(machine_bytes=int(gib * GIB))

        rows = estimate(session.plan.stages, None, outside, session.profile.device_of, room_of)
        return next(row for row in rows if row.planned.stage.kind == "train").planned.settings

    roomy, tight = settings(1000), settings(140)
    assert (roomy["recompute"], tight["recompute"]) == (False, 24)
    assert "micro_batch_tokens" not in roomy.keys() | tight.keys()


def test_room_is_of_the_gpu_and_of_the_machine() -> None:
    forecast = Forecast(memory={"weights": 80 * GIB}, host_bytes=40 * GIB)
    room = Room(gpu_bytes=100 * GIB, machine_bytes=50 * GIB, has_gpus=True)
    assert room.holds(forecast)
    assert not replace(room, gpu_bytes=85 * GIB).holds(forecast)  # nine tenths of it
    assert not replace(room, gpu_bytes=0).holds(forecast)
    assert not replace(room, machine_bytes=42 * GIB).holds(forecast)
    assert not room.holds(Forecast())
    assert load_profile("local").settings["train"].get("layout") is None
