"""Exports of other tools that carry our items' ids, and votes in FastChat's schema, through `polyglot sheet import`."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.kinds.people import HumanVote, read_votes
from tests.kit.answered import answered
from tests.kit.desk import Desk, Said
from tests.unit.sheets.test_answer_sheets import export, key_of


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk.at(tmp_path, monkeypatch)
    answered(made, made.submitted(made.one_mix()))
    return made


@pytest.fixture
def pairs(desk: Desk) -> Path:
    return export(desk, "--pairs", "ENDE,untuned", "--language", "DE", "--rows", "4")[0]


@pytest.fixture
def single(desk: Desk) -> Path:
    return export(desk, "--single", "ENDE", "--language", "DE", "--rows", "4")[0]


def ids(page: Path) -> list[str]:
    """Our items' ids, as they are written beside the page for other tools."""
    lines = page.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["id"] for line in lines]


def take(desk: Desk, content: object, *options: str, lines: bool = False) -> Said:
    path = desk.root / ("given.jsonl" if lines else "given.json")
    text = "\n".join(map(json.dumps, content)) if lines else json.dumps(content)  # type: ignore[call-overload]
    path.write_text(text, encoding="utf-8")
    return desk.run("sheet", "import", "one", path, "--store", desk.url, *options)


def kept(said: Said) -> list[HumanVote]:
    assert said.code == 0, said.err
    return [vote for _, vote in read_votes(Path(said.out.splitlines()[0]), "votes")]


def outcomes(desk: Desk, page: Path, votes: list[HumanVote]) -> list[Any]:
    """What was said of the items, in the order of the sheet."""
    by_id = {vote.id: vote.outcome or vote.score for vote in votes}
    return [by_id.get(item["id"]) for item in key_of(desk, page)["items"]]


def task(item: str, *results: dict[str, Any], by: object = 7, **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"item": item}, "annotations": [{"completed_by": by, "result": [*results], **more}]}


def result(kind: str, **value: Any) -> dict[str, Any]:
    return {"id": "x", "from_name": "pw", "to_name": "a,b", "type": kind, "value": value}


class TestLabelStudio:
    def test_pairs_by_side_or_by_choice(self, desk: Desk, pairs: Path) -> None:
        one, two, three, four = ids(pairs)
        tasks = [
            task(one, result("pairwise", selected="left"), by={"id": 3, "email": "anna@example.org"}, lead_time=4.5),
            task(two, result("pairwise", selected="right"), by={"id": 3, "email": "anna@example.org"}),
            task(three, result("choices", choices=["Both bad"]), result("textarea", text=["why"]), by=7),
            task(four, result("choices", choices=["Tie"]), was_cancelled=True),
        ]
        votes = kept(take(desk, tasks))
        assert outcomes(desk, pairs, votes) == ["first", "second", "both-bad", None]
        assert {vote.rater for vote in votes} == {"anna@example.org", "7"}
        assert {vote.seconds for vote in votes} == {4.5, None}
        assert {vote.comment for vote in votes} == {"", "why"}

    def test_scores(self, desk: Desk, single: Path) -> None:
        tasks = [
            task(name, result("rating", rating=score)) for name, score in zip(ids(single), (1, 7, 10, 5), strict=True)
        ]
        assert outcomes(desk, single, kept(take(desk, tasks))) == [1, 7, 10, 5]

    @pytest.mark.parametrize(
        ("results", "line"),
        [
            ((), "annotation 1: not one vote; got 0 marks"),
            ((result("pairwise", selected="left"), result("choices", choices=["tie"])), "not one vote; got 2 marks"),
            ((result("choices", choices=["great"]),), "not a vote; got 'great'; expected one of a, b, tie, both bad"),
            ((result("pairwise"),), "record 1: cannot be read"),
            ((result("rating", rating=3),), "not what was asked; got 3"),
        ],
    )
    def test_faults_are_named(self, desk: Desk, pairs: Path, results: tuple[dict[str, Any], ...], line: str) -> None:
        said = take(desk, [task(ids(pairs)[0], *results)])
        assert (said.code, line in said.err) == (2, True), said.err

    def test_items_of_somebody_else_and_items_twice(self, desk: Desk, pairs: Path) -> None:
        first, left = ids(pairs)[0], result("pairwise", selected="left")
        said = take(desk, [task("17", left), task(first, left), task(first, left)])
        assert "record 1: annotation 1: no item of ours; got '17'; expected an id such as" in said.err
        assert "item 1 is there twice" in said.err


class TestArgilla:
    def test_records_as_its_client_exports_them(self, desk: Desk, pairs: Path) -> None:
        names = ids(pairs)
        given = [
            {
                "id": name,
                "fields": {"question": "q"},
                "metadata": {},
                "responses": {
                    "better": [{"value": value, "user_id": "u1"}, {"value": "tie", "user_id": "u2"}],
                    "comment": [{"value": "so", "user_id": "u1"}],
                },
            }
            for name, value in zip(names, ("A is better", "B", "both bad", "tie"), strict=True)
        ]
        votes = kept(take(desk, given))
        mine = [vote for vote in votes if vote.rater == "u1"]
        assert outcomes(desk, pairs, mine) == ["first", "second", "both-bad", "tie"]
        assert {vote.outcome for vote in votes if vote.rater == "u2"} == {"tie"}
        assert {vote.comment for vote in mine} == {"so"}

    def test_responses_by_user_as_its_server_has_them(self, desk: Desk, single: Path) -> None:
        given = [
            {
                "id": "6f1d0c1e-0000-4000-8000-000000000000",
                "metadata": {"item": name},
                "responses": [
                    {"user_id": "u1", "status": "submitted", "values": {"score": {"value": 8}}},
                    {"user_id": "u2", "status": "discarded", "values": {}},
                ],
            }
            for name in ids(single)
        ]
        votes = kept(take(desk, given, lines=True))
        assert [(vote.rater, vote.score) for vote in votes] == [("u1", 8)] * 4


