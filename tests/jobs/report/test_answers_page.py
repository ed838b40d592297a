"""The page of answers in a real browser, opened from a disk: what it shows, asks for, and lets a keyboard do."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from polyglot.kinds.judge import Verdict
from tests.kit.browsed import ENDE, HOSTILE, LONG, TWICE, Browsed, browsed
from tests.kit.chromium import PICTURES, chromium, needs_chromium

FOCUSED = """(() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return [one.id || one.textContent, one === document.body || style.outlineStyle !== "none"];
})()"""
EN, DE = "tiny/built-in/EN/s0", "tiny/built-in/DE/s0"
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Browsed:
    return browsed(tmp_path_factory.mktemp("browsed"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Opened:
    """The page, and all that it asked for and complained of."""

    def __init__(self, browser: Browser, folder: Path, *, width: int = 1280, dark: bool = False) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page: Page = context.new_page()
        self.address = (folder / "answers.html").as_uri()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))

    def open(self, **view: object) -> "Opened":
        """Open it at a view."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#{urlencode(view)}")
        self.page.wait_for_selector("#turns:not([aria-busy]) > *")
        return self

    @property
    def matches(self) -> list[str]:
        """What is in the list: id and language."""
        return [" ".join(text.split()) for text in self.page.locator("#list .id").all_inner_texts()]

    def pick(self, control: str, value: str) -> None:
        """Choose in a control, and wait until the page has drawn what its address says then."""
        locator, before = self.page.locator(f"#{control}"), self.page.evaluate("location.hash")
        # heard after the page's own listener, which draws
        self.page.evaluate("window.heard = false; addEventListener('hashchange', () => window.heard = true)")
        if control in ("most", "differ"):
            locator.fill(value)
            locator.press("Enter")
        else:
            locator.select_option(value=value)
        self.until(f"(new URLSearchParams(location.hash.slice(1)).get('{control}') ?? '') === '{value}'")
        if self.page.evaluate("location.hash") != before:
            self.until("window.heard")

    def until(self, expression: str) -> None:
        """Wait until an expression holds; Playwright's own wait needs `eval` in the page, which its policy forbids."""
        deadline = time.monotonic() + 20
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(20)


@pytest.fixture
def opened(browser: Browser, made: Browsed) -> Iterator[Opened]:
    one = Opened(browser, made.folder)
    yield one
    one.page.context.close()
    assert one.said == []
    assert [url for url in one.asked if not url.startswith((made.folder.as_uri(), "about:"))] == []


def means(verdicts: list[Verdict], identity: str) -> tuple[list[float], float | None]:
    scores = [row.score for row in verdicts if row.id == identity and row.sample == 0 and row.score is not None]
    return scores, sum(scores) / len(scores) if scores else None


class TestView:
    def test_shows_both_turns_of_two_models_with_their_verdicts(self, opened: Opened, made: Browsed) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="90")
        page = opened.page
        assert page.locator("#title").inner_text() == "Question 90, twice, German"
        assert page.locator(".turn").count() == 2
        for side, cell in (("a", ENDE), ("b", EN)):
            said = next(row for row in made.answers(cell, "DE") if row.id == "90")
            texts = page.locator(f".answer.{side} > .text").all_text_contents()
            assert texts == [turn.text for turn in said.turns]
            verdicts = [row for row in made.verdicts(cell, "DE") if row.id == "90"]
            assert page.locator(f".answer.{side} .verdict .text").all_text_contents() == [row.text for row in verdicts]
            heads = page.locator(f".answer.{side} .verdict b").all_inner_texts()
            assert heads == [f"{row.score:g} of 10" if row.score else f"no score: {row.reason}" for row in verdicts]
        assert "by rules-1" in page.locator(".verdict").first.inner_text()

    def test_loads_pieces_only_when_they_are_wanted(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="90")
        loaded = {url.rpartition("/")[2] for url in opened.asked if url.endswith("-0.js")}
        assert loaded == {"questions-DE-0.js", "5-DE-0.js", "1-DE-0.js"}

    def test_seeds_and_samples_are_chosen(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="90")
        assert not opened.page.locator("#a-sample").is_visible()
        opened.page.locator("#a-cell").select_option(TWICE)
        opened.page.wait_for_selector("#a-sample:visible")
        opened.page.locator("#a-sample").select_option(index=1)
        opened.until("location.hash.includes('an=1')")
        assert opened.page.locator("#a-cell option").all_inner_texts() == ["0", "1"]

    def test_what_is_the_matter_is_said_beside_the_answer(self, opened: Opened) -> None:
        told = {"82": "in English", "83": "repeats itself", "84": "empty", "85": "cut at the length limit"}
        for identity, text in told.items():
            opened.open(a=ENDE, b=DE, lang="DE", q=identity)
            assert text in opened.page.locator(".answer.a").first.locator(".flag").all_inner_texts()
        opened.open(a=ENDE, b=DE, lang="DE", q="88")
        assert "No answer: http-503" in opened.page.locator(".answer.a").nth(1).inner_text()
        assert "3.2% in another language" in opened.page.locator("#a-facts").inner_text()  # 1 of 31 answered
        assert "3.1% no answer" in opened.page.locator("#a-facts").inner_text()  # 1 of all 32

    def test_a_reference_that_is_wrong_is_marked(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="86")
        assert opened.page.locator(".reference .flag").all_inner_texts() == ["known to be wrong"]
        opened.open(a=ENDE, b=EN, lang="DE", q="87")
        assert opened.page.locator(".reference").count() == 1
        assert opened.page.locator(".reference .flag").count() == 0

    def test_hostile_texts_stay_texts(self, opened: Opened, made: Browsed) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="86")
        page = opened.page
        assert page.locator(".answer.a > .text").first.text_content() == HOSTILE
        assert HOSTILE in (page.locator(".question").first.text_content() or "")
        assert HOSTILE in (page.locator(".verdict .text").first.text_content() or "")
        assert HOSTILE in (page.locator(".reference .text").first.text_content() or "")
        assert page.locator("img, #turns b:not(.verdict b), #turns script").count() == 0
        assert page.title() == "browsed: answers and verdicts"
        scripts = "".join(path.read_text(encoding="utf-8") for path in (made.folder / "answers").glob("*-0.js"))
        assert not [mark for mark in ("<", "\u2028", "\u2029") if mark in scripts]

    def test_long_lines_break(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="87")
        assert opened.page.locator(".answer.a > .text").first.text_content() == LONG
        assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_languages_and_directions_are_said(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="AR", q="90")
        question = opened.page.locator(".question").first
        assert (question.get_attribute("lang"), question.get_attribute("dir")) == ("ar", "rtl")
        assert opened.page.locator(".answer > .text").first.evaluate("one => getComputedStyle(one).direction") == "rtl"
        opened.open(a=ENDE, b=EN, lang="DE", q="82")
        assert opened.page.locator(".answer > .text").first.get_attribute("lang") == "en"
        assert opened.page.locator(".question").first.get_attribute("lang") == "de"


