"""Any text becomes one harmless, bounded line."""

from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.line import one_line


@given(st.text())
def test_one_printable_line_of_bounded_length(text: str) -> None:
    line = one_line(text, 40)
    assert len(line) <= 40
    assert line.splitlines() in ([line], [])
    assert line.isprintable()
    assert one_line(line, 40) == line


def test_words_stay_and_what_steers_a_terminal_does_not() -> None:
    assert one_line(" ein\n\tWort:\r\n  größer ") == "ein Wort: größer"
    assert one_line("a\x1b[31mred\u202egniht") == "a?[31mred?gniht"
    assert one_line("x" * 600) == "x" * 499 + "…"
