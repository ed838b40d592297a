"""The report as it is taken out: how to run it again, and what it took, which no result holds."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.desk import Desk


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        desk = Desk.at(tmp_path_factory.mktemp("ran one"), patch)  # a blank that a shell needs quoted
        study = desk.one_mix()
        said = desk.run("submit", study, "--store", desk.url, "--yes")
        assert said.code == 0, said.err
        yield desk


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "cost.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_page_names_the_file_and_the_store_as_they_were_typed(ran: Desk) -> None:
    page = (ran.root / "out" / "one" / "report.html").read_text(encoding="utf-8")
    typed = f"&#x27;{ran.root}/one.yaml&#x27; --store &#x27;{ran.url}&#x27;"
    assert f"<pre>polyglot plan {typed}\npolyglot submit {typed}\npolyglot report {typed}</pre>" in page


def test_every_stage_has_a_row_and_the_page_has_the_sums(ran: Desk) -> None:
    found = rows(ran.root / "out" / "one")
    status = json.loads(ran.run("status", "one", "--store", ran.url, "-o", "json").out)
    assert [row["stage"] for row in found] == [row["label"] for row in status]
    assert [row["key"] for row in found] == [row["key"] for row in status]
    train = next(row for row in found if row["kind"] == "train")
    assert (train["device"], train["gpus"], train["ranks"], train["gpu_hours"]) == ("cpu", "0", "1", "0.0")
    assert float(train["seconds"]) > 0
    assert int(train["peak_memory_bytes"]) > 100_000_000
    page = (ran.root / "out" / "one" / "report.html").read_text(encoding="utf-8")
    facts = dict(re.findall(r'<th scope="row">(time|cost|goodput)</th><td>(.*)</td>', page))
    assert re.fullmatch(rf".* s of work in the {len(found)} stages: .*train \S+ s \(1, cpu\).*", facts["time"])
    assert re.fullmatch(
        r"[\d.]+% of \S+ s of GPUs \(or processes\) of the trainings were steps of the results; .*", facts["goodput"]
    )
    assert "cost" not in facts  # the judge that is built in asks nobody
    assert all(row["calls"] == row["usd"] == "" for row in found)


def test_by_its_name_the_report_has_the_costs_too_and_no_file(ran: Desk, tmp_path: Path) -> None:
    said = ran.run("report", "one", "--store", ran.url, "--out", tmp_path)
    assert said.code == 0, said.err
    page = (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
    options = f"--store &#x27;{ran.url}&#x27;"
    assert f"polyglot submit FILE {options}\npolyglot report one {options}</pre>" in page
    assert '<th scope="row">time</th>' in page
    assert rows(tmp_path / "one") == rows(ran.root / "out" / "one")
