"""Sheets of answers: drawn alike in every language, blinded, read back strictly, kept once."""

import json
from collections import Counter
from math import comb
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.errors import BadInput
from polyglot.kinds.people import read_votes
from polyglot.kinds.reliability import ReliabilityParams
from polyglot.sheets.power import power, said
from polyglot.sheets.words import WORDS
from polyglot.study.load import load_study
from tests.kit.answered import LACKING, answered
from tests.kit.bad_inputs.studies import study_text
from tests.kit.desk import Desk

TWO = ("--raters", "2", "--language", "EN", "--language", "DE")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk.at(tmp_path, monkeypatch)


@pytest.fixture
def exported(desk: Desk) -> list[Path]:
    """Two raters' sheets of pairs in both languages."""
    answered(desk, desk.submitted(desk.one_mix()))
    return export(desk, *TWO)


def export(desk: Desk, *options: str) -> list[Path]:
    done = desk.run("sheet", "export", "one", "--answers", "--rows", "8", "--store", desk.url, *options)
    assert done.code == 0, done.err
    return [Path(line) for line in done.out.splitlines()]


def take(desk: Desk, *files: Path, options: tuple[str, ...] = ()) -> Any:
    return desk.run("sheet", "import", "one", *files, "--store", desk.url, *options)


def content(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.partition('id="content">')[2].partition("</script>")[0])
    return found


