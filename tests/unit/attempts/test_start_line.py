"""The line by which an output says whose it is is written and read by one module."""

from hypothesis import given
from hypothesis import strategies as st

from polyglot.attempts.attempts import start_line, starts_in

numbers = st.integers(1, 10**6)
labels = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))


@given(
    numbers, st.lists(numbers), st.integers(1, 64), st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))
)
def test_starts_are_read_as_they_were_written(number: int, starts: list[int], ranks: int, label: str) -> None:
    lines = [f"INFO polyglot.worker: {label}: {start_line(number, start, rank=0, ranks=ranks)}\n" for start in starts]
    assert starts_in("".join(lines).encode(), number) == starts


def test_another_attempt_s_starts_and_text_that_only_looks_alike_do_not_count() -> None:
    output = f"x: {start_line(2, 1)}\nx: {start_line(1, 3)} and so on\nsaid attempt 1, start 4\n".encode()
    assert starts_in(output, 1) == []
