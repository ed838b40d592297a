"""What is taken out, and what is said, of a study that has not run."""

import json
from pathlib import Path

import pytest

from polyglot.export.model_card import ModelCard
from polyglot.export.selection import select
from polyglot.store.committed import committed
from tests.kit.desk import Desk

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")


def test_what_is_not_computed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    desk.submitted(desk.study("two"))
    said = desk.run("fetch", "two", "answers", "--store", desk.url, "--to", tmp_path / "to")
    assert said.code == 1
    assert "not computed yet" in said.err
    assert not (tmp_path / "to").exists()


def test_a_study_that_has_not_begun_is_listed_beside_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    desk.submitted(desk.study("waits"))
    desk.store.create("studies/broken/0/plan-000000000000.json", b"{")
    said = desk.run("list", "--store", desk.url, "-o", "json")
    broken, waits = json.loads(said.out)
    assert (waits["study"], waits["state"], waits["done"]) == ("waits", "waiting", 0)
    assert broken["study"] == "broken"
    assert "damaged" in broken["state"]


@pytest.mark.parametrize(("languages", "said"), [(LANGUAGES, False), (("FR", "IT"), True)])
def test_a_card_speaks_of_no_system_message_where_there_was_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, languages: tuple[str, ...], said: bool
) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    empty = ", ".join(f"{language}: ''" for language in languages)
    session = desk.submitted(desk.study("two", systems=f"{{{empty}}}"))
    answer = next(planned for planned in session.plan if planned.stage.kind == "answer")
    model = desk.commit(session, session.plan.by_key[answer.stage.inputs["model"]].label)
    manifest = committed(desk.store, model.stage.kind, model.key)
    assert manifest is not None
    card = ModelCard(store=desk.store, plan=session.plan, model=model).text(manifest)
    assert ("The first message had the role `system`" in card) is said
    assert f"Questions in {', '.join(sorted(languages))} had no system message." in card
    assert not [line for line in card.splitlines() if line.startswith("- FR:")]
    assert bool([line for line in card.splitlines() if line.startswith("- DE: ")]) is said


def test_a_study_of_which_nothing_is_computed_is_told_in_the_plural(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    session = desk.submitted(desk.study("two"))
    count = len(select(session.plan, "model", None))
    said = desk.run("fetch", "two", "model", "--store", desk.url, "--to", tmp_path / "to")
    assert (said.code, count > 1) == (1, True)
    assert f"none of its {count} models is computed yet" in said.err