class TestFilters:
    def test_language_and_category(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN)
        assert opened.page.locator("#count").inner_text() == "48 of 48 match"
        opened.pick("in", "AR")
        assert opened.matches == [f"{number} AR" for number in range(81, 97)]
        opened.pick("category", "copy")
        assert opened.matches == ["87 AR", "88 AR"]
        assert opened.page.locator("#count").inner_text() == "2 of 48 match"
        assert opened.page.locator("#title").inner_text() == "Question 87, copy, Arabic"
        opened.page.locator("#reset").click()
        opened.until("document.querySelectorAll('#list li').length === 48")

    @pytest.mark.parametrize(
        ("defect", "found"),
        [
            ("other-language", ["82 DE"]),
            ("repeated", ["83 DE", "87 DE"]),
            ("empty", ["84 DE"]),
            ("no-answer", ["88 DE"]),
        ],
    )
    def test_each_defect(self, opened: Opened, defect: str, found: list[str]) -> None:
        opened.open(a=ENDE, b=ENDE)
        opened.pick("defect", defect)
        assert opened.matches == found

    def test_cut_answers_and_failed_verdicts(self, opened: Opened, made: Browsed) -> None:
        opened.open(a=ENDE, b=ENDE)
        opened.pick("in", "DE")
        opened.pick("defect", "cut")
        cut = [row.id for row in made.answers(ENDE, "DE") if any(turn.finish == "length" for turn in row.turns)]
        assert opened.matches == [f"{identity} DE" for identity in cut]
        opened.pick("defect", "no-verdict")
        failed = dict.fromkeys(row.id for row in made.verdicts(ENDE, "DE") if row.score is None)
        assert opened.matches == [f"{identity} DE" for identity in failed]

    def test_lowest_score_and_difference(self, opened: Opened, made: Browsed) -> None:
        opened.open(a=ENDE, b=EN, **{"in": "DE"})
        sides = [made.verdicts(cell, "DE") for cell in (ENDE, EN)]
        ids = [str(number) for number in range(81, 97)]
        rated = {one: [means(side, one) for side in sides] for one in ids}
        opened.pick("most", "3")
        low = [one for one in ids if min(rated[one][0][0] + rated[one][1][0]) <= 3]
        assert opened.matches == [f"{one} DE" for one in low]
        opened.pick("most", "")
        opened.pick("differ", "4.5")
        apart = {one: abs((rated[one][0][1] or 0) - (rated[one][1][1] or 0)) for one in ids}
        assert opened.matches == [f"{one} DE" for one in ids if apart[one] >= 4.5]
        assert 0 < len(opened.matches) < 16
        opened.pick("differ", "")
        opened.pick("sort", "difference")
        assert [apart[text[:2]] for text in opened.matches] == sorted(apart.values(), reverse=True)
        opened.pick("sort", "lowest")
        lowest = [min(rated[text[:2]][0][0] + rated[text[:2]][1][0]) for text in opened.matches]
        assert lowest == sorted(lowest)

    def test_nothing_may_match(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=ENDE, lang="DE", q="90")
        opened.pick("defect", "repeated")
        opened.pick("in", "AR")
        assert opened.page.locator("#count").inner_text() == "None of 48 matches"


