"""Steps that leap are told with their samples, or end the run where a profile says so."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.train.checkpoint import History
from jobs.train.spikes import Spikes
from polyglot.core.errors import Permanent

TRAINER: Any = SimpleNamespace(rank=0, names=lambda number: f"DE/{number}")
LOG = logging.getLogger("spikes")


def look(spikes: Spikes, losses: list[float], norms: list[float] | None = None) -> None:
    """Look at each step in turn."""
    history = History()
    for loss, norm in zip(losses, norms or [1.0] * len(losses), strict=True):
        history.losses.append(loss)
        history.norms.append(norm)
        spikes.look(history)


def test_a_leap_is_a_warning_that_names_its_samples(caplog: pytest.LogCaptureFixture) -> None:
    look(Spikes(TRAINER, None, LOG), [1.0] * 30 + [2.1] + [1.0] * 5)
    assert [record.getMessage() for record in caplog.records] == [
        "step 31: the loss leapt to 2.1 from a median of 1 in the 30 steps before; its samples: DE/30"
    ]


def test_a_gradient_s_norm_leaps_too(caplog: pytest.LogCaptureFixture) -> None:
    look(Spikes(TRAINER, None, LOG), [1.0] * 31, [0.5] * 30 + [5.1])
    assert "norm leapt to 5.1 from a median of 0.5" in caplog.text


@pytest.mark.parametrize(
    "losses",
    [[3.0] * 5 + [9.0], [0.01] * 30 + [0.3], [1.0] * 30 + [1.9], [1.0 + 0.02 * number for number in range(40)]],
    ids=["early", "near zero", "below twice", "a slow rise"],
)
def test_what_is_no_leap_is_not_told(losses: list[float], caplog: pytest.LogCaptureFixture) -> None:
    look(Spikes(TRAINER, None, LOG), losses)
    assert caplog.records == []


def test_a_setting_ends_the_run_and_warnings_end_at_ten(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Permanent, match=r"step 31: the loss leapt to 4 .* DE/30\. .*`polyglot retry`"):
        look(Spikes(TRAINER, 3.0, LOG), [1.0] * 30 + [4.0])
    look(Spikes(TRAINER, None, LOG), ([1.0] * 30 + [4.0]) * 15)
    assert len(caplog.records) == 10
    assert caplog.records[-1].getMessage().endswith("later ones are not told")
