"""What a step tells of its passes where a GPU computes behind the calls; events stand for the GPU here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from jobs.lib.token_set import TokenSet
from jobs.train.mixture import Mixture
from jobs.train.passes import Passes
from jobs.train.pulse import Pulse
from tests.kit.training import prepare
from tests.kit.training_losses import trainer_of


class Log(Pulse):
    """What was told, and what was asked of events, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def at(self, place: str, **given: Any) -> None:
        super().at(place, **given)
        self.lines.append(place)

    def event(self) -> Any:
        log = self

        class Event:
            made = 0

            def __init__(self) -> None:
                type(self).made += 1
                self.number = self.made

            def record(self) -> None:
                log.lines.append(f"record {self.number}")

            def synchronize(self) -> None:
                log.lines.append(f"wait {self.number}")

        return Event


def test_one_pass_at_most_is_begun_while_another_computes() -> None:
    log = Log()
    with Passes(log, log.event()) as passes:
        for _ in range(4):
            passes.begin()
            log.lines.append("computes")
            passes.end()
    begun = ["a pass", "computes"]
    first, second = [*begun, "record 1"], [*begun, "record 2"]
    third = ["a pass", "wait 1", *begun, "record 3"]
    fourth = ["a pass", "wait 2", *begun, "record 4"]
    assert log.lines == [*first, *second, *third, *fourth, "a pass", "wait 3", "a pass", "wait 4", "a pass"]


def test_a_processor_is_waited_for_by_nobody() -> None:
    log = Log()
    with Passes(log, None) as passes:
        for _ in range(3):
            passes.begin()
            passes.end()
    assert log.lines == ["a pass"] * 3


def test_a_gpu_that_failed_is_not_waited_for() -> None:
    log = Log()

    def fails() -> None:
        with Passes(log, log.event()) as passes:
            passes.begin()
            passes.end()
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        fails()
    assert log.lines == ["a pass", "record 1"]


def test_a_step_waits_for_all_its_passes_before_its_update(tmp_path: Path) -> None:
    inputs = prepare(tmp_path)
    tokens = TokenSet(inputs["tokens:DE"] / "tokens.arrow")
    mixture = Mixture({"DE": tokens}, [("DE", number) for number in range(len(tokens))])
    found = []
    for gpu in (True, False):
        torch.manual_seed(0)
        trainer = trainer_of(AutoModelForCausalLM.from_pretrained(inputs["base"] / "model"), mixture, 1)
        trainer.pulse = log = Log()
        trainer.event = log.event() if gpu else None
        found.append((trainer.step(0), log.lines))
    (loss, lines), (expected, plain) = found
    assert loss == expected
    count = plain.count("a pass")
    assert [line for line in lines if line.startswith("wait")] == [f"wait {number + 1}" for number in range(count)]
    assert lines.index(f"wait {count}") < lines.index("the optimiser's update")
    assert lines.index("wait 1") < lines.index("record 3")
    assert lines.count("a pass") == 2 * count + 1  # begun, computed, and once before the last ones are waited for
