"""Who holds the others up, by what the ranks tell."""

from pathlib import Path

import pytest

from jobs.lib.ranks import Ranks
from jobs.train.hang import OwnRank, Word, verdict
from jobs.train.pulse import Pulse

RANKS = Ranks(pod=0, pods=2, local_rank=0, local_ranks=2)
HANGS = 600.0


def word(rank: int, count: int = 9, *, seconds: float = 650.0, exchanging: bool = True) -> Word:
    return Word(rank=rank, count=count, place=f"thing {count}", seconds=seconds, exchanging=exchanging)


@pytest.mark.parametrize(
    ("words", "silent", "said"),
    [
        ([word(0), word(1), word(2), word(3, seconds=590)], {}, None),
        ([word(0), word(1), word(2), word(3, seconds=10)], {3: 580.0}, None),
        (
            [word(0), word(1), word(2), word(3, 8, seconds=612, exchanging=False)],
            {},
            "rank 3 (pod 1, process 1) has not gone on from thing 8 for 612 s; the others wait for it",
        ),
        (  # begun as much as the others, and waits for nobody
            [word(0), word(1), word(2, exchanging=False), word(3)],
            {},
            "rank 2 (pod 1, process 0) has not gone on from thing 9 for 650 s; the others wait for it",
        ),
        (
            [word(0), word(1, 8), word(2), word(3, 8)],
            {},
            "rank 1 (pod 0, process 1), rank 3 (pod 1, process 1) have not gone on from thing 8 for 650 s; "
            "the others wait for them",
        ),
        (  # what it told last does not matter
            [word(0, 8), word(1), word(2), word(3, 9, seconds=1)],
            {3: 620.0},
            "rank 3 (pod 1, process 1) has given no sign of life for 621 s, the last from thing 9; "
            "the others wait for it",
        ),
        (
            [word(0), word(1), word(2), word(3)],
            {},
            "none of 4 ranks has gone on from thing 9 for 650 s",
        ),
    ],
)
def test_who_is_behind(words: list[Word], silent: dict[int, float], said: str | None) -> None:
    found = verdict(words, silent, RANKS, HANGS)
    assert (found.text if found else None) == said


def test_a_pulse_counts_what_is_begun_and_keeps_its_step() -> None:
    pulse = Pulse()
    pulse.at("a pass", step=3)
    pulse.at("storing a checkpoint", files=True)
    assert (pulse.now.number, str(pulse.now), pulse.now.files) == (2, "storing a checkpoint of step 3", True)
    pulse.at("exporting a layer", step=0)
    assert str(pulse.now) == "exporting a layer"


def test_a_phase_of_files_goes_on_as_long_as_bytes_move(tmp_path: Path) -> None:
    pulse = Pulse()
    own = OwnRank(1, pulse)

    def seconds() -> float:
        return own.look(5.0, waiting=HANGS).seconds

    pulse.at("a pass", step=3)
    assert [seconds() for _ in range(3)] == [0.0, 5.0, 10.0]
    (tmp_path / "file").write_bytes(bytes(2**21))
    assert seconds() == 15.0  # it may write what it likes
    pulse.at("storing a checkpoint", files=True)
    assert [seconds() for _ in range(2)] == [0.0, 5.0]
    (tmp_path / "file").write_bytes(bytes(2**21))
    assert [seconds() for _ in range(2)] == [0.0, 5.0]
