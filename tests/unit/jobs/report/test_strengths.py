"""The section of strengths, on pairs with known effects."""

from collections.abc import Iterator

import numpy as np
import pytest
from msgspec.structs import replace

from jobs.reliability.pairs import Compared
from jobs.reliability.strengths import How, strength_tables
from jobs.report.numbers import View
from jobs.report.page import render_page
from jobs.report.sections import strengths
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.compare import OrderVerdict, PairVerdict, Slot
from polyglot.kinds.metrics import EXACT
from polyglot.kinds.reliability import Reliability
from polyglot.kinds.report import Report
from polyglot.kinds.strengths import StrengthTable
from tests.kit.reports import Made, Page

BETTER = {"ENDEFRITES": 1.2, "ENDEFRITES-sampled": 1.0, "DEFRITES": 0.9, "EN": 0.2, "DE": 0.0}
LANGUAGES, SEEDS, QUESTIONS = ("EN", "DE"), (0, 1), 32
HOW = How(level=0.95, resamples=500, most_unscored=0.05)


def compared(silent: str = "", never: str = "") -> Iterator[Compared]:
    """Every two mixes in both orders; the judge of `silent` often says nothing, and `never` always loses."""
    random = np.random.Generator(np.random.Philox(3))
    arms = [ArmKey("tiny", "built-in", name) for name in BETTER]
    for language in LANGUAGES:
        for seed in SEEDS:
            for place, first in enumerate(arms):
                for second in arms[place + 1 :]:
                    for question in range(QUESTIONS):
                        apart = BETTER[first.arm] - BETTER[second.arm] + random.normal(0, 0.8)
                        orders = []
                        for sign in (1, -1):
                            lean = sign * apart + 0.4 + random.logistic()
                            said: Slot | None = "A" if lean > 0.3 else "B" if lean < -0.3 else "tie"
                            if never in (first.arm, second.arm):
                                said = "B" if (never == first.arm) == (sign == 1) else "A"
                            if silent in (first.arm, second.arm) and question % 4 == 0:
                                said = None
                            orders.append(OrderVerdict(said=said, reason=None if said else "no-verdict"))
                        verdict = PairVerdict(
                            id=str(81 + question),
                            language=language,
                            category="",
                            sample=0,
                            turn=1,
                            outcome="tie",
                            orders=tuple(orders),
                            characters=(int(300 * 2 ** random.normal()), int(300 * 2 ** random.normal())),
                        )
                        yield Compared(
                            pair=f"{first} {second} {seed}",
                            judge="judge",
                            cells=(first.arm, second.arm),
                            arms=(first, second),
                            turned=False,
                            verdict=verdict,
                            seed=seed,
                        )


def tables(**what: str) -> list[StrengthTable]:
    category = {str(81 + question): "" for question in range(QUESTIONS)}
    scores = {(ArmKey("tiny", "built-in", name), "all"): better for name, better in BETTER.items()}
    return list(strength_tables(list(compared(**what)), LANGUAGES, category, scores, HOW))


def with_strengths(report: Report, found: list[StrengthTable]) -> Report:
    card = Reliability(level=0.95, judges=(), results=(), suspicious=(), warnings=(), strengths=tuple(found))
    return replace(report, reliability=card)


@pytest.fixture(scope="module")
def usual_tables() -> list[StrengthTable]:
    return tables()


class TestTables:
    def test_arms_stand_by_strength_and_close_ones_share_a_letter(self, usual_tables: list[StrengthTable]) -> None:
        whole = usual_tables[0]
        assert [table.language for table in usual_tables] == ["all", "EN", "DE"]
        assert {row.arm.arm for row in whole.arms[:3]} == {"ENDEFRITES", "ENDEFRITES-sampled", "DEFRITES"}
        letters = {row.arm.arm: set(row.letters) for row in whole.arms}
        assert letters["ENDEFRITES"] & letters["ENDEFRITES-sampled"]
        assert {row.seeds for row in whole.arms} == {2}
        assert whole.scores.apart_opposite == 0
        assert whole.scores.tau is not None
        assert whole.scores.tau > 0.5

    def test_the_first_slot_is_found(self, usual_tables: list[StrengthTable]) -> None:
        slot = usual_tables[0].first_slot
        assert slot.low is not None
        assert slot.low > 0.2

    def test_an_arm_that_always_loses_leaves_the_others_their_strengths(self) -> None:
        whole = tables(never="DE")[0]
        last = whole.arms[-1]
        assert (last.arm.arm, last.strength.value, last.strength.low) == ("DE", None, None)
        assert last.strength.high is not None
        assert last.strength.high < -1
        assert all(row.strength.value is not None for row in whole.arms[:-1])
        assert {arm.arm for arm in whole.zero} == {*BETTER} - {"DE"}


class TestSection:
    def test_has_a_row_an_arm_and_words_for_every_drawing(self, usual: Made, usual_tables: list[StrengthTable]) -> None:
        report = with_strengths(usual.document, usual_tables)
        shown = strengths.show(report, View.of(report))
        assert shown is not None
        (figure,) = shown.figures
        assert [row.name for row in figure.rows] == [row.arm.arm for row in usual_tables[0].arms]
        assert figure.zero == "the mean of all"
        assert shown.missing == "untuned, FR, IT, ES and ENDEFRITES@48"
        page = Page(render_page(report))
        assert not page.open
        assert "strengths.csv" in {attributes.get("href") for tag, attributes in page.tags if tag == "a"}

    def test_what_is_not_ranked_has_no_letter_and_says_why(self, usual: Made) -> None:
        report = with_strengths(usual.document, tables(silent="EN", never="DE"))
        shown = strengths.show(report, View(metric=EXACT, other=EXACT, level="95%"))
        assert shown is not None
        rows = {row.name: row for row in shown.figures[0].rows}
        assert rows["EN"].letters == "not ranked: more than 5.0% unscored"
        assert not rows["DEFRITES"].letters.startswith("not ranked")  # its pairs with EN are what is unscored
        assert rows["DE"].value.startswith("below \u2212")
        assert rows["DE"].limits == ""

    def test_is_left_out_where_nothing_was_compared(self, usual: Made) -> None:
        assert strengths.show(usual.document, View.of(usual.document)) is None
