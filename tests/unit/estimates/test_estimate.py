"""Forecasts of whole plans, against numbers made by hand."""

import math
from pathlib import Path

import pytest

from polyglot.core.stage import Resources
from polyglot.estimates.estimate import Estimated
from polyglot.estimates.total import total
from polyglot.kinds.device import GPUS
from polyglot.study.profile import AskAbove
from tests.kit import estimates

SEVEN = 7_248_023_552  # parameters of Mistral 7B v0.3
H100 = estimates.cluster("gpu: {device: h100}, big: {}")


def by_label(rows: tuple[Estimated, ...]) -> dict[str, Estimated]:
    return {row.planned.label: row for row in rows}


class TestSevenBillion:
    def test_memory_is_by_parts_and_grows_with_what_is_held_at_once(self, tmp_path: Path) -> None:
        rows = by_label(estimates.seven(tmp_path, H100).estimated)
        training = rows["train mistral/bactrian/EN/s0"].forecast
        assert training.parameters == SEVEN
        assert training.memory["weights"] == 6 * SEVEN
        assert training.memory["gradients"] == 4 * SEVEN
        assert training.memory["optimiser"] == 8 * SEVEN
        assert training.host_bytes == 3072 * 2**20 + 4 * SEVEN
        answering = rows["answer mistral/untuned"].forecast
        assert answering.memory["weights"] == 2 * SEVEN

    def test_tokens_and_hours_follow_the_rows_that_the_catalogue_knows(self, tmp_path: Path) -> None:
        rows = by_label(estimates.seven(tmp_path, H100).estimated)
        one, five = (rows[f"train mistral/bactrian/{mix}/s0"] for mix in ("EN", "ENDEFRITES"))
        assert one.forecast.tokens == pytest.approx(67_017 * 137, rel=0.05)  # 380 characters, system message, markers
        assert five.forecast.tokens == pytest.approx(5 * (one.forecast.tokens or 0), rel=0.05)
        assert "67017 rows a language" in one.forecast.sources["tokens"]
        at_least = 6 * (SEVEN - 2 * 32768 * 4096) * (one.forecast.tokens or 0) / GPUS["h100"].reached
        assert at_least < (one.forecast.seconds or 0) < 1.5 * at_least
        assert one.gpu_hours == pytest.approx((one.forecast.seconds or 0) / 3600)

    def test_two_ranks_take_half_the_time_and_hold_half_of_the_state_each(self, tmp_path: Path) -> None:
        one = by_label(estimates.seven(tmp_path, H100).estimated)["train mistral/bactrian/EN/s0"]
        two_gpus = H100.replace("train: {gpus: 1}", "train: {gpus: 2}")
        two = by_label(estimates.seven(tmp_path, two_gpus).estimated)["train mistral/bactrian/EN/s0"]
        assert two.forecast.memory["optimiser"] * 2 == one.forecast.memory["optimiser"]
        assert one.gpu_hours < two.gpu_hours < 1.2 * one.gpu_hours  # both start
        assert (two.forecast.seconds or 0) < 0.6 * (one.forecast.seconds or 0)

    def test_two_pods_of_one_gpu_hold_what_two_gpus_of_a_pod_do_and_wait_for_the_network(self, tmp_path: Path) -> None:
        label, one = "train mistral/bactrian/EN/s0", "train: {gpus: 1}"
        roomy = H100.replace("h100", "h200")  # so that a step is one pass
        two_pods = roomy.replace(one, "train: {gpus: 1, ranks: 2}")
        fast = two_pods.replace("device: h200", "device: h200, network-gbit: 6400")
        assert fast != two_pods
        pods, fast_pods, pod = (
            by_label(estimates.seven(tmp_path, profile).estimated)[label]
            for profile in (two_pods, fast, roomy.replace(one, "train: {gpus: 2}"))
        )
        assert pod.forecast.memory == pods.forecast.memory
        assert pod.gpu_hours == pytest.approx(fast_pods.gpu_hours)
        steps = math.ceil(67_017 / 64)
        exchanged = steps * 8 * SEVEN / 2 / (10e9 / 8 * 0.7)  # half of it, of 10 Gbit a second: 2 + 2 + 4 bytes
        assert pods.gpu_hours == pytest.approx(2 * exchanged / 3600, rel=0.05)
        assert pod.forecast.host_bytes == 2 * (pods.forecast.host_bytes or 0)  # the same of each process

    def test_calls_and_dollars_of_the_judge(self, tmp_path: Path) -> None:
        rows = estimates.seven(tmp_path, H100).estimated
        judge = by_label(rows)["judge mistral/untuned"].forecast
        assert judge.calls == 800  # 80 questions, 5 languages, 2 turns
        assert judge.completion_tokens == 800 * 200
        assert judge.usd == pytest.approx(((judge.prompt_tokens or 0) * 30 + 800 * 200 * 60) / 1e6)
        found = total(rows, estimates.seven(tmp_path, H100).profile.prices)
        assert found.calls == 3 * 800
        assert found.gpu_usd == pytest.approx(2.5 * found.gpu_hours)
        assert found.usd == pytest.approx(found.call_usd + 2.5 * found.gpu_hours)
        assert "(at 2.5 an hour, 2026-11-01)" in str(found)
        assert found.exceeds(AskAbove(usd=found.usd - 1))
        assert found.exceeds(AskAbove(gpu_hours=found.gpu_hours - 1))
        assert not found.exceeds(AskAbove(usd=found.usd + 1, gpu_hours=found.gpu_hours + 1))
        assert not found.exceeds(AskAbove())


class TestWhatNobodyKnows:
    def test_a_model_that_nobody_knows_is_said_so_and_refuses_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> bytes:
            raise OSError("no network")

        monkeypatch.setattr("polyglot.estimates.sources.read_repository_file", away)
        named = f"{{mistral: {{published: mistral-7b, revision: {estimates.REVISION}}}}}"
        study = estimates.SEVEN.replace(named, f"{{mistral: {{hub: own/model, revision: {estimates.REVISION}}}}}")
        rows = by_label(estimates.seven(tmp_path, study=study).estimated)
        assert rows["base mistral"].forecast.lacking == (
            "the model's shape: config.json of own/model cannot be read (no network)",
        )
        training = rows["train mistral/bactrian/EN/s0"]
        assert training.forecast.memory_bytes is None
        assert training.planned.resources == Resources(
            memory_bytes=4 * 2**30, deadline_seconds=training.planned.resources.deadline_seconds
        )
        assert total(tuple(rows.values()), None).unknown

    def test_a_hubs_configuration_is_read_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[str, ...]] = []

        def answer(*named: str) -> bytes:
            asked.append(named)
            return b'{"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 100}'

        monkeypatch.setattr("polyglot.estimates.sources.read_repository_file", answer)
        study = estimates.SEVEN.replace("published: mistral-7b", "hub: own/model")
        rows = by_label(estimates.seven(tmp_path, study=study).estimated)
        assert asked == [("own/model", estimates.REVISION, "config.json")]
        assert rows["train mistral/bactrian/EN/s0"].forecast.parameters == rows["base mistral"].forecast.parameters
        assert rows["base mistral"].forecast.sources["parameters"] == "the hub's config.json"
