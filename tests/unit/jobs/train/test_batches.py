"""Which samples a step sees, and how they lie in tensors."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.modeling_flash_attention_utils import prepare_fa_kwargs_from_position_ids

from jobs.lib.model.schedule import factor
from jobs.lib.token_set import TokenSet
from jobs.tokenize.job import SCHEMA
from jobs.train.batches import EpochSampler, collate, groups, micro_batches, nothing
from jobs.train.head import between
from jobs.train.mixture import Mixture
from polyglot.core.errors import Permanent


def write_tokens(path: Path, rows: Sequence[tuple[list[int], list[bool]]], *, batch: int = 2) -> TokenSet:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for first in range(0, len(rows), batch):
            part = rows[first : first + batch]
            ids = pa.array([ids for ids, _ in part], SCHEMA.field("input_ids").type)
            loss = pa.array([loss for _, loss in part], SCHEMA.field("loss").type)
            names = pa.array([f"r{first + at}" for at in range(len(part))])
            counts = [pa.array([1] * len(part), kind) for kind in SCHEMA.types[3:]]
            writer.write_batch(pa.record_batch([names, ids, loss, *counts], schema=SCHEMA))
    return TokenSet(path)


ROWS = [
    ([1, 5, 6, 2], [False, False, True, True]),
    ([1, 7, 2], [False, True, True]),
    ([1, 8, 9, 10, 11, 2], [False, False, False, True, True, True]),
    ([1, 2], [True, True]),
    ([1, 9, 9, 9, 2], [False, False, False, False, True]),
]


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    tokens = write_tokens(tmp_path / "tokens.arrow", ROWS)
    return Mixture({"DE": tokens}, [("DE", row) for row in range(len(ROWS))])


class TestTokenSet:
    def test_gives_rows_as_written(self, tmp_path: Path) -> None:
        tokens = write_tokens(tmp_path / "tokens.arrow", ROWS)
        assert len(tokens) == 5
        assert [(ids.tolist(), loss.tolist()) for ids, loss in map(tokens.sample, range(5))] == ROWS
        assert tokens.lengths.tolist() == [4, 3, 6, 2, 5]
        assert tokens.largest_id() == 11

    def test_counts_only_tokens_with_something_before_them(self, tmp_path: Path) -> None:
        assert write_tokens(tmp_path / "tokens.arrow", ROWS).supervised.tolist() == [2, 2, 3, 1, 1]

    def test_refuses_another_file(self, tmp_path: Path) -> None:
        (tmp_path / "tokens.arrow").write_bytes(b"no arrow")
        with pytest.raises(Permanent, match="not a token set"):
            TokenSet(tmp_path / "tokens.arrow")


class TestMixture:
    def test_joins_languages(self, tmp_path: Path) -> None:
        sets = {name: write_tokens(tmp_path / f"{name}.arrow", ROWS[at:]) for at, name in enumerate(("DE", "EN"))}
        mixture = Mixture(sets, [("EN", 0), ("DE", 0), ("EN", 3), ("EN", 0)])
        assert [mixture.sample(number)[0].tolist() for number in range(4)] == [
            ROWS[1][0],
            ROWS[0][0],
            ROWS[4][0],
            ROWS[1][0],
        ]
        assert mixture.languages == ("DE", "EN")
        assert mixture.supervised.tolist() == [2, 2, 1, 2]

    def test_refuses_an_empty_index(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="the mixture is empty"):
            Mixture({"DE": write_tokens(tmp_path / "t.arrow", ROWS)}, [])

    def test_refuses_a_row_beside_the_set(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="row 5 of DE, whose token set has 5 rows"):
            Mixture({"DE": write_tokens(tmp_path / "t.arrow", ROWS)}, [("DE", 5)])

    def test_refuses_a_language_without_tokens(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="no tokens of FR; got tokens of DE"):
            Mixture({"DE": write_tokens(tmp_path / "t.arrow", ROWS)}, [("FR", 0)])


class TestOrder:
    @given(
        samples=st.integers(1, 60), batch=st.integers(1, 70), steps=st.integers(1, 12), seed=st.integers(0, 2**31 - 1)
    )
    def test_every_step_has_the_batch_size_and_epochs_follow_each_other(
        self, samples: int, batch: int, steps: int, seed: int
    ) -> None:
        order = EpochSampler(samples=samples, seed=seed, batch_size=batch, steps=steps, epochs=None)
        stream = [sample for number in range(steps) for sample in order.step(number)]
        assert len(stream) == steps * batch
        for first in range(0, len(stream) - samples + 1, samples):
            assert sorted(stream[first : first + samples]) == list(range(samples))

    @given(samples=st.integers(1, 60), batch=st.integers(1, 70), epochs=st.integers(1, 4))
    def test_whole_epochs_see_every_sample_equally_often(self, samples: int, batch: int, epochs: int) -> None:
        order = EpochSampler(samples=samples, seed=3, batch_size=batch, steps=None, epochs=epochs)
        seen = Counter(sample for number in range(order.steps) for sample in order.step(number))
        assert set(seen.values()) == {epochs}
        assert len(seen) == samples

    def test_half_an_epoch_sees_half_of_the_samples(self) -> None:
        order = EpochSampler(samples=10, seed=0, batch_size=2, steps=None, epochs=0.5)
        assert (order.steps, order.total, order.epochs) == (3, 5, 0.5)

    def test_a_step_can_be_asked_for_out_of_turn(self) -> None:
        order = EpochSampler(samples=7, seed=1, batch_size=5, steps=6, epochs=None)
        forward = [order.step(number) for number in range(6)]
        assert [order.step(number) for number in reversed(range(6))] == forward[::-1]

    def test_depends_on_the_seed(self) -> None:
        first, second = (EpochSampler(samples=50, seed=s, batch_size=50, steps=1, epochs=None).step(0) for s in (0, 1))
        assert first != second

    def test_is_known(self) -> None:
        """Another order would change every trained model: then the version of the train stage has to rise."""
        order = EpochSampler(samples=8, seed=0, batch_size=8, steps=2, epochs=None)
        assert [order.step(0), order.step(1)] == [[5, 0, 3, 6, 4, 7, 2, 1], [2, 7, 6, 0, 4, 5, 1, 3]]

    @pytest.mark.parametrize(("steps", "epochs"), [(None, None), (1, 1.0)])
    def test_needs_exactly_one_length(self, steps: int | None, epochs: float | None) -> None:
        with pytest.raises(ValueError, match="exactly one"):
            EpochSampler(samples=1, seed=0, batch_size=1, steps=steps, epochs=epochs)


class TestLayout:
    def test_pads_on_the_right_and_keeps_targets(self, mixture: Mixture) -> None:
        batch = collate(mixture, [[1], [0]], pad_id=2)  # pad is EOS here, and EOS stays a target
        assert batch.input_ids.tolist() == [[1, 7, 2], [1, 5, 6]]
        assert batch.at.tolist() == [0, 1, 4, 5]
        assert batch.targets.tolist() == [7, 2, 6, 2]

    @given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=40), limit=st.integers(1, 200))
    def test_groups_keep_all_and_stay_small(self, sizes: list[int], limit: int) -> None:
        ordered = sorted(sizes)
        found = groups(ordered, limit)
        assert [number for group in found for number in group] == list(range(len(sizes)))
        assert all(len(group) == 1 or len(group) * ordered[group[-1]] <= limit for group in found)

    @pytest.mark.parametrize("ranks", [1, 2, 3, 7])
    @pytest.mark.parametrize("limit", [1, 8, 1000])
    def test_ranks_and_micro_batches_share_out_the_same_targets(self, mixture: Mixture, ranks: int, limit: int) -> None:
        whole = sorted(np.concatenate([b.targets for b in micro_batches(mixture, range(5), max_tokens=99, pad_id=0)]))
        parts = [
            batch.targets
            for rank in range(ranks)
            for batch in micro_batches(mixture, range(5), max_tokens=limit, pad_id=0, rank=rank, ranks=ranks)
        ]
        assert sorted(torch.cat(parts).tolist()) == whole
        assert len(whole) == mixture.supervised.sum()

    @pytest.mark.parametrize("packed", [None, 12])
    @pytest.mark.parametrize("ranks", [1, 2])
    def test_every_target_has_the_weight_of_its_sample(self, mixture: Mixture, ranks: int, packed: int | None) -> None:
        samples, weights = [4, 0, 3, 0], [4.0, 1.0, 3.0, 2.0]  # one sample twice, each time with another weight
        expected = sorted(
            (int(token), weight)
            for number, weight in zip(samples, weights, strict=True)
            for token in collate(mixture, [[number]], pad_id=0).targets
        )
        found = []
        for rank in range(ranks):
            for batch in micro_batches(
                mixture, samples, max_tokens=9, pad_id=0, packed_tokens=packed, weights=weights, rank=rank, ranks=ranks
            ):
                if not len(batch.targets):
                    continue
                assert batch.weights is not None
                found += zip(batch.targets.tolist(), batch.weights.tolist(), strict=True)
        assert sorted(found) == expected

    def test_a_rank_without_a_sample_still_computes(self, mixture: Mixture) -> None:
        (batch,) = micro_batches(mixture, [0], max_tokens=99, pad_id=0, rank=1, ranks=2)
        assert batch.input_ids.shape == (1, 1)
        assert batch.targets.shape == (0,)

    @pytest.mark.parametrize("packed", [None, 9])
    @pytest.mark.parametrize("ranks", [2, 3, 4])
    def test_all_ranks_compute_equally_often(self, mixture: Mixture, ranks: int, packed: int | None) -> None:
        laid = [
            list(
                micro_batches(
                    mixture, [0, 1, 2, 3, 4], max_tokens=6, pad_id=0, packed_tokens=packed, rank=rank, ranks=ranks
                )
            )
            for rank in range(ranks)
        ]
        assert len({len(batches) for batches in laid}) == 1
        assert sum(len(batch.targets) for batches in laid for batch in batches) == 9
        assert all((batch.positions is None) is (packed is None) for batches in laid for batch in batches)


class TestSchedule:
    @given(
        schedule=st.sampled_from(["cosine", "linear", "constant", "trapezoid"]),
        steps=st.integers(1, 200),
        warmup=st.integers(0, 50),
    )
    def test_stays_between_zero_and_one(self, schedule: str, steps: int, warmup: int) -> None:
        factors = [factor(schedule, step, steps=steps, warmup_steps=warmup) for step in range(steps)]  # type: ignore[arg-type]
        assert all(0 < value <= 1 for value in factors)
        assert factors[: warmup + 1] == sorted(factors[: warmup + 1])
        after = factors[warmup:]
        assert after == sorted(after, reverse=True)

    def test_begins_at_the_top_without_warm_up(self) -> None:
        for schedule in ("cosine", "linear", "constant", "trapezoid"):
            assert factor(schedule, 0, steps=10, warmup_steps=0) == 1.0  # type: ignore[arg-type]

    def test_comes_down_to_a_floor_after_the_warm_up(self) -> None:
        found = [factor("linear", step, steps=12, warmup_steps=2, floor=0.1) for step in range(12)]
        assert found[:2] == [factor("linear", step, steps=12, warmup_steps=2) for step in range(2)]
        assert found[2] == pytest.approx(1.0)
        assert found[-1] == pytest.approx(0.1 + 0.9 * 0.1)

    def test_goes_down(self) -> None:
        assert factor("linear", 9, steps=10, warmup_steps=0) == pytest.approx(0.1)
        assert factor("cosine", 5, steps=10, warmup_steps=0) == pytest.approx(0.5)
        assert factor("trapezoid", 6, steps=10, warmup_steps=0) == 1.0
        assert factor("trapezoid", 8, steps=10, warmup_steps=0) == pytest.approx(0.5)
        assert factor("constant", 9, steps=10, warmup_steps=0) == 1.0


class TestSequences:
    @pytest.mark.parametrize("packed_tokens", [4, 7, 12, 40])
    @pytest.mark.parametrize("max_tokens", [1, 30])
    def test_begin_where_a_plain_loop_finds_them(self, mixture: Mixture, packed_tokens: int, max_tokens: int) -> None:
        """As transformers finds them in positions, and as they are found in these here."""
        fitting = [number for number in range(len(mixture)) if mixture.lengths[number] <= packed_tokens]
        for batch in micro_batches(mixture, fitting, max_tokens=max_tokens, pad_id=0, packed_tokens=packed_tokens):
            assert batch.positions is not None
            assert batch.sequences is not None
            row = batch.positions.reshape(-1).tolist()
            borders = [*(place for place, position in enumerate(row) if position == 0), len(row)]
            assert batch.sequences.borders.tolist() == borders
            assert batch.sequences.borders.dtype == torch.int32
            assert batch.sequences.longest == max(end - start for start, end in zip(borders, borders[1:], strict=False))
            (theirs, _), (longest, _) = prepare_fa_kwargs_from_position_ids(batch.positions)
            assert torch.equal(batch.sequences.borders, theirs)
            assert batch.sequences.longest == int(longest)
            found = between(batch.positions)
            assert torch.equal(found.borders, batch.sequences.borders)
            assert found.longest == batch.sequences.longest

    def test_of_a_pass_that_learns_nothing_are_its_one_token(self) -> None:
        batch = nothing(0, packed=True)
        assert batch.sequences is not None
        assert (batch.sequences.borders.tolist(), batch.sequences.longest) == ([0, 1], 1)

    def test_are_none_of_samples_apart(self, mixture: Mixture) -> None:
        assert collate(mixture, [[0], [1]], pad_id=0).sequences is None