def key_of(desk: Desk, page: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(desk.store.read(f"sheets/one/{content(page)['sheet']}/key.json"))
    return found


def filled(page: Path, rater: str, vote: Any = "A", **changes: Any) -> Path:
    data = content(page)
    votes = [{"item": row["item"], "vote": vote, "seconds": 3, "comment": ""} for row in data["items"]]
    mine = {"sheet": data["sheet"], "language": data["language"], "rater": rater, "speaks": "native", "votes": votes}
    path = page.with_name(f"{page.stem}-{rater}.json")
    path.write_text(json.dumps({"format": data["format"], **mine, **changes}), encoding="utf-8")
    return path


class TestPower:
    @pytest.mark.parametrize("votes", [1, 5, 6, 31, 32, 100])
    def test_it_is_that_of_the_test_worked_out_in_full(self, votes: int) -> None:
        def p_value(won: int) -> float:
            return min(1, 2 * sum(comb(votes, k) for k in range(min(won, votes - won) + 1)) / 2**votes)

        found = sum(
            comb(votes, won) * 0.7**won * 0.3 ** (votes - won) for won in range(votes + 1) if p_value(won) <= 0.05
        )
        assert power(votes, 0.7) == pytest.approx(found, abs=1e-12)

    def test_thirty_two_votes_find_70_to_30_about_half_of_the_time(self) -> None:
        assert 0.45 < power(32, 0.7) < 0.55
        assert power(10_000, 0.52) == pytest.approx(0.98, abs=0.01)  # normal: 0.5 + 0.02 is 4 deviations from 1/2
        assert "32 decisive votes find a preference of 70:30 with a chance of" in said(32)


class TestTheDraw:
    def test_every_sheet_has_the_same_questions_spread_over_categories(self, desk: Desk, exported: list[Path]) -> None:
        pages = [path for path in exported if path.suffix == ".html"]
        assert len(pages) == 2 * 2
        keys = [key_of(desk, page) for page in pages]
        assert {key["language"] for key in keys} == {"EN", "DE"}
        assert len({frozenset(item["id"] for item in key["items"]) for key in keys}) == 1
        assert all(set(Counter(item["category"] for item in key["items"]).values()) <= {1, 2, 3} for key in keys)
        assert all(len(Counter(item["category"] for item in key["items"])) == 4 for key in keys)

    def test_raters_have_orders_and_sides_of_their_own_as_often_left_as_right(
        self, desk: Desk, exported: list[Path]
    ) -> None:
        keys = [key_of(desk, page) for page in exported if page.suffix == ".html"]
        assert len({tuple(item["id"] for item in key["items"]) for key in keys}) == len(keys)
        for key in keys:
            assert sorted(Counter(item["cells"][0] for item in key["items"]).values()) == [4, 4]

    def test_a_question_that_somebody_did_not_answer_whole_is_not_drawn(self, desk: Desk) -> None:
        ids = answered(desk, desk.submitted(desk.one_mix()))
        page = export(desk, "--rows", str(len(ids) - 1))[0]
        assert {item["id"] for item in key_of(desk, page)["items"]} == set(ids) - {LACKING[0]}
        done = desk.run("sheet", "export", "one", "--answers", "--rows", str(len(ids)), "--store", desk.url)
        assert done.code == 2
        assert f"not enough questions to draw from; got {len(ids) - 1} that are answered whole in" in done.err

    def test_equal_arguments_give_equal_sheets_and_another_seed_others(self, desk: Desk, exported: list[Path]) -> None:
        assert export(desk, *TWO) == exported
        assert set(export(desk, *TWO, "--seed", "1")).isdisjoint(exported)

    @pytest.mark.parametrize(
        ("options", "line"),
        [
            (("--pairs", "ENDE"), "--pairs: not a pair; got 'ENDE'; expected ARM,ARM"),
            (("--pairs", "ENDE,FR"), "--pairs: no such arm in the study; got FR; expected one of"),
            (("--single", "ENDE", "--pairs", "ENDE,untuned"), "--single: pairs and single answers in one sheet"),
            (("--answers", "--language", "XX"), "--language: no such language in the study; got XX"),
            (("--answers", "--check", "q"), "--check: --check is of translations alone"),
        ],
    )
    def test_what_cannot_be_drawn_is_said_in_a_line(self, desk: Desk, options: tuple[str, ...], line: str) -> None:
        answered(desk, desk.submitted(desk.one_mix()))
        done = desk.run("sheet", "export", "one", *options, "--store", desk.url)
        assert (done.code, line in done.err) == (2, True), done.err


class TestTheForm:
    def test_no_file_names_a_model_a_question_s_id_or_a_category(self, desk: Desk, exported: list[Path]) -> None:
        for path in exported:
            text = path.read_text(encoding="utf-8")
            assert not [name for name in ("untuned", "ENDE", "tiny", "writing", "coding", "math") if name in text]
        for page in (path for path in exported if path.suffix == ".html"):
            assert all(item.keys() == {"item", "asked", "answers"} for item in content(page)["items"])

    def test_conversations_are_whole_and_texts_cannot_leave_their_place(self, exported: list[Path]) -> None:
        for page in (path for path in exported if path.suffix == ".html"):
            text = page.read_text(encoding="utf-8")
            assert text.count("</script>") == 2
            assert "default-src 'none'" in text
            for item in content(page)["items"]:
                assert len(item["asked"]) == len(item["answers"][0]) == len(item["answers"][1]) == 2
                assert "</script>" in item["asked"][0]

    def test_guidelines_are_in_english_and_in_the_language_of_the_sheet(self, exported: list[Path]) -> None:
        german = next(path for path in exported if "-DE-" in path.name).read_text(encoding="utf-8")
        assert "Lesen Sie das ganze Gespräch" in german
        assert "Read the whole conversation" in german
        assert set(WORDS) == {"EN", "DE", "FR", "IT", "ES"}

    def test_what_so_many_can_show_is_printed(self, desk: Desk) -> None:
        answered(desk, desk.submitted(desk.one_mix()), per_category=9)
        done = desk.run("sheet", "export", "one", "--answers", "--store", desk.url)
        assert said(32) in done.err


class TestInTheStudy:
    def test_votes_are_read_by_the_card_of_the_judges_and_change_nothing_else(
        self, desk: Desk, exported: list[Path]
    ) -> None:
        done = take(desk, filled(exported[0], "anna"))
        without = desk.session(desk.root / "one.yaml").plan
        line = done.err.rpartition("votes: ")[2].strip()
        study = desk.one_mix(votes=line)
        plan = desk.session(study).plan
        changed = {one.stage.kind for one in plan if one.key not in without.by_key}
        assert changed == {"reliability", "report"}
        (stage,) = (one.stage for one in plan if one.stage.kind == "reliability")
        (file,) = ReliabilityParams.of(stage).votes
        assert f"sha256: {file.sha256}" in line

    def test_votes_that_were_changed_since_are_refused(self, desk: Desk, exported: list[Path]) -> None:
        done = take(desk, filled(exported[0], "anna"))
        path = Path(done.out.splitlines()[0])
        path.write_bytes(path.read_bytes() + b"\n")
        study = desk.one_mix(votes=done.err.rpartition("votes: ")[2].strip())
        with pytest.raises(BadInput, match="votes"):
            desk.session(study)

    def test_a_study_without_models_has_no_answers_to_vote_on(self, tmp_path: Path) -> None:
        text = study_text(
            models=None,
            mixes=None,
            training=None,
            quality="[{name: q, data: house, from: EN, to: DE}]",
            votes=f"{{path: v.jsonl, sha256: {'a' * 64}}}",
        )
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match=r"votes: no answer was judged"):
            load_study(tmp_path / "study.yaml")


