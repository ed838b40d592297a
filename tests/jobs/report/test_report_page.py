"""The report's page in a real browser: what it complains of, what the keyboard reaches, and where links lead."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from jobs.report import folds
from jobs.report import job as report
from polyglot.core.mix import Mix
from polyglot.plan.contrasts import find_contrasts
from tests.kit.chromium import chromium, needs_chromium
from tests.kit.fake_scores import fake_context, report_params
from tests.kit.full_reports import whole_study

LANGUAGES = ("EN", "DE", "FR")
SIZES = [f"{form}@{size}" for form in ("EN", "ENDE") for size in (20, 40, 60)]
MIXES = ["EN", "DE", "FR", "ENDE", "ENDEFR", "ENDEFR-sampled", "DEFR-sampled", "ENDE-sampled", "ENFR-sampled", *SIZES]
UNFOLD = "(is) => document.querySelectorAll('details').forEach((one) => (one.open = is))"
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folds, "MOST", 10)
        yield _made(tmp_path_factory)


def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    contrasts = find_contrasts("tiny", "built-in", [Mix.parse(mix) for mix in MIXES], LANGUAGES)
    study = whole_study(root, MIXES, (0, 1), contrasts, per_category=2, resamples=200, languages=LANGUAGES)
    context = fake_context(report_params(metric="score"), study.inputs, root / "report")
    report.run(context)
    return context.out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    opened = browser.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto((folder / "report.html").as_uri())
    yield opened
    opened.close()
    assert said == []


@pytest.mark.parametrize(("dark", "unfolded"), [(False, True), (True, False)], ids=["light, unfolded", "dark"])
def test_axe_finds_nothing(page: Page, dark: bool, unfolded: bool) -> None:
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.evaluate(UNFOLD, unfolded)
    # what is folded has the colours of what is not, and they take axe a minute
    found = Axe().run(page, options={"rules": {"color-contrast": {"enabled": not unfolded}}}).response["violations"]
    assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]][:3]) for rule in found] == []


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for unfolded in (False, True):
        page.evaluate(UNFOLD, unfolded)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_section_is_there_and_reached_from_the_contents(page: Page) -> None:
    links = page.locator("nav.contents a").all()
    assert len(links) == page.locator("main section").count() >= 17
    links[-1].focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('provenance').getBoundingClientRect().top < innerHeight")


def test_keyboard_first_offers_to_skip_then_the_contents_and_folds_open(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('nav') !== null")
    fold = page.locator("#scores ~ details > summary").first
    fold.focus()
    page.keyboard.press("Enter")
    assert page.locator("#scores ~ details").first.get_attribute("open") is not None
    assert page.locator("#scores ~ details table.heat tbody tr").count() > 15


def test_a_score_opens_its_answers_beside_other_ones(page: Page) -> None:
    page.locator('#scores ~ .scroll a[href*="ENDE"][href*="in=DE"]').first.click()
    page.wait_for_selector("#turns:not([aria-busy]) > *")
    sides = [page.locator(f"#{side}-cell").input_value() for side in "ab"]
    assert sides[0].startswith("tiny/built-in/ENDE")
    assert sides[0] != sides[1]
    assert page.locator("#in").input_value() == "DE"


def test_the_judges_noise_is_told_in_a_sentence_and_a_table(page: Page) -> None:
    said = page.locator(".findings").inner_text()
    assert "Asked again, the judge's scores of one answer scatter by " in said
    table = page.get_by_role("table", name="Where the noise of a mix's mean comes from")
    assert table.locator("tbody th").all_inner_texts() == ["all", *LANGUAGES]


def test_many_arms_stand_folded_on_paper_as_on_the_screen(page: Page, tmp_path: Path) -> None:
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").stat().st_size > 50_000
    page.emulate_media(media="print")
    assert not page.locator("nav.contents").is_visible()
    assert page.locator("#scores ~ .scroll table.heat tbody tr").count() == 10
