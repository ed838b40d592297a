"""What is cut from a text, and that nothing is lost by cutting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.text.protection import Piece, inventory, pieces
from jobs.translate.marks import Lost, Marks, XmlMarks
from jobs.translate.units import Style, Unit, segments

MARKDOWN = st.lists(
    st.sampled_from(
        ["word", " ", "\n", "\n\n", "```", "``", "`", "~~~", "python", "- ", "1. ", "# ", "> ", "|", "---", "$", "$$"]
        + ["\\(", "\\)", "<b>", "</b>", "&", "{x}", "%s", "https://a.b/c", "a@b.de", "3.14", "**", "⟦1⟧", "⟦", "é", "."]
        + ["\r\n", "\t", "\x0b", "\u2028", "<!--", "-->", "\\begin{x}", "\\end{x}", "A", "!", "[", "]", "\\", "^"]
    ),
    max_size=40,
).map("".join)
STYLES = [
    Style(span="passage", marks=Marks()),
    Style(span="line", marks=XmlMarks()),
    Style(span="sentence", marks=Marks(), plain=frozenset({"number"}), max_characters=12),
]


def kinds(text: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in pieces(text) if piece.kind not in (None, "layout")]  # type: ignore[misc]


@given(MARKDOWN)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in pieces(text)) == text


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.span)
@given(text=MARKDOWN)
def test_units_that_come_back_as_they_went_are_the_text(style: Style, text: str) -> None:
    parts = segments(text, style)
    assert "".join(part.restore(part.text) if isinstance(part, Unit) else part for part in parts) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```py\nx = 1\n\ny\n```\nb", [("code-block", "```py\nx = 1\n\ny\n```")]),
        ("a\n``python\nx\n``\nb", [("code-block", "``python\nx\n``")]),
        ("a\n```\nnever closed", [("code-block", "```\nnever closed")]),
        ("- item\n  ~~~\n  x\n  ~~~", [("code-block", "  ~~~\n  x\n  ~~~")]),
        ("Use `a b` or ``c`d``.", [("code", "`a b`"), ("code", "``c`d``")]),
        ("See https://a.b/c_(d)?e=f. Or www.a.org, now", [("url", "https://a.b/c_(d)?e=f"), ("url", "www.a.org")]),
        ("Mail me@a-b.org.", [("email", "me@a-b.org")]),
        ("Set {name}, %s and $HOME to ${X}", [("placeholder", t) for t in ("{name}", "%s", "$HOME", "${X}")]),
        ("Costs $20 and $30, or 50% de", [("number", "20"), ("number", "30"), ("number", "50")]),
        ("Area $x^2+1$ is \\(y\\)", [("math", "$x^2+1$"), ("math", "\\(y\\)")]),
        ("Then\n$$\nx=1\n$$\nso", [("math-block", "$$\nx=1\n$$")]),
        ("A <b>bold</b> &amp; done", [("tag", "<b>"), ("tag", "</b>"), ("tag", "&amp;")]),
        ("3 of 1,000.5 at 10:30, not x3", [("number", "3"), ("number", "1,000.5"), ("number", "10:30")]),
        ("In /etc/apt/sources.list and and/or", [("path", "/etc/apt/sources.list")]),
        ("if x < 3 and y > 4", [("number", "3"), ("number", "4")]),
    ],
)
def test_what_is_protected(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found


def test_tables_lists_and_headings_are_layout() -> None:
    text = "# Title\n\n| a b | c |\n| --- | :-: |\n| `x|y` | d |\n\n1. one\n- two\n> three"
    units = [part.source for part in segments(text, STYLES[1]) if isinstance(part, Unit)]
    assert units == ["Title", "a b", "c", "d", "one", "two", "three"]
    assert inventory(text)["layout"] == {"#": 1, "|": 6, "|---|:-:|": 1, "1.": 1, "-": 1, ">": 1}


def test_sentences_are_cut_at_their_ends_only() -> None:
    style = Style(span="sentence", marks=Marks())
    text = 'It is, e.g. Monday. "Yes!" He left at 3.14 p.m. today? `ls` lists. Done'
    units = [part.source for part in segments(text, style) if isinstance(part, Unit)]
    assert units == ["It is, e.g. Monday.", '"Yes!"', "He left at 3.14 p.m. today?", "`ls` lists.", "Done"]


class TestMarks:
    PARTS = [Piece("Use "), Piece("`<x>`", "code"), Piece(" & <go>")]

    def test_xml_carries_the_part_and_its_own_characters_are_escaped(self) -> None:
        text = XmlMarks().encode(self.PARTS)
        assert text == 'Use <x id="1">`&lt;x&gt;`</x> &amp; &lt;go&gt;'
        assert XmlMarks().decode('Vaya &amp; use <x id="1"> </x>', self.PARTS) == "Vaya & use `<x>`"

    @pytest.mark.parametrize("text", ["no mark", "⟦1⟧ ⟦1⟧", "⟦2⟧", "⟦1⟧ ⟦", "⟦ 1"])
    def test_marks_come_back_once_each(self, text: str) -> None:
        with pytest.raises(Lost):
            Marks().decode(text, self.PARTS)

    def test_prose_that_has_marks_of_its_own_keeps_them(self) -> None:
        (unit,) = segments("The ⟦1⟧ sign", Style(span="line", marks=Marks()))
        assert isinstance(unit, Unit)
        assert unit.text == "The ⟦1⟧⟦2⟧⟦3⟧ sign"
        assert unit.restore(unit.text) == "The ⟦1⟧ sign"