class TestPotato:
    def test_pairwise_and_radio_schemas(self, desk: Desk, pairs: Path) -> None:
        one, two, three, four = ids(pairs)
        rows = [
            {"user_id": "u", "instance_id": one, "label_annotations": {"preference": {"selection": "A"}}},
            {"user_id": "u", "id": two, "label_annotations": {"preference": {"selection": "tie"}}},
            {"user_id": "u", "id": three, "label_annotations": {"better": {"B is better": "true", "tie": "false"}}},
            {
                "user_id": "u",
                "id": four,
                "label_annotations": {"better": {"both bad": "4"}, "comment": {"text_box": "hm"}},
            },
        ]
        votes = kept(take(desk, rows, lines=True))
        assert outcomes(desk, pairs, votes) == ["first", "tie", "second", "both-bad"]
        assert [vote.comment for vote in votes].count("hm") == 1

    def test_a_row_of_nobody(self, desk: Desk, pairs: Path) -> None:
        row = {"id": ids(pairs)[0], "label_annotations": {"preference": {"selection": "A"}}}
        assert "given.json: no name of the rater" in take(desk, row).err


class TestFastChat:
    VOTE = {"judge": "expert_1", "model_a": "ENDE", "model_b": "untuned", "question_id": 81, "turn": 2, "winner": "tie"}

    def test_models_are_arms_or_cells_and_votes_are_of_turns(self, desk: Desk) -> None:
        votes = kept(
            take(
                desk,
                [self.VOTE, {**self.VOTE, "question_id": "82_DE", "winner": "model_b", "judge": ["author", "x"]}],
                "--language", "DE",
                lines=True,
            )
        )  # fmt: skip
        assert [(vote.id, vote.turn, vote.outcome, vote.rater, vote.language) for vote in votes] == [
            ("81", 2, "tie", "expert_1", "DE"),
            ("82", 2, "second", "author x", "DE"),
        ]
        assert {vote.first.partition("/")[0] for vote in votes} == {"tiny"}

    def test_who_voted_twice_is_named_and_counted(self, desk: Desk) -> None:
        turned = {**self.VOTE, "model_a": "untuned", "model_b": "ENDE"}
        said = take(desk, [self.VOTE, turned], "--language", "DE", lines=True)
        assert len(kept(said)) == 2
        assert "expert_1 voted 2 times on question 81, turn 2" in said.err

    def test_a_file_with_votes_of_another_is_refused(self, desk: Desk) -> None:
        assert len(kept(take(desk, [self.VOTE], "--language", "DE"))) == 1
        assert len(kept(take(desk, [self.VOTE], "--language", "DE"))) == 1
        said = take(desk, [self.VOTE, {**self.VOTE, "turn": 1}], "--language", "DE", lines=True)
        assert (said.code, "votes that were imported from another file before" in said.err) == (2, True)

    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            ({"model_a": "gpt-4"}, "model_a: no such model in the study; got 'gpt-4'; expected"),
            ({"model_a": "untuned"}, "a model beside itself"),
            ({"question_id": 7}, "no such question in the study; got 7"),
            ({"turn": 0}, "turn; got 0; expected 1 or more"),
            ({"winner": "model_c"}, "winner; got 'model_c'; expected model_a, model_b, tie"),
            ({"judge": ""}, "judge: no name of the rater"),
        ],
    )
    def test_faults_are_named(self, desk: Desk, changes: dict[str, Any], line: str) -> None:
        said = take(desk, [{**self.VOTE, **changes}, self.VOTE], "--language", "DE", lines=True)
        assert (said.code, line in said.err, "given.jsonl:1" in said.err) == (2, True, True), said.err

    def test_the_language_has_to_be_said(self, desk: Desk) -> None:
        assert "votes in what language; got nothing; expected --language, one of" in take(desk, [self.VOTE]).err


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "not JSON"),
        (b"{}", "not a sheet of answers"),
        (b"[]", "not a sheet of answers"),
        (b"[1, {}]", "not a sheet of answers"),
        (b'{"a": 1}\n{"b"', "not JSON"),
        ("é".encode("latin-1"), "not UTF-8"),
        (b"\xff\xfe{\x00", "encoded as UTF-16"),
        (b"[" * 100_000, "not JSON: nested too deeply"),
        (b'{"votes": NaN}', "NaN is not JSON"),
    ],
)
def test_files_of_no_form_end_in_a_line(desk: Desk, data: bytes, line: str) -> None:
    (desk.root / "given.json").write_bytes(data)
    said = desk.run("sheet", "import", "one", "given.json", "--store", desk.url)
    assert (said.code, line in said.err) == (2, True), said.err