class TestLinks:
    def test_a_verdict_s_link_opens_exactly_that_view(self, opened: Opened, browser: Browser, made: Browsed) -> None:
        opened.open(a=TWICE, an=1, b=EN, lang="DE", q="90", category="twice", sort="lowest")
        opened.page.locator("#verdict-b-2 a").click()
        opened.page.wait_for_selector("#verdict-b-2.marked")
        link, before = opened.page.url, opened.page.locator("main").inner_html()
        again = Opened(browser, made.folder)
        again.page.goto(link)
        again.page.wait_for_selector("#verdict-b-2.marked:focus")
        assert again.page.locator("main").inner_html() == before
        assert again.page.locator("#a-sample").input_value() == "1"
        assert again.page.locator("#category").input_value() == "twice"
        again.page.context.close()

    def test_names_that_are_not_there_are_told(self, opened: Opened) -> None:
        opened.open(a="tiny/gone/s0", b=EN, lang="XX", q="7")
        assert opened.page.locator("#note").inner_text() == "Not in this report: tiny/gone/s0, XX, 7"

    @pytest.mark.parametrize(
        ("name", "value"),
        [("sort", "constructor"), ("in", "QQ"), ("defect", "nope"), ("most", "abc"), ("differ", " "), ("an", "7")],
    )
    def test_a_filter_that_means_nothing_is_told_and_filters_nothing(
        self, opened: Opened, name: str, value: str
    ) -> None:
        opened.open(a=ENDE, b=EN, **{name: value})
        assert opened.page.locator("#note").text_content() == f"Not in this report: {value}"
        assert opened.page.locator("#count").inner_text() == "48 of 48 match"
        assert opened.page.locator("#sort").input_value() == "order"

    def test_numbers_of_the_report_open_their_answers(self, opened: Opened, made: Browsed) -> None:
        opened.page.goto((made.folder / "report.html").as_uri())
        opened.page.locator("#defects ~ .scroll a").first.click()
        opened.page.wait_for_selector("#turns:not([aria-busy]) > *")
        assert opened.matches == ["82 DE"]

    def test_back_goes_to_the_question_before(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="90")
        opened.page.locator("#next").click()
        opened.until("document.querySelector('#title').textContent.includes('91')")
        opened.page.go_back()
        opened.until("document.querySelector('#title').textContent.includes('90')")


class TestKeyboard:
    def test_j_and_k_step_and_can_be_switched_off(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="90")
        title = opened.page.locator("#title")
        opened.page.keyboard.press("j")
        opened.until("document.querySelector('#title').textContent.includes('91')")
        opened.page.keyboard.press("k")
        opened.until("document.querySelector('#title').textContent.includes('90')")
        opened.page.locator("#keys").uncheck()
        opened.page.keyboard.press("j")
        assert "90" in title.inner_text()

    def test_arrows_walk_through_the_list(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="EN", q="81")
        opened.page.locator("#list [aria-current]").focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
            opened.page.keyboard.press(key)
        opened.page.keyboard.press("Enter")
        opened.until("document.querySelector('#title').textContent.includes('82')")

    def test_tab_passes_everything_and_focus_is_seen(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="90")
        seen = []
        for _ in range(40):
            opened.page.keyboard.press("Tab")
            found = opened.page.evaluate(FOCUSED)
            seen.append(found[0])
            assert found[1], found
            if len(seen) > 1 and seen[-1] == "skip":
                break
        assert seen[0] == "skip"
        assert {"a-arm", "in", "sort", "next", "Link to this verdict"} <= set(seen)
        assert len(seen) < 40  # it comes round: the list is one stop

    def test_the_way_to_the_answers_may_be_cut_short(self, opened: Opened) -> None:
        opened.open(a=ENDE, b=EN, lang="DE", q="90")
        opened.page.keyboard.press("Tab")
        opened.page.keyboard.press("Enter")
        assert opened.page.evaluate("document.activeElement.id") == "shown"


class TestReach:
    @pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk", "phone, dark"])
    def test_axe_finds_nothing(self, browser: Browser, made: Browsed, width: int, dark: bool) -> None:
        one = Opened(browser, made.folder, width=width, dark=dark).open(
            a=ENDE, b=EN, lang="DE", q="82", side="a", turn=1
        )
        found = Axe().run(one.page).response["violations"]
        assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found] == []
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if PICTURES:
            one.page.screenshot(path=f"{PICTURES}/answers-{width}-{'dark' if dark else 'light'}.png", full_page=True)
        one.page.context.close()

    def test_a_piece_that_is_missing_is_told(self, browser: Browser, made: Browsed, tmp_path: Path) -> None:
        copy = shutil.copytree(made.folder, tmp_path / "copy")
        (copy / "answers" / "1-DE-0.js").unlink()
        one = Opened(browser, copy).open(a=ENDE, b=EN, lang="DE", q="90")
        assert "answers/1-DE-0.js cannot be loaded" in one.page.locator("#turns [role=alert]").inner_text()
        one.page.context.close()
