"""Results without some questions, and cells that cannot stand beside each other."""

import json
from pathlib import Path

import pytest

from polyglot.core.errors import Permanent
from tests.kit.aggregated import contrasts_of, edit, rows, run
from tests.kit.fake_scores import (
    LANGUAGES,
    FakeStudy,
    cells_of,
    contrast,
    study,
    usual_ability,
)

MONO = LANGUAGES


def without(made: FakeStudy, ids: set[str], root: Path) -> FakeStudy:
    """The same study without some questions."""
    copy = replace_study(made, root)
    for role, source in copy.inputs.items():
        for name in source.names():
            if name.endswith(".jsonl"):
                edit(copy, role, name, lambda records: [record for record in records if record.get("id") not in ids])
    return copy


def replace_study(made: FakeStudy, root: Path) -> FakeStudy:
    return FakeStudy(
        cells=made.cells, contrasts=made.contrasts, languages=made.languages, ability=made.ability, seed=made.seed
    ).write(root / "copy")


def test_results_without_wrong_references_are_those_of_a_benchmark_without_the_questions(tmp_path: Path) -> None:
    contrasts = (contrast("parallel - mono mean", "ENDE", "EN", "DE"),)
    made = FakeStudy(cells=cells_of(("EN", "DE", "ENDE"), (0, 1)), contrasts=contrasts, ability=usual_ability)
    made.write(tmp_path / "in")
    wrong = ("104", "111", "9999")
    plain = run(made, tmp_path / "plain")
    marked = run(made, tmp_path / "marked", wrong_references=wrong)
    alone = run(without(made, {"104", "111"}, tmp_path), tmp_path / "alone")
    other = json.loads(marked["scores.json"])["other_questions"]
    assert "other_questions" not in json.loads(plain["scores.json"])
    assert {**json.loads(marked["scores.json"]), "other_questions": 0} == {
        **json.loads(plain["scores.json"]),
        "other_questions": 0,
    }
    assert other["wrong"] == ["104", "111"]  # what the benchmark does not have is not left out of it
    assert other["arms"] == rows(alone, "arms", language="all")
    assert other["contrasts"] == contrasts_of(alone)
    first = run(made, tmp_path / "left-out", wrong_references=wrong, leave_out_wrong=True)
    assert rows(first, "arms") == rows(alone, "arms")
    assert contrasts_of(first) == contrasts_of(alone)
    assert json.loads(first["scores.json"])["other_questions"]["contrasts"] == contrasts_of(plain)


def test_a_benchmark_of_wrong_references_alone_is_refused(tmp_path: Path) -> None:
    made = FakeStudy(cells=cells_of(("EN",), (0,)), ability=usual_ability).write(tmp_path / "in")
    every = tuple(identity for identity, _ in made.questions())
    with pytest.raises(Permanent, match="every question of the benchmark is among `wrong-references`"):
        run(made, tmp_path / "out", wrong_references=every, leave_out_wrong=True)


def test_cells_of_two_engines_are_refused_with_the_way_out(tmp_path: Path) -> None:
    made = study(("EN", "DE"), (0,)).write(tmp_path / "in")
    roles = sorted(role for role in made.inputs if role.startswith("answers:"))
    for role in roles[:-1]:
        write_card(made, role, '{"languages": {}, "engine": "vllm 0.32.0"}')
    write_card(made, roles[-1], '{"languages": {}, "endpoint": "http://host"}')
    run(made, tmp_path / "fine")  # what was asked at an endpoint is by no engine
    write_card(made, roles[-1], '{"languages": {}}')
    cell = roles[-1].removeprefix("answers:")
    with pytest.raises(Permanent, match=rf"one engine: got {cell} by transformers, the others by vllm \(\d cells\)"):
        run(made, tmp_path / "refused")


def write_card(made: FakeStudy, role: str, text: str) -> None:
    (made.inputs[role].root / "card.json").write_text(text)
