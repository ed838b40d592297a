"""A study run up to its mixes: a page of cards, nothing trained, and nothing that a night could evaluate."""

import json
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.store.submissions import newest_submission
from tests.kit.desk import Desk

STUDY = {"models": "{tiny: {built-in: {steps: 20}}}", "mixes": "[EN, DE, ENDE-sampled]"}


@pytest.mark.timeout(300)
def test_data_and_mixes_are_made_and_shown_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    study = desk.study("one", **STUDY, judge="{endpoint: openai, model: m}")  # for which there is no key here
    common = (study, "--data-only", "--store", desk.url)
    assert desk.run("report", *common).code == 1
    said = desk.run("submit", *common)
    assert said.code == 0, said.err
    assert said.out.splitlines() == [f"out/one-data/{name}" for name in ("report.html", "cost.csv", "report.json")]
    assert desk.store.folders("stages/") == ["base", "contamination", "ingest", "mix", "report", "tokenize"]
    document = json.loads(Path("out/one-data/report.json").read_text(encoding="utf-8"))
    assert [card["arm"] for card in document["mixes"]] == ["EN", "DE", "ENDE-sampled"]

    states = {row["label"]: row["state"] for row in json.loads(desk.run("status", *common, "-o", "json").out)}
    assert set(states.values()) == {"committed"}
    whole = json.loads(desk.run("status", study, "--store", desk.url, "-o", "json").out)
    assert {row["label"]: row["state"] for row in whole if row["label"].startswith(("mix", "train"))} == {
        **{f"mix tiny/house/{mix}": "committed" for mix in ("EN", "DE", "ENDE-sampled")},
        **{f"train tiny/house/{mix}/s0": "waiting" for mix in ("EN", "DE", "ENDE-sampled")},
    }
    with pytest.raises(BadInput, match="never submitted"):
        newest_submission(desk.store, "one", local=True)
    said = desk.run("nights", "one", "--store", desk.url)
    assert (said.code, said.err) == (1, f"{desk.url}: no study 'one' was submitted, its data alone were\n")
    assert desk.run("why", "report", "--study", study, "--store", desk.url).out.startswith("report has not begun")
    assert desk.run("why", "report of data", "--store", desk.url).out.startswith("report of data is committed")
    said = desk.run("report", *common, "--night", "a")
    assert (said.code, said.err) == (2, "--data-only: a night evaluates models; got --night a. Leave one out\n")
