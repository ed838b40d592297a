"""The report as a reader gets it, of 30 and of 200 arms: time, memory and bytes, and what a browser says of its page.

    python -m tests.bench.report_pages [ARMS …] [--pictures FOLDER] [--keep FOLDER]

Five languages, three seeds, 80 questions of two turns, the contrasts that are found by rule, pairs, a retest, losses on
rows held back and the pages of answers. The report's job runs in a process of its own. A browser opens the page at
three widths: seconds until it is drawn, megabytes of its process, elements, height in screens, what is wider than the
screen, complaints of the console and of axe. With --pictures each width and the printed page are kept.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from polyglot.core.mix import Mix
from polyglot.plan.contrasts import find_contrasts
from tests.bench._sides import ROOT
from tests.bench.study_scale import mixes as sized
from tests.bench.study_scale import run
from tests.kit.chromium import chromium
from tests.kit.fake_scores import LANGUAGES, report_params
from tests.kit.full_reports import whole_study

WIDTHS = (390, 768, 1280)
SEEDS = (0, 1, 2)
SHARES = ("EN:0.6,DE:0.2,FR:0.2", "EN:0.2,DE:0.6,FR:0.2", "EN:0.2,DE:0.2,FR:0.6")
STOPS = """[...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
  .filter((one) => one.checkVisibility()).length"""
WIDER = """[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
  && !one.closest(".scroll, pre") && !one.closest("svg")).map((one) => one.outerHTML.slice(0, 90)).slice(0, 5)"""


def main() -> None:
    """Print a line for the job, and one for each width."""
    parser = argparse.ArgumentParser()
    parser.add_argument("arms", nargs="*", type=int, default=(30, 200))
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--keep", type=Path, help="where the reports are left")
    options = parser.parse_args()
    for arms in options.arms:
        with tempfile.TemporaryDirectory(prefix="report-") as folder:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as aside:  # a child's peak is its parent's
                contrasts = aside.submit(prepared, Path(folder), arms).result()
            out = made(Path(folder), arms, contrasts)
            look(out, arms, options.pictures)
            if options.keep:
                shutil.copytree(out, options.keep / str(arms), dirs_exist_ok=True)


def mixes(arms: int) -> list[str]:
    """30: single languages, several, sampled, a few sizes, weights of three; more: many sizes of fewer forms."""
    if arms > 30:
        return sized(arms)
    several = ("ENDE", "DEFRITES", "ENDEFRITES", "ENDEFRITES-sampled", "DEFRITES-sampled")
    three = ("DEFR-sampled", "ENFR-sampled", "ENDE-sampled", "ENDEFR-sampled")
    forms = ("ENDEFRITES", "EN", "DEFRITES", "DE")
    sizes = [f"{form}@{size}" for size in (25, 50, 100, 200) for form in forms]
    return [*LANGUAGES, *several, *three, *sizes][:arms]


def prepared(folder: Path, arms: int) -> int:
    """Write what the report's job reads; how many contrasts there are."""
    names = mixes(arms)
    contrasts = find_contrasts("tiny", "built-in", [Mix.parse(name) for name in names], LANGUAGES)
    study = whole_study(folder / "study", names, SEEDS, contrasts)
    read = {role: [str(source.root), source.key] for role, source in study.inputs.items()}
    given = {"params": report_params(metric="score").document(), "inputs": read}
    (folder / "report.json").write_text(json.dumps(given), encoding="utf-8")
    return len(contrasts)


def made(folder: Path, arms: int, contrasts: int) -> Path:
    """Make the report, and print what the job took; where it lies."""
    took = run("report", folder, ROOT)
    out = folder / "report/out"
    sizes = [
        f"{name} {(out / name).stat().st_size / 2**20:.2f}" for name in ("report.html", "report.json", "answers.html")
    ]
    every = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 2**20
    job = f"{arms:4} arms, {contrasts} contrasts: {took.processors:.2f} s, {took.mib:.0f} MiB"
    print(f"{job}; {every:.1f} MiB, of these {', '.join(sizes)}", flush=True)
    return out


def look(out: Path, arms: int, pictures: Path | None) -> None:
    """Open the page at each width."""
    with chromium() as browser:
        for width in WIDTHS:
            print(f"{arms:4} arms, {width} wide: {opened(browser, out, width, arms, pictures)}", flush=True)


def opened(browser: Browser, out: Path, width: int, arms: int, pictures: Path | None) -> str:
    """What the browser says of it."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    began = time.perf_counter()
    page.goto((out / "report.html").as_uri())
    took = time.perf_counter() - began
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable")
    metrics = {row["name"]: row["value"] for row in devtools.send("Performance.getMetrics")["metrics"]}
    height = page.evaluate("document.documentElement.scrollHeight") / 900
    stops = page.evaluate(STOPS)
    wider = page.evaluate(WIDER)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    wider += [f"unfolded {text}" for text in page.evaluate(WIDER)]
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = false))")
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
        _sections(page, pictures, f"{arms}-{width}")
        if width == max(WIDTHS):
            page.pdf(path=pictures / f"{arms}.pdf", format="A4")
    # colours are the same at each width, and take axe minutes on a page of 200 arms
    colours = {"rules": {"color-contrast": {"enabled": width == max(WIDTHS)}}}
    violations = Axe().run(page, options=colours).response["violations"]
    broken = [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in violations]
    context.close()
    parts = (
        f"{took:.2f} s",
        f"{metrics['Nodes']:.0f} nodes",
        f"heap {metrics['JSHeapTotalSize'] / 2**20:.0f} MiB",
        f"{height:.0f} screens",
        f"{stops} stops of Tab",
        f"wider {json.dumps(wider)}",
        f"console {said}",
        f"axe {broken}",
    )
    return "; ".join(parts)


def _sections(page: Page, pictures: Path, name: str) -> None:
    """A picture of the head and of each section."""
    for place, section in enumerate(page.locator("header, section").all()):
        named = section.get_attribute("aria-labelledby") or "head"
        section.screenshot(path=pictures / f"{name}-{place:02}-{named}.png")


if __name__ == "__main__":
    sys.exit(main())
