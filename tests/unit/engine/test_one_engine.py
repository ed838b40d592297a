"""Answers of one study are computed by one engine: what is committed and what is to be made are looked at together."""

from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage, Stage
from polyglot.engine.one_engine import check_engines
from polyglot.store.directory import DirectoryStore
from tests.kit.stages import EXECUTION, commit, write


def answers(number: int, engine: str) -> PlannedStage:
    made = Stage(kind="answer", version=1, params={"number": number})
    return PlannedStage(stage=made, label=f"answer {number}", settings={"engine": engine})


def committed(store: DirectoryStore, planned: PlannedStage, folder: Path) -> None:
    settings = {"settings": dict(planned.settings)}
    commit(store, planned.stage, write(folder / planned.key, {"card.json": b"{}"}), execution={**EXECUTION, **settings})


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def test_the_engine_may_change_before_anything_is_answered_and_after_all_is(
    tmp_path: Path, store: DirectoryStore
) -> None:
    first = [answers(1, "vllm"), answers(2, "vllm")]
    check_engines(first, store)
    for planned in first:
        committed(store, planned, tmp_path)
    check_engines([replace(planned, settings={"engine": "transformers"}) for planned in first], store)


def test_no_study_is_answered_by_two(tmp_path: Path, store: DirectoryStore) -> None:
    done, rest = answers(1, "transformers"), answers(2, "vllm")
    committed(store, done, tmp_path)
    with pytest.raises(BadInput) as caught:
        check_engines([done, rest], store)
    said = str(caught.value)
    assert "settings.answer.engine" in said
    assert f"vllm, while the store has 1 by transformers: {done.name}" in said
    assert "`engine: transformers`" in said
    check_engines([done, replace(rest, settings={})], store)  # the usual one is named by nobody


def test_kinds_without_engines_do_not_matter(tmp_path: Path, store: DirectoryStore) -> None:
    made = PlannedStage(stage=Stage(kind="mix", version=1, params={}), label="mix", settings={"engine": "x"})
    check_engines([made, answers(1, "vllm")], store)
