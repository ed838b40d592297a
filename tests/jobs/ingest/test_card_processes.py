"""A data card made by several processes at once."""

import dataclasses
from pathlib import Path

import pytest

from jobs.ingest import job as ingest
from jobs.lib.card import card
from polyglot.core.errors import Interrupted
from polyglot.kinds.ingest import IngestParams
from tests.kit.data_ingests import bactrian, json_lines
from tests.kit.data_jobs import DataContext, data_context, staged

TEXTS = {
    "DE": "Das ist ein ganz gewöhnlicher Satz, Nummer {}, wie er in vielen Texten dieser Art stehen könnte.",
    "EN": "This is a perfectly ordinary sentence, number {}, as there may be in many texts of this kind.",
    "FR": "Ceci est une phrase tout à fait ordinaire, numéro {}, comme on en trouve dans bien des textes.",
}


def ingest_of(root: Path, cpus: int) -> DataContext:
    context = data_context(root)
    context.resources = dataclasses.replace(context.resources, cpus=cpus)
    files = {}
    for name in TEXTS:
        rows = [bactrian(n, output=TEXTS["EN" if n == 3 else name].format(n % 7)) for n in range(30)]
        files[name] = (context.offer(f"{name}.jsonl", json_lines([*rows, {"id": "a-1"}])),)
    params = IngestParams(
        what="dataset", languages=tuple(files), source="files", format="bactrian-x", files=files, validation_ids=4
    )
    return staged(context, params)


def test_the_card_is_the_same_by_three_processes_and_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for cpus, fewest in ((1, 0), (3, 0), (3, 20_000)):
        monkeypatch.setattr(card, "_FEWEST_ROWS", fewest)
        context = ingest_of(tmp_path / f"{cpus}-{fewest}", cpus)
        ingest.run(context)
        written.append({path.relative_to(context.out): path.read_bytes() for path in context.out.rglob("*.json*")})
    assert written[0] == written[1] == written[2]
    assert len(written[0]) == 8


def test_asked_to_stop_it_stops_while_others_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "_FEWEST_ROWS", 0)
    context = ingest_of(tmp_path, 3)
    described = []
    each = card.processes.each
    monkeypatch.setattr(card.processes, "each", lambda *of, **how: described.append(of) or each(*of, **how))
    monkeypatch.setattr(context, "stopping", lambda: bool(described))
    with pytest.raises(Interrupted):
        ingest.run(context)
    assert described
    assert not (context.out / "card.json").exists()
