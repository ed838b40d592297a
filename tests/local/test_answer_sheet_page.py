"""The page of a sheet of answers in a real browser, opened from a disk at a phone's width: filled, saved, imported."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from polyglot.kinds.people import HumanVote, read_votes
from tests.kit.answered import answered
from tests.kit.chromium import PICTURES, chromium, needs_chromium
from tests.kit.desk import Desk

pytestmark = needs_chromium
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk.at(tmp_path, monkeypatch)
    answered(made, made.submitted(made.one_mix()))
    return made


class Opened:
    """A sheet's page, and all that it asked for and complained of."""

    def __init__(self, browser: Browser, desk: Desk, *options: str) -> None:
        done = desk.run("sheet", "export", "one", *options, "--rows", "4", "--language", "DE", "--store", desk.url)
        assert done.code == 0, done.err
        self.path = desk.root / done.out.splitlines()[0]
        self.page: Page = browser.new_context(viewport=PHONE).new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(self.path.as_uri())

    def begin(self, rater: str = "anna", speaks: str = "native") -> None:
        self.page.fill("#rater", rater)
        self.page.check(f"input[value={speaks}]")
        self.page.click("#begin")

    def narrow(self) -> bool:
        """Whether nothing is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    def save(self, folder: Path) -> Path:
        with self.page.expect_download() as download:
            self.page.click("#save")
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path


def take(desk: Desk, path: Path) -> list[HumanVote]:
    done = desk.run("sheet", "import", "one", path, "--store", desk.url)
    assert done.code == 0, done.err
    return [vote for _, vote in read_votes(desk.root / done.out.splitlines()[0], "votes")]


def picture(opened: Opened, name: str) -> None:
    if PICTURES:
        opened.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_pairs_are_judged_on_a_phone_saved_and_imported(browser: Browser, desk: Desk) -> None:
    opened = Opened(browser, desk, "--pairs", "ENDE,untuned")
    page = opened.page
    picture(opened, "start")
    assert opened.narrow()
    page.click("#begin")
    assert page.inner_text("#missing") == "Wählen Sie zuerst ein Pseudonym"
    page.fill("#rater", "anna")
    page.click("#begin")
    assert page.inner_text("#missing").startswith("Sagen Sie zuerst")
    assert not page.is_visible("#work")
    opened.begin()
    shown = []
    for number, vote in enumerate(("A", "tie", "both-bad", "B")):
        texts = page.locator("#item .text").all_inner_texts()
        assert len(texts) == 2 * 3  # both turns: the question, and two answers
        shown.append(texts)
        page.click(f"[data-vote={vote}]")
        assert page.get_attribute(f"[data-vote={vote}]", "aria-pressed") == "true"
        assert opened.narrow()
        if number == 1:
            page.fill("#comment", "gleich \u2028 </script>")
            page.wait_for_timeout(2100)  # looked at, for the time that is recorded
        picture(opened, f"pair-{number}")
        page.click("#on") if number < 3 else None
    saved = opened.save(desk.root)
    votes = take(desk, saved)
    assert len(votes) == 4
    found = {vote.outcome: vote for vote in votes}
    assert set(found) == {"first", "tie", "both-bad", "second"}
    assert found["tie"].comment == "gleich \u2028 </script>"
    assert (found["tie"].seconds or 0) >= 1
    assert {(vote.rater, vote.speaks, vote.language) for vote in votes} == {("anna", "native", "DE")}
    voices = {"untuned": "voice0", "ENDE": "voice1"}
    for texts, outcome in zip(shown, ("first", "tie", "both-bad", "second"), strict=True):
        vote = found[outcome]
        for cell, text in ((vote.first, texts[1]), (vote.second, texts[2])):
            assert voices["ENDE" if "ENDE" in (cell or "") else "untuned"] in text
            assert f" {vote.id} " in text
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith(("file:", "blob:"))] == []
    assert page.title() == "Antworten bewerten, DE"


def test_what_was_marked_is_there_after_the_page_was_closed(browser: Browser, desk: Desk) -> None:
    opened = Opened(browser, desk, "--pairs", "ENDE,untuned")
    opened.begin()
    opened.page.keyboard.press("t")
    opened.page.keyboard.press("ArrowRight")
    opened.page.reload()
    assert opened.page.input_value("#rater") == "anna"
    opened.page.click("#begin")
    assert opened.page.inner_text("#place") == "2 / 4"
    assert "1 von 4 bewertet" in opened.page.inner_text("#state")
    opened.page.click("#back")
    assert opened.page.get_attribute("[data-vote=tie]", "aria-pressed") == "true"


def test_scores_by_the_keyboard_alone(browser: Browser, desk: Desk) -> None:
    opened = Opened(browser, desk, "--single", "ENDE")
    page = opened.page
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "rater":
            break
    page.keyboard.type("bert")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # from the first to the second of the levels
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for key in "170":
        page.keyboard.press(key)
        page.keyboard.press("ArrowRight")
    picture(opened, "single")
    assert opened.narrow()
    saved = opened.save(desk.root)
    assert [row["vote"] for row in json.loads(saved.read_text(encoding="utf-8"))["votes"]] == [1, 7, 10]
    votes = take(desk, saved)
    assert sorted(vote.score or 0 for vote in votes) == [1, 7, 10]
    assert {vote.speaks for vote in votes} == {"fluent"}


@pytest.mark.parametrize("options", [("--pairs", "ENDE,untuned"), ("--single", "ENDE")], ids=["pairs", "single"])
def test_assistive_technology_can_use_it(browser: Browser, desk: Desk, options: tuple[str, ...]) -> None:
    opened = Opened(browser, desk, *options)
    context = browser.new_context(viewport=PHONE, bypass_csp=True)
    opened.page = context.new_page()
    opened.page.goto(opened.path.as_uri())
    for step in ("start", "work"):
        if step == "work":
            opened.begin()
        found = Axe().run(opened.page)
        assert found.violations_count == 0, f"{step}: {found.generate_report()}"