class TestComingBack:
    def test_votes_come_home_under_the_names_of_the_models(self, desk: Desk, exported: list[Path]) -> None:
        pages = [path for path in exported if path.suffix == ".html"]
        done = take(desk, *(filled(page, name) for page, name in zip(pages, "abcd", strict=True)))
        assert done.code == 0, done.err
        votes = [vote for _, vote in read_votes(Path(done.out.splitlines()[0]), "votes")]
        assert len(votes) == 4 * 8
        whose = {(key["language"], key["rater"]): key["items"] for key in (key_of(desk, page) for page in pages)}
        expected = {(language, item["id"], *item["cells"]) for (language, _), items in whose.items() for item in items}
        assert {(vote.language, vote.id, vote.first, vote.second) for vote in votes} == expected
        assert {(vote.outcome, vote.speaks, vote.turn, vote.seconds) for vote in votes} == {("first", "native", 0, 3)}
        assert "votes: {path: out/sheet/votes.jsonl, sha256:" in done.err

    def test_scores_of_single_answers(self, desk: Desk) -> None:
        answered(desk, desk.submitted(desk.one_mix()))
        page = export(desk, "--single", "ENDE", "--language", "DE")[0]
        done = take(desk, filled(page, "anna", 10))
        votes = [vote for _, vote in read_votes(Path(done.out.splitlines()[0]), "votes")]
        assert {(vote.score, vote.outcome, vote.second) for vote in votes} == {(10, None, None)}

    def test_the_same_file_again_changes_nothing_and_another_view_is_refused(
        self, desk: Desk, exported: list[Path]
    ) -> None:
        first = filled(exported[0], "anna")
        assert "1 of 1 sheets are new" in take(desk, first).err
        assert "0 of 1 sheets are new" in take(desk, first).err
        done = take(desk, filled(exported[0], "anna", "B"))
        assert (done.code, "rated this sheet otherwise before" in done.err) == (2, True)

    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            ({"vote": 7}, "not what was asked; got 7; expected one of A, B, tie, both-bad"),
            ({"vote": "C"}, "vote 1: vote; got 'C'; expected one of A, B, tie, both-bad, or a score from 1 to 10"),
            ({"vote": True}, "vote 1: vote; got True"),
            ({"rater": " "}, "no rater; got ' '"),
            ({"speaks": "well"}, "speaks; got 'well'; expected one of native, fluent, other"),
            ({"votes": []}, "nothing was rated"),
            ({"votes": [3]}, "vote 1: not a vote; got 3"),
            ({"model": "gpt"}, "unknown field; got 'model'"),
            ({"format": "other"}, "not a sheet of answers; expected `format` polyglot-votes-1"),
            ({"sheet": "0" * 12}, "no such sheet was exported from this study"),
            ({"sheet": "../../x"}, "no such sheet was exported from this study"),
        ],
    )
    def test_faults_are_named_each_in_a_line(
        self, desk: Desk, exported: list[Path], changes: dict[str, Any], line: str
    ) -> None:
        vote = changes.pop("vote", "A")
        done = take(desk, filled(exported[0], changes.pop("rater", "anna"), vote, **changes))
        assert done.code == 2
        assert line in done.err, done.err

    def test_items_twice_and_items_that_were_never_shown(self, desk: Desk, exported: list[Path]) -> None:
        path = filled(exported[0], "anna")
        data = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**data, "votes": [*data["votes"], data["votes"][0]]}), encoding="utf-8")
        assert "vote 9: item 1 is there twice; expected once; it is in vote 1 too" in take(desk, path).err
        path.write_text(json.dumps({**data, "votes": [{**data["votes"][0], "item": 99}]}), encoding="utf-8")
        assert "has no such item; got 99; expected 1 to 8" in take(desk, path).err

    def test_nothing_is_kept_when_one_of_the_files_is_wrong(self, desk: Desk, exported: list[Path]) -> None:
        good, bad = filled(exported[0], "anna"), desk.root / "bad.json"
        bad.write_bytes(b"{")
        assert take(desk, good, bad).code == 2
        assert "1 of 1 sheets are new" in take(desk, good).err
