"""From numbers to answers, and what stands open of very many arms."""

import re
from pathlib import Path
from urllib.parse import parse_qs

from msgspec.structs import replace

from jobs.report.answer_links import AnswerLinks
from jobs.report.folds import MOST, folded, leading
from jobs.report.page import render_page
from polyglot.kinds.cells import ArmKey
from tests.kit.reports import Made, make

ENDE = ArmKey("tiny", "built-in", "ENDEFRITES")
HREF = re.compile(r'href="answers\.html#([^"]*)"')


def test_every_number_of_scores_and_categories_opens_its_answers(usual: Made) -> None:
    cells = {cell.cell for cell in usual.document.roster}
    for name in ("scores", "categories"):
        section = usual.page.partition(f'<section aria-labelledby="{name}">')[2].partition("</section>")[0]
        fields = re.findall(r'<td class="[^"]*" style="--v.*?</td>', section)
        assert fields
        assert all(HREF.search(field) for field in fields)
        for said in HREF.findall(section):
            given = parse_qs(said.replace("&amp;", "&"))
            assert given["a"][0] in cells
            assert set(given) <= {"a", "in", "category"}


def test_a_contrast_opens_both_sides(usual: Made) -> None:
    section = usual.page.partition('<section aria-labelledby="contrasts">')[2].partition("</section>")[0]
    found = [parse_qs(said.replace("&amp;", "&")) for said in HREF.findall(section)]
    assert len(found) == len(usual.document.contrasts)
    assert found[0]["a"] == ["tiny/built-in/ENDEFRITES/s0"]
    assert found[0]["b"] == ["tiny/built-in/EN/s0"]


def test_without_answers_there_is_nothing_to_open(usual: Made) -> None:
    document = replace(usual.document, answers=False)
    assert AnswerLinks.of(document).to(ENDE) == ""
    assert "answers.html" not in render_page(document)


def test_few_stand_open_and_of_many_the_largest_sizes(tmp_path: Path) -> None:
    assert folded(range(MOST), is_open=lambda row: False) == (tuple(range(MOST)), ())
    few, rest = folded(range(MOST + 1), is_open=lambda row: row == 7)
    assert (few, len(rest)) == ((7,), MOST)
    assert folded(range(MOST + 1), is_open=lambda row: False)[1] == (MOST,)
    mixes = tuple(f"{form}@{size}" for form in ("EN", "ENDE") for size in range(16, 16 + MOST // 2 + 1))
    document = make(tmp_path, mixes, (0,)).document
    assert {key.arm for key in leading(document)} == {"untuned", f"EN@{16 + MOST // 2}", f"ENDE@{16 + MOST // 2}"}


def test_a_radar_for_each_mix_with_its_means_in_words(usual: Made) -> None:
    found = re.findall(r'<svg class="plot radar".*?<title>(.*?)</title>(.*?)</svg>', usual.page)
    arms = {cell.arm_key for cell in usual.document.roster}
    assert len(found) == len(arms)
    said, drawing = found[0]
    assert "by category: first " in said
    assert drawing.count("<polygon") == 2
    assert drawing.count("<text") == len(usual.document.method.categories)


def test_a_link_to_what_was_judged_otherwise_names_it_as_a_page_reads_it() -> None:
    """A plus sign is a space to who reads such a text, unless it is written otherwise."""
    again = ArmKey("tiny", "built-in", "EN+native")
    links = AnswerLinks({again: "tiny/built-in/EN/s0+native"})
    given = parse_qs(links.to(again, category="c++").partition("#")[2])
    assert given == {"a": ["tiny/built-in/EN/s0+native"], "category": ["c++"]}
