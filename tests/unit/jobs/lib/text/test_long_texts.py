"""One mark repeated through a long text: what looks at it reads it once, and not once for every mark.

Nothing is timed: work that grows with the square of these lengths takes minutes, and ends in the test's timeout.
"""

import pytest

from jobs.lib.card.defects import EVERY_DETECTOR, language
from jobs.lib.text.personal import personal_data
from jobs.lib.text.protection import pieces
from jobs.lib.text.texts import Text
from jobs.quality.protected import compare
from jobs.translate.engines.apertium import Apertium
from jobs.translate.engines.deepl import DeepL
from jobs.translate.engines.openai import OpenAI
from jobs.translate.marks import Marks
from jobs.translate.units import Style, segments

CHARACTERS = 80_000
NEURAL = Style(span="sentence", marks=Marks(), plain=frozenset({"number", "emphasis"}), max_characters=1000)
STYLES = (Apertium.style, DeepL.style, OpenAI.style, NEURAL)
MARKS = ("«", "_", "1 ", "1-", "a-", "a.", "/*", "\\(", "\\[", "\\begin{a}", "<!--", "| ", "\n")
WITHIN = (
    ("", " ", "x"),
    ("%", "0", ""),
    ("-----BEGIN ", "_", ""),
    ("```\n", "/* ", "\n```"),
    ("```\n", '\\"', "\n```"),
    ("```\n", "\\'", "\n```"),
    ("```\ndef f(", ")->", "\n```"),
    ("```\nfrom a import b", " ", "!\n```"),
)
TEXTS = (*(("", mark, "") for mark in MARKS), *WITHIN)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("before", "mark", "after"), TEXTS)
def test_the_card_s_rules_read_a_text_once(before: str, mark: str, after: str) -> None:
    raw = before + mark * (CHARACTERS // len(mark)) + after
    for detector in EVERY_DETECTOR.values():
        detector(Text(raw), Text(raw))
    language.spoken(Text(raw), "DE")
    personal_data(raw, "DE")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("before", "mark", "after"), TEXTS)
def test_a_translation_s_protection_reads_a_text_once(before: str, mark: str, after: str) -> None:
    raw = before + mark * (CHARACTERS // len(mark)) + after
    assert "".join(piece.text for piece in pieces(raw)) == raw
    for style in STYLES:
        segments(raw, style)
    assert compare(raw, raw).intact
