"""One mark repeated through a long text: what looks at it reads it once, and not once for every mark.

Nothing is timed: work that grows with the square of these lengths takes minutes, and ends in the test's timeout.
"""

import pytest

from jobs.lib.data.defects import EVERY_DETECTOR, language
from jobs.lib.data.personal import personal_data
from jobs.lib.data.texts import Text
from jobs.lib.quality.protected import compare
from jobs.lib.translate.engines.apertium import Apertium
from jobs.lib.translate.engines.deepl import DeepL
from jobs.lib.translate.engines.openai import OpenAI
from jobs.lib.translate.marks import Marks
from jobs.lib.translate.protection import pieces
from jobs.lib.translate.units import Style, segments

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
